// A chunk source that several page layers share, each from a thread of its own.
#pragma once

#include <zmm/chunk/chunk_source.hpp>
#include <zmm/storage/mutex.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The operations of chunk_source, each under one lock, which is held while storage works, too: so any storage will do,
/// thread-safe or not. What comes through here is rare: whole chunks, huge blocks, the limit.
template <class Geometry> class shared_source {
public:
  using source_type = chunk_source<Geometry>;
  using chunk_type = typename source_type::chunk_type;

  constexpr explicit shared_source(storage& from) noexcept : source_(from) {}

  /// Returns: what `work(source)` returns, which runs under the lock.
  template <class Work> decltype(auto) locked(Work work) noexcept {
    mutex_guard const guard(lock_);
    return work(source_);
  }
  template <class Work> decltype(auto) locked(Work work) const noexcept {
    mutex_guard const guard(lock_);
    return work(source_);
  }
  /// For fork(), which holds it: no thread is inside meanwhile.
  constexpr mutex& lock() noexcept { return lock_; }

  // Figures, exact at every moment, without the lock.
  std::size_t real_size() const noexcept { return source_.book().real_size(); }
  std::size_t real_peak() const noexcept { return source_.book().real_peak(); }
  std::size_t limit() const noexcept { return source_.book().limit(); }
  std::size_t remaining() const noexcept { return source_.book().remaining(); }

  chunk_type* take_chunk(void* owner, admission& asked) noexcept {
    return locked([&](source_type& s) { return s.take_chunk(owner, asked); });
  }
  std::size_t give_chunk(chunk_type* c) noexcept { return locked([&](source_type& s) { return s.give_chunk(c); }); }
  std::size_t cached_chunks() const noexcept { return locked([](source_type const& s) { return s.cached_chunks(); }); }
  void tick() noexcept {}  // what comes through here is rare
  void expect(std::size_t bytes) noexcept {
    locked([&](source_type& s) { s.expect(bytes); });
  }
  std::size_t drop_cached() noexcept { return locked([](source_type& s) { return s.drop_cached(); }); }
  bool purge(void* first, std::size_t bytes) noexcept {
    return locked([&](source_type& s) { return s.purge(first, bytes); });
  }

  void* take_huge(std::size_t bytes, std::size_t alignment, std::size_t tag, admission& asked) noexcept {
    return locked([&](source_type& s) { return s.take_huge(bytes, alignment, tag, asked); });
  }
  static constexpr bool packs_badly(std::size_t pages) noexcept { return source_type::packs_badly(pages); }
  bool may_map_apart(std::size_t pages) const noexcept {
    return locked([&](source_type const& s) { return s.may_map_apart(pages); });
  }
  std::size_t give_huge(void* block) noexcept { return locked([&](source_type& s) { return s.give_huge(block); }); }
  std::size_t resize_huge(void* block, std::size_t bytes, admission& asked) noexcept {
    return locked([&](source_type& s) { return s.resize_huge(block, bytes, asked); });
  }
  void* move_huge(void* block, std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
    return locked([&](source_type& s) { return s.move_huge(block, bytes, alignment, asked); });
  }
  extent find_huge(void const* block) const noexcept {
    return locked([&](source_type const& s) { return s.find_huge(block); });
  }
  bool has_chunk(void const* p) const noexcept { return locked([&](source_type const& s) { return s.has_chunk(p); }); }
  std::uint64_t drops() const noexcept { return source_.drops(); }  // needs no lock
  void note_drop() noexcept { locked([](source_type& s) { s.note_drop(); }); }
  extent find(void const* p) const noexcept { return locked([&](source_type const& s) { return s.find(p); }); }

private:
  mutable mutex lock_{lock_rank::source};
  source_type source_;
};

}}}  // namespace zmm::detail
