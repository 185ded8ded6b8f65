// A program whose malloc is thread_heap's: every function of the family as the C library's manual has it, and the library's
// own use of them. With ZMM_PASSTHROUGH the same holds of the C library's own malloc.
#include <zmm/allocator.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
void cfree(void*) noexcept;
void free_sized(void*, std::size_t) noexcept;
void free_aligned_sized(void*, std::size_t, std::size_t) noexcept;
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void __libc_free(void*) noexcept;
}

namespace {
using std::size_t;

bool fine = true;
void check(bool holds, char const* rule) {
  if (!holds) std::printf("broken: %s\n", rule);
  fine = fine && holds;
}

bool const forwards = [] {
  char const* const wish = std::getenv("ZMM_PASSTHROUGH");
  return wish != nullptr && *wish == '1';
}();
bool is_ours(void const* p) { return p != nullptr && zmm::thread_heap::owns(p) != forwards; }
bool is_aligned(void const* p, size_t alignment) { return reinterpret_cast<std::uintptr_t>(p) % alignment == 0; }

/// No compiler knows where it comes from, or what is in it.
template <class T> T* opaque(T* p) {
  asm volatile("" : "+r"(p) : : "memory");
  return p;
}
size_t opaque(size_t n) {
  asm volatile("" : "+r"(n));
  return n;
}

size_t const sizes[] = {
    1,    7,    8,    15,   16,   17,     24,      40,      56,      100,     128,           1000,
    2048, 3072, 3073, 4096, 5000, 10'000, 100'000, 1 << 20, 2 << 20, 3 << 20, (5 << 20) + 1, 40 << 20};
size_t const most = ~size_t{0} / 2;

void blocks() {
  for (size_t n = 0; n < 5000; n += n < 300 ? 1 : 61) {
    char* const p = static_cast<char*>(std::malloc(opaque(n)));
    char* const q = static_cast<char*>(std::malloc(n));
    check(is_ours(p) && is_ours(q) && p != q, "malloc gives blocks of their own, of size 0 too");
    check(is_aligned(p, 16) && is_aligned(q, 16), "every block is aligned to 16");
    check(malloc_usable_size(p) >= n, "a block has the bytes that were asked for");
    std::memset(p, 1, malloc_usable_size(p));
    std::memset(q, 2, malloc_usable_size(q));
    check(n == 0 || (p[0] == 1 && p[n - 1] == 1), "blocks do not overlap");
    std::free(p);
    std::free(q);
  }
  check(malloc_usable_size(nullptr) == 0, "null has no bytes");
  std::free(nullptr);
  cfree(nullptr);
}

void zeroed() {
  for (size_t const n : sizes) {
    for (int again = 0; again < 3; ++again) {
      char* const p = static_cast<char*>(std::calloc(1, opaque(n)));
      check(is_ours(p) && is_aligned(p, 16), "calloc gives a block");
      bool is_zero = true;
      for (size_t i = 0; i < n; ++i) is_zero = is_zero && p[i] == 0;
      check(is_zero, "what calloc gives is zero, used before or not");
      std::memset(p, 0x5a, n);
      std::free(p);
    }
  }
  errno = 0;
  check(std::calloc(opaque(most), 3) == nullptr && errno == ENOMEM, "calloc sees an overflow");
  errno = 0;
  check(std::calloc(opaque(size_t{1} << 32), size_t{1} << 32) == nullptr && errno == ENOMEM, "calloc sees 2^64");
  std::free(std::calloc(0, 0));
  std::free(std::calloc(0, opaque(most)));
}

size_t resident() {
  std::FILE* const f = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0, now = 0;
  if (f == nullptr || std::fscanf(f, "%lu %lu", &total, &now) != 2) now = 0;
  if (f != nullptr) std::fclose(f);
  return now * static_cast<size_t>(getpagesize());
}

void zeroed_is_lazy() {
  size_t const before = resident();
  char* const p = static_cast<char*>(std::calloc(1 << 20, 256));
  p[123'456'789] = 1;
  check(resident() < before + (size_t{16} << 20), "of a large block from calloc, what is not used takes no memory");
  std::free(opaque(p));
}

/// Pages that are locked into memory are not given up, and have to be written to.
void zeroed_and_locked() {
  size_t const bytes = size_t{3} << 20;
  for (int i = 0; i < 4; ++i) {
    void* const p = std::malloc(bytes);
    bool const is_locked = mlock(p, bytes) == 0;
    std::memset(p, 1, bytes);
    std::free(opaque(p));
    char* const q = static_cast<char*>(std::calloc(1, bytes));
    size_t zeros = 0;
    for (size_t n = 0; n < bytes; ++n) zeros += q[n] == 0 ? 1U : 0U;
    check(zeros == bytes, "what calloc gives is zero, where pages were locked too");
    if (is_locked) munlock(q, bytes);
    std::free(q);
  }
}

void resized() {
  for (size_t const from : sizes) {
    for (size_t const to : sizes) {
      auto* p = static_cast<unsigned char*>(std::malloc(from));
      for (size_t i = 0; i < from; i += 1 + from / 512) p[i] = static_cast<unsigned char>(i * 31);
      p = static_cast<unsigned char*>(std::realloc(p, opaque(to)));
      check(is_ours(p) && is_aligned(p, 16) && malloc_usable_size(p) >= to, "realloc gives what was asked for");
      bool is_kept = true;
      for (size_t i = 0; i < from && i < to; i += 1 + from / 512)
        is_kept = is_kept && p[i] == static_cast<unsigned char>(i * 31);
      check(is_kept, "realloc keeps what was there");
      std::memset(p, 3, to);
      std::free(p);
    }
  }
  void* const grown = std::realloc(nullptr, 100);
  check(is_ours(grown), "realloc of null allocates");
  check(std::realloc(grown, opaque(0)) == nullptr, "realloc to 0 frees");

  char* const p = static_cast<char*>(std::malloc(100));
  std::memcpy(p, "still there", 12);
  for (size_t const n : {most + 1, ~size_t{0}, ~size_t{0} - 4096, most - 4096}) {
    errno = 0;
    check(std::realloc(opaque(p), opaque(n)) == nullptr && errno == ENOMEM, "realloc refuses what cannot be");
    check(std::strcmp(opaque(p), "still there") == 0, "what realloc refuses stays");
  }
  errno = 0;
  check(reallocarray(opaque(p), opaque(most), 4) == nullptr && errno == ENOMEM, "reallocarray sees an overflow");
  char* const q = static_cast<char*>(reallocarray(opaque(p), 50, 20));
  check(is_ours(q) && malloc_usable_size(q) >= 1000 && std::strcmp(q, "still there") == 0, "reallocarray");
  std::free(q);

  // Large blocks that lose most of what they had do not keep it.
  char* const large = static_cast<char*>(std::malloc(size_t{64} << 20));
  std::memset(large, 1, size_t{64} << 20);
  size_t const full = resident();
  char* const small = static_cast<char*>(std::realloc(large, 100));
  malloc_trim(0);  // the heap may keep some for what comes next
  check(is_ours(small) && small[99] == 1 && resident() + (size_t{48} << 20) < full, "a block that shrinks gives back");
  std::free(small);
}

void aligned() {
  for (size_t alignment = sizeof(void*); alignment <= size_t{8} << 20; alignment *= 2) {
    for (size_t const n : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, size_t{3} << 20}) {
      void* p = nullptr;
      errno = 1234;
      check(posix_memalign(&p, alignment, n) == 0 && is_ours(p) && is_aligned(p, alignment), "posix_memalign");
      check(errno == 1234, "posix_memalign keeps errno");
      void* const q = std::aligned_alloc(alignment, n);
      void* const r = memalign(alignment, n);
      check(is_ours(q) && is_aligned(q, alignment) && is_ours(r) && is_aligned(r, alignment),
            "aligned_alloc, memalign");
      check(malloc_usable_size(p) >= n && malloc_usable_size(q) >= n, "aligned blocks have the bytes asked for");
      p = std::realloc(p, n + 1);
      check(is_ours(p) && malloc_usable_size(p) > n, "an aligned block grows");
      std::free(p);
      free_aligned_sized(q, alignment, n);
      std::free(r);
    }
  }
  void* p = &fine;
  for (size_t const alignment : {size_t{0}, size_t{1}, size_t{4}, size_t{12}, size_t{24}, size_t{48}}) {
    check(posix_memalign(&p, alignment, 8) == EINVAL && p == &fine, "posix_memalign refuses such an alignment");
  }
  errno = 1234;
  check(posix_memalign(&p, 64, opaque(most + 1)) == ENOMEM && p == &fine && errno == 1234, "posix_memalign refuses");
  check(posix_memalign(&p, opaque(most / 2 + 1), 8) == ENOMEM && p == &fine, "posix_memalign refuses 2^62");
  if (!forwards) {  // the C library's has learnt it in 2.38
    errno = 0;
    check(std::aligned_alloc(opaque(24), 48) == nullptr && errno == EINVAL, "aligned_alloc refuses 24");
    errno = 0;
    check(std::aligned_alloc(opaque(0), 48) == nullptr && errno == EINVAL, "aligned_alloc refuses 0");
  }
  errno = 0;
  check(std::aligned_alloc(64, opaque(most + 1)) == nullptr && errno == ENOMEM, "aligned_alloc without memory");
  void* const rounded = memalign(opaque(24), 48);
  check(is_ours(rounded) && is_aligned(rounded, 32), "memalign rounds its alignment up");
  std::free(rounded);
  std::free(memalign(opaque(0), 8));
  errno = 0;
  check(memalign(opaque(most + 2), 8) == nullptr && errno == EINVAL, "memalign knows no power above that");
  auto const page = static_cast<size_t>(getpagesize());
  void* const v = valloc(10);
  void* const w = pvalloc(page + 1);
  check(is_aligned(v, page) && is_aligned(w, page) && malloc_usable_size(w) >= 2 * page, "valloc, pvalloc");
  std::free(v);
  std::free(w);
  std::free(pvalloc(opaque(0)));
  errno = 0;
  check(pvalloc(opaque(~size_t{0})) == nullptr && errno == ENOMEM, "pvalloc sees an overflow");
}

