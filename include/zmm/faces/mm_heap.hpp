// A heap behind a table of functions, for the emalloc functions.
#pragma once

#include <zmm/faces/current_heap.hpp>
#include <zmm/faces/emalloc_calls.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// A heap made of functions of the program, each called with `user`. The first three are required. All but `deallocate` may
/// throw.
struct custom_handlers {
  void* (*allocate)(void* user, std::size_t bytes);                 ///< null: no memory; never asked for 0 bytes
  void (*deallocate)(void* user, void* block);                      ///< never given null
  void* (*reallocate)(void* user, void* block, std::size_t bytes);  ///< as allocate; null leaves the block as it was
  void* user = nullptr;
  std::size_t (*usable_size)(void* user, void const* block) = nullptr;  ///< for mem_block_size(), which returns 0 without it
};

/// The same for functions that also take the place of the call.
struct custom_debug_handlers {
  void* (*allocate)(void* user, std::size_t bytes, char const* file, unsigned line);
  void (*deallocate)(void* user, void* block, char const* file, unsigned line);
  void* (*reallocate)(void* user, void* block, std::size_t bytes, char const* file, unsigned line);
  void* user = nullptr;
  std::size_t (*usable_size)(void* user, void const* block) = nullptr;
};

namespace detail {
/// The functions of a heap. `of` is the engine or the handlers.
struct mm_table {
  bool is_of_engine;
  void* (*allocate)(void* of, std::size_t bytes, std::size_t alignment, call_site where);
  void (*deallocate)(void* of, void* block, call_site where) noexcept;
  void* (*reallocate)(void* of, void* block, std::size_t bytes, std::size_t copied, std::size_t alignment,
                      call_site where);
  void* (*try_reallocate)(void* of, void* block, std::size_t bytes, std::size_t alignment, call_site where) noexcept;
  std::size_t (*usable_size)(void* of, void const* block) noexcept;
  statistics (*stats)(void* of);
  void (*reset_peak)(void* of) noexcept;
  bool (*set_limit)(void* of, std::size_t bytes) noexcept;
  std::size_t (*collect)(void* of) noexcept;
  void (*shut_down)(void* of, bool silent, bool full) noexcept;
};

template <class Engine> struct mm_table_of {
  using calls = emalloc_calls<Engine>;
  static Engine& engine(void* of) noexcept { return *static_cast<Engine*>(of); }

  static void* allocate(void* of, std::size_t bytes, std::size_t alignment, call_site where) {
    return calls::allocate(engine(of), bytes, alignment, where);
  }
  static void deallocate(void* of, void* block, call_site where) noexcept {
    calls::deallocate(engine(of), block, where);
  }
  static void* reallocate(void* of, void* block, std::size_t bytes, std::size_t copied, std::size_t alignment,
                          call_site where) {
    return calls::reallocate(engine(of), block, bytes, copied, alignment, where);
  }
  static void* try_reallocate(void* of, void* block, std::size_t bytes, std::size_t alignment,
                              call_site where) noexcept {
    return calls::try_reallocate(engine(of), block, bytes, alignment, where);
  }
  static std::size_t usable_size(void* of, void const* block) noexcept { return calls::usable_size(engine(of), block); }
  static statistics stats(void* of) { return calls::stats(engine(of)); }
  static void reset_peak(void* of) noexcept { calls::reset_peak(engine(of)); }
  static bool set_limit(void* of, std::size_t bytes) noexcept { return calls::set_limit(engine(of), bytes); }
  static std::size_t collect(void* of) noexcept { return calls::collect(engine(of)); }
  static void shut_down(void* of, bool silent, bool full) noexcept { calls::shut_down(engine(of), silent, full); }

  static constexpr mm_table value{true,  allocate,   deallocate, reallocate, try_reallocate, usable_size,
                                  stats, reset_peak, set_limit,  collect,    shut_down};
};

/// The table of handlers of either type. C's realloc() may free a block that is resized to 0 and return null, as if it had
/// failed: so handlers are never asked for 0 bytes.
template <class Handlers> struct handler_table {
  static Handlers const& handlers(void* of) noexcept { return *static_cast<Handlers const*>(of); }
  template <class Handler, class... Args> static auto call(Handler f, call_site where, Args... args) {
    if constexpr (std::is_same_v<Handlers, custom_debug_handlers>) return f(args..., where.file, where.line);
    else return f(args...);
  }

  static void* try_allocate(Handlers const& h, std::size_t bytes, call_site where) {
    return call(h.allocate, where, h.user, bytes != 0 ? bytes : 1);
  }
  static void* allocate(void* of, std::size_t bytes, std::size_t alignment, call_site where) {
    return found(try_allocate(handlers(of), bytes, where), bytes, alignment);
  }
  static void deallocate(void* of, void* block, call_site where) noexcept {
    if (block != nullptr) call(handlers(of).deallocate, where, handlers(of).user, block);
  }
  static void* attempt(void* of, void* block, std::size_t bytes, call_site where) {
    Handlers const& h = handlers(of);
    if (block == nullptr) return try_allocate(h, bytes, where);
    return call(h.reallocate, where, h.user, block, bytes != 0 ? bytes : 1);
  }
  static void* reallocate(void* of, void* block, std::size_t bytes, std::size_t, std::size_t alignment,
                          call_site where) {
    return found(attempt(of, block, bytes, where), bytes, alignment);
  }
  static void* try_reallocate(void* of, void* block, std::size_t bytes, std::size_t, call_site where) noexcept {
    ZMM_TRY { return attempt(of, block, bytes, where); }
    ZMM_CATCH_ALL {}
    return nullptr;
  }
  static std::size_t usable_size(void* of, void const* block) noexcept {
    Handlers const& h = handlers(of);
    return block != nullptr && h.usable_size != nullptr ? h.usable_size(h.user, block) : 0;
  }
  static statistics stats(void*) { return {}; }
  static void reset_peak(void*) noexcept {}
  static bool set_limit(void*, std::size_t) noexcept { return false; }
  static std::size_t collect(void*) noexcept { return 0; }
  static void shut_down(void*, bool, bool) noexcept {}

  static constexpr mm_table value{false, allocate,   deallocate, reallocate, try_reallocate, usable_size,
                                  stats, reset_peak, set_limit,  collect,    shut_down};

private:
  static void* found(void* block, std::size_t bytes, std::size_t alignment) {
    if (ZMM_UNLIKELY(block == nullptr)) ZMM_THROW(out_of_memory(bytes, bytes, alignment));
    return block;
  }
};
}  // namespace detail

