// Writes the recorded data: generate FOLDER. The same bytes on every run and every machine; a test compares them with the
// committed files.
//
//   orders.jsonl   bodies of POST /orders/report, one on each line, 300 bytes to 300 KiB
//   pages.jsonl    bodies of POST /page, likewise
//   searches.txt   queries of GET /search, one on each line
//   text.txt       the text they search
//   sample.json    what GET /page shows
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace json = boost::json;

/// The standard fixes the engine's numbers, but not those of its distributions: hence own ones. It does not fix the order
/// in which operands are evaluated either: so below, no expression rolls twice, except braced lists, whose order is fixed.
class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  double unit() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  /// Small numbers most often, as with words and products: the square of a uniform number.
  std::size_t rank(std::size_t n) {
    double const u = unit();
    return static_cast<std::size_t>(u * u * static_cast<double>(n));
  }

private:
  std::mt19937_64 engine_;
};

/// Different made-up words of two to four syllables.
std::vector<std::string> vocabulary(dice& d, std::size_t words) {
  static char const* const starts[] = {"b", "d", "f", "g", "h", "k",  "l",  "m",  "n",
                                       "p", "r", "s", "t", "v", "br", "st", "tr", "sh"};
  static char const* const vowels[] = {"a", "e", "i", "o", "u", "ai", "ea", "ou"};
  static char const* const ends[] = {"", "", "", "n", "r", "l", "s", "m"};
  std::set<std::string> known;
  std::vector<std::string> out;
  while (out.size() < words) {
    std::string word;
    for (std::size_t i = d.between(2, 4); i != 0; --i) {
      word += starts[d.below(std::size(starts))];
      word += vowels[d.below(std::size(vowels))];
      word += ends[d.below(std::size(ends))];
    }
    if (known.insert(word).second) out.push_back(word);
  }
  return out;
}

