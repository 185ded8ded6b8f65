// Full-text search over the text loaded at start.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace shop {

/// An inverted index over the paragraphs of a text (separated by blank lines), ranked by Okapi BM25. Built once, then
/// only read: any number of threads may query it. The index lives in ordinary memory; a query takes memory only from its
/// argument.
class text_index {
public:
  explicit text_index(std::string text);
  text_index(text_index const&) = delete;  // paragraphs are views of the text
  text_index& operator=(text_index const&) = delete;

  struct hit {
    std::uint32_t paragraph;
    double score;
  };

  /// What a query found: the best hits, best first (ties: earlier paragraph first), and how many paragraphs matched.
  struct result {
    std::pmr::vector<hit> best;
    std::size_t matches;
  };

  result search(std::pmr::vector<std::pmr::string> const& words, std::size_t at_most, std::pmr::memory_resource*) const;

  /// The part of a paragraph where most of the words are close together, whole words only, matches in <b>…</b>,
  /// everything else escaped for HTML.
  std::pmr::string snippet(std::uint32_t paragraph, std::pmr::vector<std::pmr::string> const& words,
                           std::pmr::memory_resource*) const;

  std::size_t paragraphs() const noexcept { return paragraphs_.size(); }
  std::size_t words() const noexcept { return postings_.size(); }

  /// The words of a query: lower case, each once, in order.
  static std::pmr::vector<std::pmr::string> words_of(std::string_view query, std::pmr::memory_resource*);

private:
  struct posting {
    std::uint32_t paragraph;
    std::uint32_t count;
  };

  std::string text_;
  std::string lowered_;  // the text in lower case: what the words of postings_ are views of
  std::vector<std::string_view> paragraphs_;
  std::vector<std::uint32_t> lengths_;  // words in each paragraph
  double mean_length_ = 1;
  std::unordered_map<std::string_view, std::vector<posting>> postings_;  // each list ascending by paragraph
};

}  // namespace shop
