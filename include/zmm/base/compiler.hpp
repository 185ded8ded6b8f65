// Floor 0: base. Includes only the standard library and other files of base/.
//
// The differences between compilers and their flags, in one place. No other header has preprocessor conditionals, except
// base/system.hpp and base/system_kinds.hpp, which choose the system.
#pragma once

#if !defined(__GNUC__)
#error "zmm needs g++ 12 or later, or clang 14 or later"
#endif
#if defined(ZMM_SINGLE_HEADER)
#error "zmm's single header was included before one of its folder of headers: take one of the two"
#endif

// Whether the C library is glibc: only its headers define a macro for that.
#if defined(__linux__) && !defined(ZMM_FREESTANDING)
#include <features.h>
#endif
#if defined(__GLIBC__)
#define ZMM_GLIBC 1
#else
#define ZMM_GLIBC 0
#endif

// The tags of ZMM_ABI: each names a flag that changes the bodies of inline functions.
#if defined(__cpp_exceptions)
#define ZMM_TAG_EXCEPTIONS
#define ZMM_THROW(...) throw __VA_ARGS__
#define ZMM_TRY try
#define ZMM_CATCH_ALL catch (...)
#else
#define ZMM_TAG_EXCEPTIONS _noexcept
#define ZMM_THROW(...) (static_cast<void>(__VA_ARGS__), ::zmm::detail::stop({"out of memory", nullptr, nullptr}))
#define ZMM_TRY if constexpr (true)
#define ZMM_CATCH_ALL else
#endif

// Under AddressSanitizer, zmm tells it which bytes may be used. ZMM_NO_ANNOTATIONS, for the whole program, switches that off:
// then the sanitizer checks zmm's own code only, and blocks lie as they do without it.
#if defined(__SANITIZE_ADDRESS__)
#define ZMM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ZMM_ASAN 1
#endif
#endif
#if !defined(ZMM_ASAN)
#define ZMM_ASAN 0
#define ZMM_TAG_ASAN
#elif defined(ZMM_NO_ANNOTATIONS)
#undef ZMM_ASAN
#define ZMM_ASAN 0
#define ZMM_TAG_ASAN _asan_plain
#else
#define ZMM_TAG_ASAN _asan
#endif

#if defined(__SANITIZE_THREAD__)
#define ZMM_TAG_TSAN _tsan
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ZMM_TAG_TSAN _tsan
#endif
#endif
#if !defined(ZMM_TAG_TSAN)
#define ZMM_TAG_TSAN
#endif

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define ZMM_MSAN 1
#define ZMM_TAG_MSAN _msan
#endif
#endif
#if !defined(ZMM_MSAN)
#define ZMM_MSAN 0
#define ZMM_TAG_MSAN
#endif

// Without a system: see base/system.hpp. One thread only, so nothing has to be atomic or thread-local.
#if defined(ZMM_FREESTANDING)
#define ZMM_ONE_THREAD 1
#define ZMM_TAG_FREESTANDING _freestanding
#else
#define ZMM_ONE_THREAD 0
#define ZMM_TAG_FREESTANDING
#endif

// Valgrind's client request: instructions that do nothing, which Valgrind takes as a request. `words`: the words of the
// request. `result` is `fallback` without Valgrind.
#if defined(__x86_64__)
#define ZMM_VALGRIND_REQUEST(result, fallback, words)                                                                  \
  __asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi; xchgq %%rbx, %%rbx"             \
                   : "=d"(result)                                                                                      \
                   : "a"(words), "0"(fallback)                                                                         \
                   : "cc", "memory")
#elif defined(__aarch64__)
#define ZMM_VALGRIND_REQUEST(result, fallback, words)                                                                  \
  __asm__ volatile("mov x3, %1; mov x4, %2; ror x12, x12, #3; ror x12, x12, #13; ror x12, x12, #51;"                   \
                   "ror x12, x12, #61; orr x10, x10, x10; mov %0, x3"                                                  \
                   : "=r"(result)                                                                                      \
                   : "r"(fallback), "r"(words)                                                                         \
                   : "cc", "memory", "x3", "x4", "x12", "x10")
#else
#define ZMM_VALGRIND_REQUEST(result, fallback, words) (static_cast<void>(words), (result) = (fallback))
#endif

/// RLIMIT_AS, whose header would be too heavy for one constant.
#if defined(__mips__)
#define ZMM_LIMIT_OF_ADDRESSES 6L
#elif defined(__alpha__)
#define ZMM_LIMIT_OF_ADDRESSES 7L
#else
#define ZMM_LIMIT_OF_ADDRESSES 9L
#endif

/// Whether _Unwind_GetIP is a function, as the exceptions of all but ARM's 32 bits have it.
#if defined(__arm__)
#define ZMM_HAS_UNWINDER 0
#else
#define ZMM_HAS_UNWINDER 1
#endif

/// Where this function returns to; null where that is not to be known.
#if defined(__wasm__)
#define ZMM_RETURN_ADDRESS() (static_cast<void*>(nullptr))
#else
#define ZMM_RETURN_ADDRESS() __builtin_return_address(0)
#endif

/// Whether frames are described as base/system/stack_rules.hpp reads them, and begin where __builtin_dwarf_cfa() says.
#if defined(__x86_64__) && !defined(__ILP32__)
#define ZMM_HAS_FRAME_RULES 1
#else
#define ZMM_HAS_FRAME_RULES 0
#endif

