// The data that the server loads at start and never changes. All its threads read it.
#pragma once

#include "page_template.hpp"
#include "text_index.hpp"

#include <boost/json/value.hpp>

#include <string>

namespace shop {

struct content {
  text_index index;
  page_template page;
  boost::json::value sample;  ///< what GET /page shows

  /// Reads `text_file`, and page.html and sample.json from `data_folder`. Throws std::runtime_error with the file's name
  /// when one cannot be read or is malformed.
  content(std::string const& data_folder, std::string const& text_file);
};

/// A file's bytes; throws std::runtime_error with its name when it cannot be read.
std::string read_file(std::string const& path);

}  // namespace shop
