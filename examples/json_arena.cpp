// A JSON document in an arena: parsed, changed and written there, then freed at once, without a walk over its values.
#include <zmm/boost.hpp>

#include <boost/json.hpp>

#include <cstdio>
#include <memory_resource>
#include <string>

namespace json = boost::json;

namespace {
constexpr char order[] = R"({"customer": "somebody", "items": [{"name": "a kettle", "price": 20, "count": 2},
                                                              {"name": "a cup", "price": 3, "count": 6}]})";

/// The order's answer, in the memory of the request. The parsed document is not destroyed: the request frees it.
std::pmr::string answer(zmm::dual_resource<zmm::request_heap>& request) {
  auto& document = *request.create<json::value>(json::parse(order, &request));
  std::int64_t total = 0;
  for (json::value const& item : document.at("items").as_array())
    total += item.at("price").as_int64() * item.at("count").as_int64();
  document.as_object()["total"] = total;
  document.as_object().erase("items");

  std::pmr::string text{&request};
  json::serializer writer;
  char piece[64];
  for (writer.reset(&document); !writer.done();) text += writer.read(piece);
  return text;
}
}  // namespace

int main() {
  zmm::dual_resource<zmm::request_heap> request;  // a memory_resource for Boost.JSON and for std::pmr at once
  {
    std::pmr::string const text = answer(request);
    std::printf("%s\n", text.c_str());
  }
  bool const held = request.stats().live_blocks != 0;
  request.release();  // frees the document
  std::printf("document in the arena: %s, after the request: %zu bytes\n", held ? "yes" : "no", request.stats().size);
}

// prints: {"customer":"somebody","total":58}
// prints: document in the arena: yes, after the request: 0 bytes