/// A heap behind a table of functions: any engine that finds a block by its address, or functions of the program. A view: it
/// owns nothing, and the engine outlives it; handlers are copied. The emalloc functions use it: see use_heap. Threads: as
/// the engine.
///
/// Blocks are aligned as malloc's are, unless the constructor gets another alignment, a power of two. With 8, as in PHP,
/// blocks of 24, 40 and 56 bytes take these slots instead of 32, 48 and 64. Handlers align as they like.
class mm_heap {
  template <class Engine>
  using if_engine = std::enable_if_t<!std::is_same_v<Engine, mm_heap> && !std::is_same_v<Engine, custom_handlers> &&
                                     !std::is_same_v<Engine, custom_debug_handlers>>;

public:
  template <class Engine, class = if_engine<Engine>>
  constexpr explicit mm_heap(Engine& engine, std::size_t alignment = detail::malloc_alignment) noexcept
      : table_(&detail::mm_table_of<Engine>::value), alignment_(alignment), engine_(&engine) {}
  explicit mm_heap(custom_handlers const& handlers) noexcept
      : table_(&detail::handler_table<custom_handlers>::value), handlers_(handlers) {}
  explicit mm_heap(custom_debug_handlers const& handlers) noexcept
      : table_(&detail::handler_table<custom_debug_handlers>::value), debug_handlers_(handlers) {}

