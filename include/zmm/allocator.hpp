// The typed face: an STL allocator over an engine, without a virtual call. Through it, Boost.Container's containers grow
// blocks in place, and allocate and free nodes in bulk; it includes no header of Boost for that.
#pragma once

#include <zmm/errors.hpp>
#include <zmm/base/utility.hpp>
#include <zmm/blocks/allocation_command.hpp>
#include <zmm/blocks/block_chain.hpp>
#include <zmm/blocks/bulk.hpp>
#include <zmm/faces/current_heap.hpp>
#include <zmm/heap/heap.hpp>
#include <zmm/threads/thread_heap.hpp>

#include <type_traits>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// How an allocator of T refers to its engine: by address. A template over T, because two bases of the same type cannot share
/// an address.
template <class Heap, class T> class heap_reference {
public:
  heap_reference() noexcept : heap_(&current_heap_of<Heap>()) {}
  heap_reference(Heap& to) noexcept : heap_(&to) {}
  Heap& heap() const noexcept { return *heap_; }

private:
  Heap* heap_;
};
/// The process's heap needs no address: every object of its type stands for it.
template <class T> class heap_reference<thread_heap, T> {
public:
  heap_reference() = default;
  constexpr explicit heap_reference(thread_heap const&) noexcept {}
  static constexpr thread_heap heap() noexcept { return {}; }
};

/// The alignment of blocks for objects of type T. Larger for byte types, because code puts other objects into bytes.
template <class T> inline constexpr std::size_t block_alignment = alignof(T);
template <> inline constexpr std::size_t block_alignment<char> = alignof(std::max_align_t);
template <> inline constexpr std::size_t block_alignment<unsigned char> = alignof(std::max_align_t);
template <> inline constexpr std::size_t block_alignment<std::byte> = alignof(std::max_align_t);
}  // namespace detail

/// What allocate_at_least() returns. Converts to any other {ptr, count}, such as C++23's std::allocation_result.
template <class Pointer> struct allocation_result {
  Pointer ptr;
  std::size_t count;

  template <class Other, class = decltype(Other{detail::declval<Other&>().ptr, detail::declval<Other&>().count})>
  constexpr operator Other() const noexcept { return Other{ptr, count}; }
};

