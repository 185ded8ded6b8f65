// The arenas to choose from, behind one interface: server and handlers see a std::pmr::memory_resource.
#pragma once

#include <zmm/zmm.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace shop {

/// Which arena the requests live in, chosen once, when the server starts.
enum class arena_kind {
  zmm,        ///< a zmm::request_resource over the default pool
  checked,    ///< a zmm::checked_request_resource over the same pool
  hardened,   ///< a zmm::hardened_request_resource over the same pool
  debug,      ///< a zmm::debug_request_resource over the same pool: each block is known, and each request listed
  sampled,    ///< a zmm::sampled_request_resource over the same pool: /debug/pprof/heap says who takes how much
  new_,       ///< no arena: std::pmr::new_delete_resource()
  monotonic,  ///< std::pmr::monotonic_buffer_resource over a reused buffer
  pool,       ///< std::pmr::unsynchronized_pool_resource over that monotonic resource
};

inline constexpr std::array<arena_kind, 8> all_arenas = {arena_kind::zmm,     arena_kind::checked,   arena_kind::hardened,
                                                         arena_kind::debug,   arena_kind::sampled,   arena_kind::new_,
                                                         arena_kind::monotonic, arena_kind::pool};
/// Those that the demo compares.
inline constexpr std::array<arena_kind, 4> compared_arenas = {arena_kind::zmm, arena_kind::new_, arena_kind::monotonic,
                                                              arena_kind::pool};

/// Whether requests have memory limits, and a pool.
constexpr bool is_zmm(arena_kind kind) noexcept {
  return kind == arena_kind::zmm || kind == arena_kind::checked || kind == arena_kind::hardened ||
         kind == arena_kind::debug || kind == arena_kind::sampled;
}

char const* name_of(arena_kind) noexcept;
std::optional<arena_kind> arena_named(std::string_view) noexcept;

inline constexpr std::size_t monotonic_buffer_bytes = 256 * 1024;
inline constexpr std::size_t no_limit = 0;

/// What the requests of one worker share: the kind of arena, and the buffers that `monotonic` and `pool` reuse. One thread
/// at a time. Outlives the requests made from it.
class worker_memory {
public:
  /// `limit`: bytes that a request may take; for arenas of zmm only. `upstream`: serves all of `new`, and what does not fit the
  /// buffer of `monotonic` and `pool`; may be a counting resource.
  explicit worker_memory(arena_kind kind, std::size_t limit = no_limit,
                         std::pmr::memory_resource* upstream = std::pmr::new_delete_resource()) noexcept
      : kind_(kind), limit_(limit), upstream_(upstream) {}

  arena_kind kind() const noexcept { return kind_; }
  std::size_t limit() const noexcept { return limit_; }
  std::pmr::memory_resource* upstream() const noexcept { return upstream_; }

  /// The pool of zmm's requests: the default pool, unless another one is chosen.
  zmm::request_pool& pages() const noexcept { return *pages_; }
  void use(zmm::request_pool& pages) noexcept { pages_ = &pages; }

  /// A buffer of monotonic_buffer_bytes: the one used last, or a new one if all others serve requests.
  std::unique_ptr<std::byte[]> take_buffer();
  void give_back(std::unique_ptr<std::byte[]>) noexcept;

private:
  arena_kind kind_;
  std::size_t limit_;
  std::pmr::memory_resource* upstream_;
  zmm::request_pool* pages_ = &zmm::default_request_pool();
  std::vector<std::unique_ptr<std::byte[]>> free_buffers_;
};

namespace detail {

template <class Request> class zmm_memory {
public:
  explicit zmm_memory(worker_memory& worker) : request_(worker.pages()) {
    if (worker.limit() != no_limit) (void)request_.set_limit(worker.limit());
  }
  std::pmr::memory_resource* resource() noexcept { return &request_; }
  std::size_t held_at_most() const noexcept { return request_.real_peak(); }
  void verify() const { request_.verify(); }
  void label(char const* what) noexcept { zmm::label_request(request_, what); }

private:
  Request request_;
};

class new_memory {
public:
  explicit new_memory(worker_memory& worker) noexcept : upstream_(worker.upstream()) {}
  std::pmr::memory_resource* resource() noexcept { return upstream_; }
  std::size_t held_at_most() const noexcept { return 0; }
  void verify() const {}
  void label(char const*) noexcept {}

private:
  std::pmr::memory_resource* upstream_;
};

class monotonic_memory {
public:
  explicit monotonic_memory(worker_memory& worker)
      : worker_(worker),
        buffer_(worker.take_buffer()),
        monotonic_(buffer_.get(), monotonic_buffer_bytes, worker.upstream()) {}
  ~monotonic_memory() {
    monotonic_.release();
    worker_.give_back(std::move(buffer_));
  }
  monotonic_memory(monotonic_memory const&) = delete;
  monotonic_memory& operator=(monotonic_memory const&) = delete;

  std::pmr::memory_resource* resource() noexcept { return &monotonic_; }
  std::size_t held_at_most() const noexcept { return monotonic_buffer_bytes; }
  void verify() const {}
  void label(char const*) noexcept {}

private:
  worker_memory& worker_;
  std::unique_ptr<std::byte[]> buffer_;
  std::pmr::monotonic_buffer_resource monotonic_;
};

class pool_memory {
public:
  explicit pool_memory(worker_memory& worker) : below_(worker), pool_(below_.resource()) {}
  std::pmr::memory_resource* resource() noexcept { return &pool_; }
  std::size_t held_at_most() const noexcept { return below_.held_at_most(); }
  void verify() const {}
  void label(char const*) noexcept {}

private:
  monotonic_memory below_;
  std::pmr::unsynchronized_pool_resource pool_;
};

}  // namespace detail

/// One request's memory, from its first byte to the last byte of its response. The resource is a member, so beginning a
/// request allocates only what the resource itself takes.
class request_memory {
public:
  explicit request_memory(worker_memory& worker);
  request_memory(request_memory const&) = delete;
  request_memory& operator=(request_memory const&) = delete;

  std::pmr::memory_resource* resource() const noexcept { return resource_; }

  /// The most bytes held so far, without those from the worker's upstream.
  std::size_t held_at_most() const noexcept;

  /// Verifies the memory, for arenas of zmm only: a fault goes to zmm's stop handler.
  void verify() const;

  /// Says what the request is about, for lists of requests. `what` is a literal.
  void label(char const* what) noexcept;

private:
  std::variant<std::monostate, detail::zmm_memory<zmm::request_resource>,
               detail::zmm_memory<zmm::checked_request_resource>, detail::zmm_memory<zmm::hardened_request_resource>, detail::zmm_memory<zmm::debug_request_resource>,
               detail::zmm_memory<zmm::sampled_request_resource>, detail::new_memory, detail::monotonic_memory, detail::pool_memory>
      choice_;
  std::pmr::memory_resource* resource_;
};

}  // namespace shop
