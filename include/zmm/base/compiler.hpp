// Floor 0: base. Includes nothing but the standard library and other files of base/.
//
// What differs between compilers and their flags, in one place. No other header asks the preprocessor about its
// surroundings, except the operating-system selector in storage/os_storage.hpp.
#pragma once

#if !defined(__GNUC__)
#error "zmm needs g++ 12 or later, or clang 14 or later"
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

// Under AddressSanitizer zmm tells it which bytes may be used. ZMM_NO_ANNOTATIONS leaves that out, for all of a program:
// then the sanitizer watches zmm's own code, and blocks lie as they do without it.
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

// Valgrind's client request: a sequence of instructions that does nothing, and that Valgrind takes for a question. `result`
// is `fallback` where nobody answers. The question's words lie at `words`.
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

#define ZMM_PASTE(a, b, c, d, e) a##b##c##d##e
#define ZMM_EXPAND(a, b, c, d, e) ZMM_PASTE(a, b, c, d, e)

/// The inline namespace all of zmm lives in. Translation units compiled with different body-changing flags (exceptions,
/// sanitizers) get different names: they link, and cannot hand each other zmm objects by mistake.
#define ZMM_ABI ZMM_EXPAND(v0, ZMM_TAG_EXCEPTIONS, ZMM_TAG_ASAN, ZMM_TAG_TSAN, ZMM_TAG_MSAN)

#define ZMM_LIKELY(x) __builtin_expect(static_cast<bool>(x), true)
#define ZMM_UNLIKELY(x) __builtin_expect(static_cast<bool>(x), false)

/// A hit path: inlined into every caller, so that constant sizes fold away.
#define ZMM_INLINE [[gnu::always_inline]] inline
/// A miss that still has to be fast (bump, refill): its own function, so that the hit path stays short.
#define ZMM_NOINLINE [[gnu::noinline]]
/// A path that is rare or ends in failure: its own function, in the cold section, compiled for size.
#define ZMM_COLD [[gnu::noinline, gnu::cold]]
/// Process-wide state: one copy in the program even where everything else is hidden.
#define ZMM_SHARED [[gnu::visibility("default")]]
/// A variable of each thread, one for all shared objects, reached without a call: its place is settled when the object
/// that has it is loaded, so there is room for few such bytes in objects loaded at run time.
#define ZMM_THREAD_LOCAL [[gnu::visibility("default"), gnu::tls_model("initial-exec")]] inline thread_local

namespace zmm { inline namespace ZMM_ABI { namespace detail {
}}}  // namespace zmm
