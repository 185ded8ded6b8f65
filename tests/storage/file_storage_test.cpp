// A heap that lies in a file of the caller's.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/child.hpp"
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {
using std::size_t;
constexpr size_t mib = size_t{1} << 20;

// A file in memory, without a name.
class file {
public:
  explicit file(size_t bytes = 0) { CHECK(::ftruncate(fd_, static_cast<off_t>(bytes)) == 0); }
  ~file() { ::close(fd_); }
  file(file const&) = delete;
  file& operator=(file const&) = delete;
  int fd() const { return fd_; }
  size_t bytes() const {
    struct stat is {};
    ::fstat(fd_, &is);
    return static_cast<size_t>(is.st_size);
  }
  bool contains(void const* what, size_t n) const {
    std::vector<char> all(bytes());
    if (::pread(fd_, all.data(), all.size(), 0) != static_cast<ssize_t>(all.size())) return false;
    return ::memmem(all.data(), all.size(), what, n) != nullptr;
  }

private:
  int fd_ = ::memfd_create("zmm test", 0);
};

TEST_CASE("file_storage: a heap's blocks lie in the file, which grows as far as it has to, before and after it stays as it is") {
  size_t const page = zmm::os_page_size(), bytes = zmm::buffer_storage::bytes_for(2, 2 * mib);
  file f{page};
  CHECK(::pwrite(f.fd(), "before", 6, 0) == 6);
  {
    zmm::file_storage part{f.fd(), page, bytes};
    CHECK(part.bytes() == bytes);
    CHECK(f.bytes() == page + bytes);
    zmm_test::checking_storage checked{part};
    zmm::heap heap{checked};
    auto* const p = static_cast<char*>(heap.allocate(100));
    std::memcpy(p, "a text that is nowhere else", 27);
    CHECK(f.contains("a text that is " "nowhere else", 27));
    // No memory from elsewhere: two chunks, and one more if the part happens to begin where one may.
    CHECK(heap.try_allocate(2 * mib - 4096) != nullptr);
    static_cast<void>(heap.try_allocate(2 * mib - 4096));
    CHECK(heap.try_allocate(2 * mib - 4096) == nullptr);
    heap.verify();
  }
  CHECK(f.contains("a text that is " "nowhere else", 27));
  char head[6] = {};
  CHECK(::pread(f.fd(), head, 6, 0) == 6);
  CHECK(std::memcmp(head, "before", 6) == 0);
}

TEST_CASE("file_storage: the descriptor may be closed, and blocks come back to the part") {
  int const fd = ::memfd_create("zmm test", 0);
  zmm::file_storage part{fd, 0, 8 * mib};
  ::close(fd);
  size_t const page = zmm::os_page_size();
  for (int round = 0; round < 3; ++round) {
    void* p = part.allocate(8 * mib, page, 8 * mib);
    REQUIRE(p != nullptr);
    std::memset(p, 1, 8 * mib);
    CHECK(part.allocate(page, page, page) == nullptr);
    CHECK(part.truncate(p, 8 * mib, mib));
    void* const q = part.allocate(page, page, page);
    CHECK(q != nullptr);
    if (q != nullptr) part.deallocate(q, page, page);
    CHECK(part.extend(p, mib, 8 * mib));
    CHECK_FALSE(part.purge(p, page));
    part.deallocate(p, 8 * mib, 8 * mib);
  }
}

TEST_CASE("file_storage: what cannot be mapped leaves a storage without memory, and errno alone") {
  size_t const page = zmm::os_page_size();
  file f;
  int const only_read = ::open("/proc/self/exe", O_RDONLY);
  int ends[2] = {-1, -1};
  CHECK(::pipe(ends) == 0);
  errno = 77;
  struct { int fd; size_t offset, bytes; } const cases[] = {
      {-1, 0, page},      {f.fd(), 0, 0},          {f.fd(), 1, page},    {only_read, 0, page},
      {ends[1], 0, page}, {f.fd(), 0, ~size_t{0} - page + 1}, {f.fd(), ~size_t{0} - page + 1, page},
  };
  for (auto const& c : cases) {
    zmm::file_storage part{c.fd, c.offset, c.bytes};
    CHECK(part.bytes() == 0);
    CHECK(part.allocate(page, page, page) == nullptr);
    zmm::heap heap{part};
    CHECK(heap.try_allocate(1) == nullptr);
  }
  CHECK(errno == 77);
  ::close(only_read);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("file_storage: a file system without room refuses when it is mapped, not when it is touched") {
  CHECK(zmm_test::holds_in_child([](zmm_test::findings& found) {
    ::signal(SIGXFSZ, SIG_IGN);
    zmm_test::limit_to(RLIMIT_FSIZE, 4 * mib);
    file f;
    zmm::file_storage part{f.fd(), 0, 64 * mib};
    found.that(part.bytes() == 0 && part.allocate(4096, 4096, 4096) == nullptr, "it is refused");
    zmm::file_storage little{f.fd(), 0, 2 * mib};
    void* const p = little.allocate(2 * mib, 4096, 2 * mib);
    found.that(p != nullptr, "what there is room for is given");
    if (p != nullptr) std::memset(p, 1, 2 * mib);
  }));
}

TEST_CASE("file_storage: what is refused leaves the file as long as it was") {
  size_t const page = zmm::os_page_size();
  file f{page};
  for (size_t offset : {size_t{1}, page / 2, page + 1}) {
    zmm::file_storage part{f.fd(), offset, 4 * page};
    CHECK(part.bytes() == 0);
    CHECK(f.bytes() == page);
  }
  CHECK(zmm_test::holds_in_child([&](zmm_test::findings& found) {
    zmm_test::limit_to(RLIMIT_AS, zmm_test::mapped_bytes() + 4 * mib);
    zmm::file_storage part{f.fd(), 0, 64 * mib};
    found.that(part.bytes() == 0 || f.bytes() == 64 * mib, "no address space, no part");
    if (part.bytes() == 0) found.that(f.bytes() == page, "and the file did not grow");
  }));
  int const read_only = ::open(("/proc/self/fd/" + std::to_string(f.fd())).c_str(), O_RDONLY);
  int const write_only = ::open(("/proc/self/fd/" + std::to_string(f.fd())).c_str(), O_WRONLY);
  for (int fd : {read_only, write_only}) {
    zmm::file_storage part{fd, 0, 4 * page};
    CHECK(part.bytes() == 0);
    CHECK(f.bytes() == page);
    ::close(fd);
    zmm::file_storage closed{fd, 0, 4 * page};
    CHECK(closed.bytes() == 0);
  }
}

TEST_CASE("file_storage: a file system that is full refuses, and what is left of it serves") {
  bool const held = zmm_test::holds_in_child([](zmm_test::findings& found) {
    char folder[] = "/tmp/zmm test XXXXXX";
    if (::mkdtemp(folder) == nullptr) return;
    bool const mounted = ::unshare(CLONE_NEWNS) == 0 &&
                         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::mount("tmpfs", folder, "tmpfs", 0, "size=4m") == 0;
    if (!mounted) {
      std::fprintf(stderr, "skipped: this process may not mount a file system\n");
      ::rmdir(folder);
      return;
    }
    int const fd = ::open((std::string{folder} + "/heap").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    {
      zmm::file_storage much{fd, 0, 64 * mib};
      found.that(much.bytes() == 0, "more than it holds is refused");
      zmm::file_storage part{fd, 0, 3 * mib};
      found.that(part.bytes() == 3 * mib, "what it holds is given");
      zmm::file_storage second{fd, 3 * mib, 3 * mib};
      found.that(second.bytes() == 0, "and no more");
      zmm::segment_heap heap{part};
      size_t count = 0;
      for (void* p; (p = heap.try_allocate(10'000)) != nullptr; ++count) std::memset(p, 1, 10'000);
      found.that(count > 290, "a heap has nearly all of it, and touches it");
      heap.verify();
    }
    ::close(fd);
    ::umount2(folder, MNT_DETACH);
    ::rmdir(folder);
  });
  CHECK(held);
}

TEST_CASE("file_storage: a device is mapped as it is") {
  int const zero = ::open("/dev/zero", O_RDWR);
  if (zero < 0) return;
  zmm::file_storage part{zero, 0, 8 * mib};
  ::close(zero);
  CHECK(part.bytes() == 8 * mib);
  zmm::heap heap{part};
  void* const p = heap.try_allocate(1000);
  CHECK(p != nullptr);
  heap.verify();
}
}  // namespace
