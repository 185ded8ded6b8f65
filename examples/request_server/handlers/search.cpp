// GET /search?q=words&limit=n.
#include "../arena/boost_view.hpp"
#include "../http/request_error.hpp"
#include "handlers.hpp"
#include "json_io.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <charconv>

namespace shop {

namespace json = boost::json;

namespace {

constexpr std::size_t default_hits = 10;
constexpr std::size_t most_hits = 50;
constexpr std::size_t most_words = 32;

std::size_t hits_wanted(call const& asked) {
  auto const text = query_parameter(asked.where.query, "limit", asked.memory);
  if (!text) return default_hits;
  std::size_t wanted = 0;
  auto const end = text->data() + text->size();
  auto const read = std::from_chars(text->data(), end, wanted);
  if (read.ec != std::errc{} || read.ptr != end || wanted == 0 || wanted > most_hits)
    throw_bad_request("limit is a number from 1 to 50");
  return wanted;
}

}  // namespace

void search_text(call const& asked, response& out) {
  auto const query = query_parameter(asked.where.query, "q", asked.memory);
  if (!query) throw_bad_request("the query q is missing");
  auto const words = text_index::words_of(*query, asked.memory);
  if (words.empty() || words.size() > most_words) throw_bad_request("q has 1 to 32 words");

  text_index const& index = asked.from.loaded.index;
  auto const found = index.search(words, hits_wanted(asked), asked.memory);

  boost_view view{asked.memory};
  json::storage_ptr const storage{&view};
  json::array hits(storage);
  hits.reserve(found.best.size());
  for (text_index::hit const& hit : found.best) {
    auto const snippet = index.snippet(hit.paragraph, words, asked.memory);
    json::object row(storage);
    row.reserve(3);
    row.emplace("paragraph", hit.paragraph);
    row.emplace("score", hit.score);
    row.emplace("snippet", json::string_view(snippet.data(), snippet.size()));
    hits.push_back(std::move(row));
  }
  json::object answer(storage);
  answer.emplace("query", json::string_view(query->data(), query->size()));
  answer.emplace("matches", found.matches);
  answer.emplace("hits", std::move(hits));
  write_json(std::move(answer), out.body());
}

}  // namespace shop