  /// Effects, returns, throws: as the engine's; out_of_memory if a handler returns null. Null and 0 bytes: as emalloc().
  [[nodiscard]] void* allocate(std::size_t bytes, call_site where = call_site::here()) {
    return table_->allocate(of(), bytes, alignment_, where);
  }
  void deallocate(void* block, call_site where = call_site::here()) noexcept { table_->deallocate(of(), block, where); }
  [[nodiscard]] void* reallocate(void* block, std::size_t bytes, std::size_t copied,
                                 call_site where = call_site::here()) {
    return table_->reallocate(of(), block, bytes, copied, alignment_, where);
  }
  [[nodiscard]] void* try_reallocate(void* block, std::size_t bytes, call_site where = call_site::here()) noexcept {
    return table_->try_reallocate(of(), block, bytes, alignment_, where);
  }
  std::size_t usable_size(void const* block) noexcept { return table_->usable_size(of(), block); }

  /// Of handlers, all figures are 0; limits are refused; nothing is collected or released.
  statistics stats() { return table_->stats(of()); }
  void reset_peak() noexcept { table_->reset_peak(of()); }
  bool set_limit(std::size_t bytes) noexcept { return table_->set_limit(of(), bytes); }
  std::size_t collect() noexcept { return table_->collect(of()); }
  void shut_down(bool silent, bool full) noexcept { table_->shut_down(of(), silent, full); }

private:
  void* of() noexcept { return table_->is_of_engine ? engine_ : &handlers_; }  // both handlers lie at one address

  detail::mm_table const* table_;
  std::size_t alignment_ = detail::malloc_alignment;
  union {
    void* engine_;
    custom_handlers handlers_;
    custom_debug_handlers debug_handlers_;
  };
};

namespace detail {
inline thread_heap the_process_engine;
/// The current heap of a thread without a use_heap.
ZMM_SHARED inline mm_heap the_process_mm{the_process_engine};
}  // namespace detail

/// While it lives, the emalloc functions use `current` on this thread. Scopes nest, and end on the thread they began on.
/// `current` outlives the scope.
class use_heap {
public:
  explicit use_heap(mm_heap& current) noexcept : scope_(detail::kind_of<mm_heap>, &current) {}

private:
  detail::current_scope scope_;
};

/// Returns: this thread's current heap; without a use_heap, the process's heap, thread_heap. Never throws.
inline mm_heap& current_heap() noexcept {
  void* const found = detail::current_scope::find(detail::kind_of<mm_heap>);
  return found != nullptr ? *static_cast<mm_heap*>(found) : detail::the_process_mm;
}

namespace detail {
template <> struct emalloc_calls<mm_heap> {
  static void* allocate(mm_heap& e, std::size_t bytes, std::size_t, call_site where) {
    return e.allocate(bytes, where);
  }
  static void deallocate(mm_heap& e, void* block, call_site where) noexcept { e.deallocate(block, where); }
  static void* reallocate(mm_heap& e, void* block, std::size_t bytes, std::size_t copied, std::size_t,
                          call_site where) {
    return e.reallocate(block, bytes, copied, where);
  }
  static void* try_reallocate(mm_heap& e, void* block, std::size_t bytes, std::size_t, call_site where) noexcept {
    return e.try_reallocate(block, bytes, where);
  }
  static std::size_t usable_size(mm_heap& e, void const* block) noexcept { return e.usable_size(block); }
  static statistics stats(mm_heap& e) { return e.stats(); }
  static void reset_peak(mm_heap& e) noexcept { e.reset_peak(); }
  static bool set_limit(mm_heap& e, std::size_t bytes) noexcept { return e.set_limit(bytes); }
  static std::size_t collect(mm_heap& e) noexcept { return e.collect(); }
  static void shut_down(mm_heap& e, bool silent, bool full) noexcept { e.shut_down(silent, full); }
};
}  // namespace detail

}}  // namespace zmm
