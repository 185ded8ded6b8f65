// Beast's message types with everything they own in a request's memory.
#pragma once

#include "../arena/arena_allocator.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>

#include <tuple>
#include <utility>

namespace shop {

namespace http = boost::beast::http;

using arena_fields = http::basic_fields<arena_allocator<char>>;
using arena_body = http::basic_string_body<char, std::char_traits<char>, arena_allocator<char>>;
using arena_string = arena_body::value_type;  ///< a body's string: a handler writes into it, and it is sent as it is
using arena_buffer = boost::beast::basic_flat_buffer<arena_allocator<char>>;

using request = http::request<arena_body, arena_fields>;
using response = http::response<arena_body, arena_fields>;
using request_parser = http::request_parser<arena_body, arena_allocator<char>>;
using response_serializer = http::response_serializer<arena_body, arena_fields>;

/// An empty message whose body and fields take their memory from `memory`. Each takes an allocator, hence twice.
template <class Message> Message message_in(std::pmr::memory_resource* memory) {
  arena_allocator<char> const allocator{memory};
  return Message{std::piecewise_construct, std::make_tuple(allocator), std::make_tuple(allocator)};
}

}  // namespace shop
