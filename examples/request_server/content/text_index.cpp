#include "text_index.hpp"

#include "html.hpp"
#include "words.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace shop {

namespace {

// BM25's usual constants: how fast repetition saturates, and how much a paragraph's length counts against it.
constexpr double saturation = 1.2;
constexpr double length_weight = 0.75;

constexpr std::size_t snippet_words = 24;

std::vector<std::string_view> split_paragraphs(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    auto const paragraph = text.substr(0, text.find("\n\n"));
    if (!paragraph.empty()) out.push_back(paragraph);
    text.remove_prefix(std::min(text.size(), paragraph.size() + 2));
  }
  return out;
}

}  // namespace

text_index::text_index(std::string text) : text_(std::move(text)), paragraphs_(split_paragraphs(text_)) {
  lowered_.resize(text_.size());
  std::transform(text_.begin(), text_.end(), lowered_.begin(), lower);
  std::size_t total = 0;
  for (std::uint32_t p = 0; p < paragraphs_.size(); ++p) {
    std::uint32_t length = 0;
    auto const begin = static_cast<std::size_t>(paragraphs_[p].data() - text_.data());
    std::string_view const paragraph = std::string_view(lowered_).substr(begin, paragraphs_[p].size());
    for_each_word(paragraph, [&](std::string_view word, std::size_t) {
      auto& list = postings_[word];
      if (list.empty() || list.back().paragraph != p) list.push_back({p, 0});
      ++list.back().count;
      ++length;
    });
    lengths_.push_back(length);
    total += length;
  }
  if (total != 0) mean_length_ = static_cast<double>(total) / static_cast<double>(paragraphs_.size());
}

std::pmr::vector<std::pmr::string> text_index::words_of(std::string_view query, std::pmr::memory_resource* memory) {
  std::pmr::vector<std::pmr::string> words{memory};
  for_each_word(query, [&](std::string_view word, std::size_t) {
    std::pmr::string lowered{memory};
    lowered.reserve(word.size());
    std::transform(word.begin(), word.end(), std::back_inserter(lowered), lower);
    if (std::find(words.begin(), words.end(), lowered) == words.end()) words.push_back(std::move(lowered));
  });
  return words;
}

text_index::result text_index::search(std::pmr::vector<std::pmr::string> const& words, std::size_t at_most,
                                      std::pmr::memory_resource* memory) const {
  std::pmr::unordered_map<std::uint32_t, double> scores{memory};
  for (auto const& word : words) {
    auto const found = postings_.find(word);
    if (found == postings_.end()) continue;
    auto const& list = found->second;
    double const with = static_cast<double>(list.size());
    double const rarity = std::log(1 + (static_cast<double>(paragraphs_.size()) - with + 0.5) / (with + 0.5));
    for (posting const& p : list) {
      double const count = p.count;
      double const length = lengths_[p.paragraph] / mean_length_;
      scores[p.paragraph] +=
          rarity * count * (saturation + 1) / (count + saturation * (1 - length_weight + length_weight * length));
    }
  }
  result out{std::pmr::vector<hit>{memory}, scores.size()};
  out.best.reserve(scores.size());
  for (auto const& [paragraph, score] : scores) out.best.push_back({paragraph, score});
  auto const better = [](hit const& a, hit const& b) {
    return a.score != b.score ? a.score > b.score : a.paragraph < b.paragraph;
  };
  auto const kept = static_cast<std::ptrdiff_t>(std::min(at_most, out.best.size()));
  std::partial_sort(out.best.begin(), out.best.begin() + kept, out.best.end(), better);
  out.best.erase(out.best.begin() + kept, out.best.end());
  return out;
}

std::pmr::string text_index::snippet(std::uint32_t paragraph, std::pmr::vector<std::pmr::string> const& words,
                                     std::pmr::memory_resource* memory) const {
  struct place {
    std::size_t begin, size;
    bool match;
  };
  std::string_view const text = paragraphs_[paragraph];
  std::pmr::vector<place> places{memory};
  places.reserve(lengths_[paragraph]);
  for_each_word(text, [&](std::string_view word, std::size_t begin) {
    bool const match = std::any_of(words.begin(), words.end(), [&](auto const& w) { return is_same_word(word, w); });
    places.push_back({begin, word.size(), match});
  });

  // A window of snippet_words slides over the paragraph; the first with the most matches is taken.
  std::size_t best = 0, most = 0, matches = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    matches += places[i].match;
    if (i >= snippet_words) matches -= places[i - snippet_words].match;
    if (matches > most) {
      most = matches;
      best = i + 1 > snippet_words ? i + 1 - snippet_words : 0;
    }
  }
  std::pmr::string out{memory};
  std::size_t const end = std::min(places.size(), best + snippet_words);
  if (best == end) return out;
  std::size_t copied = places[best].begin;
  for (std::size_t i = best; i < end; ++i) {
    if (!places[i].match) continue;
    append_escaped(out, text.substr(copied, places[i].begin - copied));
    out.append("<b>").append(text.substr(places[i].begin, places[i].size)).append("</b>");
    copied = places[i].begin + places[i].size;
  }
  append_escaped(out, text.substr(copied, places[end - 1].begin + places[end - 1].size - copied));
  return out;
}

}  // namespace shop