/// For a loop that waits for another thread: lets the processor's other threads run.
#if defined(__x86_64__) || defined(__i386__)
#define ZMM_PAUSE() __asm__ volatile("pause")
#elif defined(__aarch64__)
#define ZMM_PAUSE() __asm__ volatile("yield")
#else
#define ZMM_PAUSE() static_cast<void>(0)
#endif

/// Begins to fetch the cache line at `p`, any address, for writing. On x86-64 __builtin_prefetch() is for reading, unless
/// the compiler is told of a newer processor; older ones do nothing here.
#if defined(__x86_64__)
#define ZMM_PREFETCH_TO_WRITE(p) __asm__ volatile("prefetchw %0" ::"m"(*reinterpret_cast<char const*>(p)))
#else
#define ZMM_PREFETCH_TO_WRITE(p) __builtin_prefetch(p, 1)
#endif

#define ZMM_PASTE(a, b, c, d, e, f) a##b##c##d##e##f
#define ZMM_EXPAND(a, b, c, d, e, f) ZMM_PASTE(a, b, c, d, e, f)

/// A script for debuggers, as assembly that puts it into its own section; nothing where files are not ELF.
#if defined(__ELF__)
#define ZMM_DEBUGGER_SCRIPT(assembly) __asm__(assembly)
#else
#define ZMM_DEBUGGER_SCRIPT(assembly) static_assert(true)
#endif

/// The inline namespace of all of zmm. Translation units compiled with different flags that change function bodies
/// (exceptions, sanitizers) get different names: they link, and cannot pass each other zmm objects by mistake.
#define ZMM_ABI ZMM_EXPAND(v0, ZMM_TAG_EXCEPTIONS, ZMM_TAG_ASAN, ZMM_TAG_TSAN, ZMM_TAG_MSAN, ZMM_TAG_FREESTANDING)

#define ZMM_LIKELY(x) __builtin_expect(static_cast<bool>(x), true)
#define ZMM_UNLIKELY(x) __builtin_expect(static_cast<bool>(x), false)

/// A hit path: inlined into every caller, so that computations on constant sizes disappear.
#define ZMM_INLINE [[gnu::always_inline]] inline
/// A miss that still has to be fast (bump, refill): its own function, so that the hit path stays short.
#define ZMM_NOINLINE [[gnu::noinline]]
/// A path that is rare or ends in failure: its own function, in the cold section, compiled for size.
#define ZMM_COLD [[gnu::noinline, gnu::cold]]
/// The compiler's warning about engine.reallocate(block, bytes, number).
#define ZMM_REALLOCATE_WITH_THREE                                                                                      \
  "the third number is an alignment, not the old size: say std::align_val_t{...}, or (block, bytes, copy_bytes, "      \
  "alignment)"
/// Initialised before any code runs, or a compile error: a later constructor would overwrite an object that is already in use.
#if defined(__clang__)
#define ZMM_CONSTINIT [[clang::require_constant_initialization]]
#else
#define ZMM_CONSTINIT __constinit
#endif
/// ZMM_SHARED: process-wide state, one copy in the program, even with hidden visibility. For a class: its type information,
/// which catching exceptions and casting pointers need, exists once in the program. ZMM_HIDDEN: one copy in each shared
/// object. Windows shares only what is exported by name, so there every DLL has its own zmm.
#if defined(_WIN32)
#define ZMM_SHARED
#define ZMM_HIDDEN
#else
#define ZMM_SHARED [[gnu::visibility("default")]]
#define ZMM_HIDDEN [[gnu::visibility("hidden")]]
#endif
/// For a class that is an argument of other templates: its name is visible in the whole program, which is enough for their type
/// information; its functions stay hidden. g++ has no such attribute, and its library compares names.
#if defined(__clang__) && !defined(_WIN32)
#define ZMM_SHARED_TYPE [[clang::type_visibility("default")]]
#else
#define ZMM_SHARED_TYPE
#endif
/// A thread-local variable, one for all shared objects. With glibc it is reached without a call (static TLS): its place is fixed
/// when its shared object is loaded, and objects that are loaded at run time have room for few such bytes. Other C libraries have
/// no such room, and would not load the object at all.
#if ZMM_ONE_THREAD
#define ZMM_THREAD_LOCAL inline
#elif ZMM_GLIBC
#define ZMM_THREAD_LOCAL [[gnu::visibility("default"), gnu::tls_model("initial-exec")]] inline thread_local
#else
#define ZMM_THREAD_LOCAL ZMM_SHARED inline thread_local
#endif
/// A function that runs when its shared object is unloaded, after the destructors of the object's variables.
#if defined(__APPLE__)
#define ZMM_AT_UNLOAD [[gnu::destructor]]
#else
#define ZMM_AT_UNLOAD [[gnu::destructor(101)]]
#endif
/// The snprintf() format of std::size_t: the older library of Windows does not know z.
#if defined(_WIN32)
#define ZMM_SIZE "llu"
#else
#define ZMM_SIZE "zu"
#endif
/// Behind a declaration: the C function's real name, so that the declaration itself can have another one.
#define ZMM_SYMBOL(name) __asm__(#name)