std::string capital(std::string word) {
  word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

std::string phrase(dice& d, std::vector<std::string> const& words, std::size_t count) {
  std::string out = capital(words[d.rank(words.size())]);
  for (; count > 1; --count) out += " " + words[d.rank(words.size())];
  return out;
}

std::string two_digits(std::size_t n) { return {static_cast<char>('0' + n / 10), static_cast<char>('0' + n % 10)}; }

/// A customer's note, now and then with characters that JSON and HTML escape.
std::string note(dice& d, std::vector<std::string> const& words) {
  static char const* const spice[] = {" & co. ",       " <gift> ", " \"quoted\" ", "\n",
                                      " caf\xC3\xA9 ", " it's ",   "\t",           " 5\xE2\x82\xAC "};
  std::size_t const length = d.between(3, 12);
  std::string out = phrase(d, words, length);
  if (d.one_in(2)) return out;
  out += spice[d.below(std::size(spice))];
  std::size_t const more = d.between(1, 6);
  return out + phrase(d, words, more);
}

struct product {
  std::string sku, name;
  std::size_t price;  // cents
};

struct world {
  std::vector<std::string> words;
  std::vector<std::string> customers;
  std::vector<product> products;

  explicit world(dice& d) : words(vocabulary(d, 4000)) {
    for (int i = 0; i < 400; ++i) customers.push_back(phrase(d, words, 2));
    for (int i = 0; i < 1200; ++i) {
      std::string sku(1, static_cast<char>('A' + d.below(26)));
      sku += '-' + std::to_string(10'000 + i);
      std::size_t const length = d.between(2, 5);
      std::string name = phrase(d, words, length);
      products.push_back({std::move(sku), std::move(name), d.between(99, 49999)});
    }
  }
};

std::string order(dice& d, world const& w, std::int64_t id) {
  json::object out;
  out["id"] = id;
  out["customer"] = w.customers[d.rank(w.customers.size())];
  std::string placed = "2026-" + two_digits(d.between(1, 12));
  placed += '-' + two_digits(d.between(1, 28));
  placed += 'T' + two_digits(d.below(24));
  placed += ':' + two_digits(d.below(60)) + ":00Z";
  out["placed"] = placed;
  out["ship_to"] = json::object{{"street", phrase(d, w.words, 2)},
                                {"number", d.between(1, 250)},
                                {"city", phrase(d, w.words, 1)},
                                {"express", d.one_in(5)}};
  if (d.one_in(3)) out["note"] = note(d, w.words);
  json::array lines;
  for (std::size_t i = 1 + d.rank(8); i != 0; --i) {
    product const& p = w.products[d.rank(w.products.size())];
    lines.push_back(json::object{{"sku", p.sku},
                                 {"name", p.name},
                                 {"quantity", 1 + d.rank(12)},
                                 {"price", p.price},
                                 {"weight", static_cast<double>(d.between(1, 4000)) / 8}});
  }
  out["lines"] = std::move(lines);
  return json::serialize(out);
}

std::string section(dice& d, world const& w) {
  json::object out;
  out["heading"] = phrase(d, w.words, d.between(1, 4));
  if (d.one_in(2)) out["intro"] = note(d, w.words);
  json::array products;
  for (std::size_t i = 1 + d.rank(7); i != 0; --i) {
    product const& p = w.products[d.rank(w.products.size())];
    json::object row;
    row["sku"] = p.sku;
    row["name"] = p.name;
    row["price"] = std::to_string(p.price / 100) + '.' + two_digits(p.price % 100);
    row["stock"] = d.rank(90);
    row["sale"] = d.one_in(6);
    if (d.one_in(3)) row["note"] = note(d, w.words);
    json::array tags;
    for (std::size_t t = d.below(4); t != 0; --t) tags.emplace_back(w.words[d.rank(300)]);
    row["tags"] = std::move(tags);
    products.push_back(std::move(row));
  }
  out["products"] = std::move(products);
  return json::serialize(out);
}

/// `head`, then parts until the body has about `bytes`, then "]}".
template <class Part> std::string body_of(std::string head, std::size_t bytes, Part part) {
  for (bool first = true; first || head.size() + 2 < bytes; first = false) {
    if (!first) head += ',';
    head += part();
  }
  return head + "]}";
}

/// From 300 bytes to 300 KiB, evenly on a logarithmic scale that is bent towards small sizes, so that the files in the
/// repository stay small.
std::size_t body_size(std::size_t i, std::size_t count) {
  double const place = static_cast<double>(i) / static_cast<double>(count - 1);
  return static_cast<std::size_t>(300 * std::pow(1024.0, std::pow(place, 2.6))) - 1;
}

std::string orders_body(dice& d, world const& w, std::size_t bytes) {
  auto id = static_cast<std::int64_t>(d.between(10'000, 90'000'000));
  return body_of("{\"orders\":[", bytes, [&] { return order(d, w, id++); });
}

std::string page_body(dice& d, world const& w, std::size_t bytes) {
  json::object const user{{"name", phrase(d, w.words, 2)}, {"orders", d.rank(40)}, {"trade", d.one_in(4)}};
  json::object const opening{{"title", phrase(d, w.words, 3)}, {"user", user}};
  auto head = json::serialize(opening);
  head.pop_back();
  return body_of(head + ",\"sections\":[", bytes, [&] { return section(d, w); });
}

std::string text(dice& d, world const& w, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) {
    for (std::size_t sentence = d.between(3, 9); sentence != 0; --sentence) {
      out += phrase(d, w.words, d.between(4, 18));
      out += sentence == 1 ? ".\n\n" : d.one_in(4) ? ".\n" : ". ";
    }
  }
  return out;
}

std::string query(dice& d, world const& w) {
  std::string out;
  for (std::size_t i = d.between(1, 5); i != 0; --i) {
    if (!out.empty()) out += ' ';
    out += d.one_in(2) ? w.words[d.rank(200)] : w.words[d.rank(w.words.size())];
  }
  return out;
}

template <class Line> std::string lines(std::size_t count, Line line) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += line(i) + "\n";
  return out;
}

void write(std::string const& path, std::string const& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::invalid_argument("usage: generate FOLDER");
  std::string const folder = std::string(argv[1]) + "/";
  constexpr std::size_t orders = 150, pages = 70, searches = 80, text_bytes = 320 * 1024;
  dice d{20261121};
  world const w{d};
  write(folder + "orders.jsonl", lines(orders, [&](std::size_t i) { return orders_body(d, w, body_size(i, orders)); }));
  write(folder + "pages.jsonl", lines(pages, [&](std::size_t i) { return page_body(d, w, body_size(i, pages)); }));
  write(folder + "searches.txt", lines(searches, [&](std::size_t) { return query(d, w); }));
  write(folder + "text.txt", text(d, w, text_bytes));
  write(folder + "sample.json", page_body(d, w, 2000) + "\n");
  return 0;
} catch (std::exception const& error) {
  std::cerr << "generate: " << error.what() << '\n';
  return 1;
}