void errors() {
  for (size_t const n : {most + 1, ~size_t{0}, ~size_t{0} - 15, ~size_t{0} - 4096, most, most - 4096}) {
    errno = 0;
    check(std::malloc(opaque(n)) == nullptr && errno == ENOMEM, "malloc refuses what cannot be");
  }
  for (size_t const n : sizes) {
    void* const p = std::malloc(n);
    errno = 1234;
    std::free(opaque(p));
    check(errno == 1234, "free keeps errno");
  }
}

void freed_otherwise() {
  for (size_t const n : sizes) {
    free_sized(std::malloc(opaque(n)), n);
    free_sized(std::realloc(std::malloc(3000), n), n);
    cfree(std::malloc(n));
    // By the C library's own names, either way.
    std::free(__libc_malloc(n));
    std::free(__libc_memalign(64, n));
    std::free(__libc_calloc(1, n));
    __libc_free(std::malloc(n));
    std::free(__libc_realloc(std::malloc(n), n + 100));
  }
}

void library() {
  char* const copy = strdup("a text that the C library allocates");
  check(is_ours(copy), "strdup");
  char* text = nullptr;
  check(asprintf(&text, "%5000d", 1) == 5000 && is_ours(text), "asprintf");
  char* buffer = nullptr;
  size_t bytes = 0;
  std::FILE* const out = open_memstream(&buffer, &bytes);
  for (int i = 0; i < 10'000; ++i) std::fprintf(out, "%d\n", i);
  std::fclose(out);
  check(is_ours(buffer) && bytes == 48'890, "open_memstream");
  std::free(copy);
  std::free(text);
  std::free(buffer);
  std::vector<std::string> const words(1000, std::string(100, 'x'));
  check(is_ours(words[7].data()) && is_ours(words.data()), "operator new");
  zmm::allocator<int> const a{};
  std::vector<int, zmm::allocator<int>> const numbers(1000, 1, a);
  check(zmm::thread_heap::owns(numbers.data()), "zmm's own containers");
}

void figures() {
  struct mallinfo2 const before = mallinfo2();
  void* const p = opaque(std::malloc(size_t{30} << 20));
  check(mallinfo2().uordblks + mallinfo2().hblkhd >= before.uordblks + (size_t{30} << 20),
        "mallinfo2 tells of a block");
  std::free(p);
  check(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1, "mallopt takes it");
  check(malloc_trim(0) >= 0, "malloc_trim");
  char* text = nullptr;
  size_t bytes = 0;
  std::FILE* const out = open_memstream(&text, &bytes);
  check(malloc_info(0, out) == 0 && malloc_info(7, out) == EINVAL, "malloc_info");
  std::fclose(out);
  check(std::strncmp(text, "<malloc version=\"1\">", 20) == 0, "malloc_info's text");
  std::free(text);
}
}  // namespace

int main() {
  blocks();
  zeroed();
  zeroed_is_lazy();
  zeroed_and_locked();
  resized();
  aligned();
  errors();
  freed_otherwise();
  library();
  figures();
  if (!forwards) zmm::thread_heap::verify();
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
