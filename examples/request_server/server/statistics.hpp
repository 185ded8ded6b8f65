// What the server remembers of the requests it has answered.
#pragma once

#include "../arena/arena.hpp"
#include "../handlers/handlers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>

namespace shop {

/// One answered request, in a fixed size: remembering takes no memory.
struct request_record {
  std::array<char, 8> method{};
  std::array<char, 48> target{};  // cut off where it is longer
  unsigned status = 0;
  std::size_t bytes_read = 0;
  std::size_t bytes_written = 0;
  std::size_t bytes_held = 0;  ///< peak of the request's memory; counted for zmm, 0 elsewhere
  std::int64_t microseconds = 0;

  /// Copies what fits; the rest stays zero.
  template <std::size_t N> static void copy(std::array<char, N>& to, std::string_view from) noexcept {
    from.copy(to.data(), N);
  }
  template <std::size_t N> static std::string_view view(std::array<char, N> const& text) noexcept {
    std::string_view const all(text.data(), N);
    return all.substr(0, all.find('\0'));
  }
};

/// Thread-safe. Keeps counts since the start and the last records.
class statistics final : public figures {
public:
  explicit statistics(arena_kind arena) noexcept : arena_(arena) {}

  void add(request_record const&);
  boost::json::value report(boost::json::storage_ptr) const override;

private:
  static constexpr std::size_t kept = 512;  // latencies are taken over these
  static constexpr std::size_t shown = 16;

  arena_kind arena_;
  mutable std::mutex mutex_;
  std::uint64_t added_ = 0;
  std::array<request_record, kept> records_;  // a ring: the next goes to added_ % kept
  std::map<unsigned, std::uint64_t> by_status_;
};

}  // namespace shop
