#include "content.hpp"

#include <boost/json/parse.hpp>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace shop {

std::string read_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw std::runtime_error(path + ": cannot be read");
  return text;
}

namespace {

boost::json::value read_json(std::string const& path) {
  boost::json::error_code error;
  auto value = boost::json::parse(read_file(path), error);
  if (error) throw std::runtime_error(path + ": " + error.message());
  return value;
}

}  // namespace

content::content(std::string const& data_folder, std::string const& text_file)
    : index(read_file(text_file)),
      page(read_file(data_folder + "/page.html")),
      sample(read_json(data_folder + "/sample.json")) {}

}  // namespace shop