/// Refers to an engine, which outlives every container that uses it. As large as a pointer. Copies refer to the same
/// engine; allocators, even of different types, are equal if they refer to the same engine. With the default engine,
/// the process's heap (thread_heap), it is empty, default-constructible and always equal, and any thread may use and
/// destroy the container.
///
///     zmm::heap h;
///     std::vector<int, zmm::allocator<int, zmm::heap>> v{h};
///     std::vector<int, zmm::allocator<int>> w;
///
/// Default-constructed with another engine, it refers to the heap that is then current on this thread (use_heap_of), for good.
/// If none is, it refers to no heap: allocating throws no_current_heap, and nothing may be freed through it.
///
/// Propagates on move assignment and swap, so these are O(1) and never throw. Does not propagate on copy assignment: copied
/// elements go into the heap of the container that is assigned to.
///
/// Blocks are aligned for T. Those of char, unsigned char and std::byte are aligned for max_align_t, as all memory of
/// std::allocator is, because code that puts other objects there counts on it. (A pmr resource aligns as it is asked to, and
/// a polymorphic_allocator<char> asks for 1.)
///
/// Has allocate_at_least(), and version 2 of Boost.Container's allocator protocol. Derived allocators inherit both. One that
/// wants every call to go through its allocate() and deallocate() declares
///
///     using version = std::integral_constant<unsigned, 1>;
///     void allocate_at_least(std::size_t) = delete;
///
/// Any of the deallocation functions may free a block, whichever function allocated it.
template <class T, class Heap> class allocator : detail::heap_reference<Heap, T> {
  using engine_reference = detail::heap_reference<Heap, T>;
  static constexpr std::size_t alignment = detail::block_alignment<T>;
  template <class, class> friend class allocator;

public:
  using value_type = T;
  using pointer = T*;
  using const_pointer = T const*;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using propagate_on_container_copy_assignment = std::false_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::is_empty<engine_reference>;
  template <class U> struct rebind { using other = allocator<U, Heap>; };

  using version = std::integral_constant<unsigned, 2>;  ///< Boost.Container's
  using multiallocation_chain = block_chain<T>;         ///< Boost.Container's

  /// allocator(Heap&), for all engines but the process's heap.
  using engine_reference::engine_reference;
  /// For this thread's current heap of the type: use_heap_of.
  allocator() = default;
  template <class U> allocator(allocator<U, Heap> const& other) noexcept : engine_reference(other.heap()) {}

  using engine_reference::heap;

  /// Returns: room for `n` objects of type T. Throws: std::bad_array_new_length if n * sizeof(T) overflows; as the
  /// engine's allocate().
  [[nodiscard]] ZMM_INLINE T* allocate(size_type n) {
    static_assert(detail::is_complete<Heap>, "zmm: include this heap's header, <zmm/request_heap.hpp> for request_heap");
    if (ZMM_UNLIKELY(n > max_size())) detail::throw_bad_array_new_length();
    return static_cast<T*>(heap().allocate(n * sizeof(T), alignment, typename Heap::site{}));
  }

  /// Requires: `p` came from an allocator equal to this one; `n` is what was asked for, or any number between that and
  /// what was granted. Null with n == 0: no effect.
  ZMM_INLINE void deallocate(T* p, size_type n) noexcept { heap().deallocate_nonnull(p, n * sizeof(T), alignment); }

  /// As allocate(), and returns for how many objects there is room: at least `n`, and the same for equal `n`.
  [[nodiscard]] allocation_result<T*> allocate_at_least(size_type n) {
    T* const p = allocate(n);
    return {p, detail::granted_bytes(heap(), p, n * sizeof(T), alignment) / sizeof(T)};
  }

  size_type max_size() const noexcept { return static_cast<size_type>(PTRDIFF_MAX) / sizeof(T); }

  /// Returns: for how many objects the live block at `p` has room. Only with engines that find a block by its address.
  template <class Engine = Heap>
  auto size(T const* p) const noexcept -> decltype(detail::declval<Engine const&>().usable_size(p)) {
    return heap().usable_size(p) / sizeof(T);
  }

  /// Boost.Container's. Effects: as `command`, a sum of Boost's flags, says: grows the block at `reuse`, which may be
  /// null, in place to `preferred` objects, or at least to `limit`; or shrinks it in place from `limit` towards
  /// `preferred`; or allocates. Only a segment heap grows a block backward.
  /// Returns: the block; then `preferred` is the objects it has room for, and `reuse` is null if it is a new one. Null:
  /// refused, and nothing changed. Throws: as allocate(), if `command` allows a new block and does not ask for nothrow.
  pointer allocation_command(unsigned command, size_type limit, size_type& preferred, pointer& reuse) {
    if (ZMM_UNLIKELY(limit > max_size())) return refuse_length(command);
    size_type const wanted = preferred < max_size() ? preferred : max_size();
    bool const shrinks = (command & detail::command_flag::shrink_in_place) != 0;
    size_type const most = shrinks || wanted > limit ? wanted : limit;
    auto&& engine = heap();
    detail::block_grant const got =
        detail::run_command(engine, {command, reuse, limit * sizeof(T), most * sizeof(T), sizeof(T), alignment});
    if (got.block == nullptr) return nullptr;
    preferred = got.bytes / sizeof(T);
    if (got.is_new) reuse = nullptr;
    return static_cast<T*>(got.block);
  }

  [[nodiscard]] pointer allocate_one() {  ///< Boost.Container's; a chain may hold it
    if constexpr (sizeof(T) >= sizeof(detail::free_slot)) return allocate(1);
    auto&& engine = heap();
    return static_cast<T*>(detail::allocate_linkable(engine, sizeof(T), alignment));
  }
  void deallocate_one(pointer p) noexcept { deallocate(p, 1); }  ///< Boost.Container's

  /// Boost.Container's. Effects: adds `n` blocks, each for one object, to `chain`; those from fresh memory in address
  /// order. Throws: as allocate(); then no block is left behind.
  void allocate_individual(size_type n, multiallocation_chain& chain) {
    auto&& engine = heap();
    detail::block_list fresh = detail::allocate_list(engine, sizeof(T), alignment, n);
    detail::block_list& list = chain.list();
    list.insert_after(list.last(), fresh.first(), fresh.last(), fresh.size());
  }
  /// Boost.Container's. Effects: frees the blocks of `chain`, each for one object; it is empty then.
  void deallocate_individual(multiallocation_chain& chain) noexcept {
    auto&& engine = heap();
    detail::deallocate_list(engine, sizeof(T), alignment, chain.list());
  }

  void lift_limit() const noexcept { heap().lift_limit(); }      ///< for limit_lift
  void unlift_limit() const noexcept { heap().unlift_limit(); }  ///< for limit_lift

private:
  ZMM_COLD static pointer refuse_length(unsigned command) {
    using namespace detail::command_flag;
    if ((command & allocate_new) != 0 && (command & nothrow_allocation) == 0) detail::throw_bad_array_new_length();
    return nullptr;
  }
};

template <class T, class U, class Heap>
bool operator==(allocator<T, Heap> const& a, allocator<U, Heap> const& b) noexcept {
  if constexpr (allocator<T, Heap>::is_always_equal::value) {
    return true;
  } else {
    return &a.heap() == &b.heap();
  }
}
template <class T, class U, class Heap>
bool operator!=(allocator<T, Heap> const& a, allocator<U, Heap> const& b) noexcept { return !(a == b); }

}}  // namespace zmm
