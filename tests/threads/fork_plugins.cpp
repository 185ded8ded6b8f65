// Shared objects that use zmm, are closed and opened anew, and forks: they stay guarded whoever guarded them first, and
// nothing of a closed object takes part. Arguments: two shared objects.
#include <zmm/zmm.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {
struct plugin {
  explicit plugin(char const* path) : handle(::dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle == nullptr) {
      std::printf("broken: %s\n", ::dlerror());
      std::exit(1);
    }
    use = reinterpret_cast<void (*)()>(::dlsym(handle, "plugin_use"));
    use_slowly = reinterpret_cast<void (*)(bool volatile*)>(::dlsym(handle, "plugin_use_slowly"));
  }
  void* handle;
  void (*use)();
  void (*use_slowly)(bool volatile*);
};

class slow_storage : public zmm::storage {
public:
  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    if (stage == 1) {
      stage = 2;
      ::usleep(200000);
    }
    return zmm::os_storage().allocate(bytes, alignment, reserve);
  }
  void deallocate(void* p, std::size_t bytes, std::size_t reserve) noexcept override {
    zmm::os_storage().deallocate(p, bytes, reserve);
  }
  std::atomic<int> stage{0};
};

// Forks while another thread is in work(), which has set is_inside. Returns: whether the child, which uses the same, ended.
template <class Work, class Again> bool forks_well(bool const volatile& is_inside, Work work, Again again) {
  std::thread other(work);
  while (!is_inside) ::usleep(1000);
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(5);
    again();
    ::_exit(0);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  other.join();
  return status == 0;
}
bool plugin_forks_well(plugin const& of) {
  bool volatile is_inside = false;
  return forks_well(
      is_inside, [&] { of.use_slowly(&is_inside); }, [&] { of.use(); });
}
bool program_forks_well() {
  static slow_storage storage;
  static zmm::synchronized_heap heap(storage);
  static bool volatile is_inside = false;
  heap.deallocate(heap.allocate(8), 8);
  is_inside = false;
  storage.stage = 1;
  auto const use = [] { heap.deallocate(heap.allocate(4 << 20), 4 << 20); };
  std::thread watch([] {
    while (storage.stage != 2) ::usleep(100);
    is_inside = true;
  });
  bool const fine = forks_well(is_inside, use, use);
  watch.join();
  return fine;
}

// Runs in a process that has not used zmm yet.
template <class Work> bool run(char const* name, Work work) {
  pid_t const process = ::fork();
  if (process == 0) {
    ::alarm(30);
    std::_Exit(work() ? 0 : 1);
  }
  int status = 1;
  ::waitpid(process, &status, 0);
  if (status != 0) std::printf("broken: %s: status %d\n", name, status);
  return status == 0;
}
}  // namespace

int main(int, char** arguments) {
  char const* const first = arguments[1];
  char const* const second = arguments[2];
  bool fine = run("the program after a closed object", [=] {
    plugin a(first);
    a.use();
    ::dlclose(a.handle);
    return program_forks_well() && program_forks_well();
  });
  fine = run("the program, which has used what the object used first",
             [=] {
               plugin a(first);
               a.use();
               zmm::request_resource request;
               (void)request.allocate(100, 8);
               zmm::thread_heap::deallocate(zmm::thread_heap::allocate(100), 100);
               ::dlclose(a.handle);
               return program_forks_well();
             }) &&
         fine;
  fine = run("one object after another has closed",
             [=] {
               plugin a(first), b(second);
               a.use();
               b.use();
               ::dlclose(a.handle);
               return plugin_forks_well(b) && program_forks_well();
             }) &&
         fine;
  fine = run("the older object after the younger one has closed",
             [=] {
               plugin a(first), b(second);
               a.use();
               b.use();
               ::dlclose(b.handle);
               return plugin_forks_well(a) && program_forks_well();
             }) &&
         fine;
  fine = run("an object opened anew, many times",
             [=] {
               for (int i = 0; i < 20; ++i) {
                 plugin a(i % 2 == 0 ? first : second);
                 a.use();
                 if (i % 10 == 0 && !plugin_forks_well(a)) return false;
                 ::dlclose(a.handle);
               }
               return program_forks_well();
             }) &&
         fine;
  fine = run("an object closed in a fork's child",
             [=] {
               plugin a(first);
               a.use();
               pid_t const child = ::fork();
               if (child == 0) {
                 ::dlclose(a.handle);
                 std::_Exit(program_forks_well() ? 0 : 1);
               }
               int status = 1;
               ::waitpid(child, &status, 0);
               return status == 0 && plugin_forks_well(a);
             }) &&
         fine;
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
