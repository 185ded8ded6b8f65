// A shared library opened at run time, separate from the program.
//
// Linking jemalloc, tcmalloc, mimalloc or PHP would replace malloc, or bring a hundred libraries into every subject's
// run. With RTLD_LOCAL, their malloc and operator new serve only themselves. Each call then goes through a pointer, `call
// *address(%rip)`: as a call into a shared library with -fno-plt, and with one jump less than through the PLT. See
// README.md, "How other allocators are called".
#pragma once

#include <dlfcn.h>

namespace bench {

class library {
public:
  explicit library(char const* file) noexcept : handle_{dlopen(file, RTLD_NOW | RTLD_LOCAL)} {
    if (!handle_) error_ = dlerror();
  }
  library(library const&) = delete;
  library& operator=(library const&) = delete;
  ~library() = default;  // never closed: allocators do not survive it

  [[nodiscard]] bool loaded() const noexcept { return handle_ != nullptr; }
  [[nodiscard]] char const* error() const noexcept { return error_; }

  // Fills `function` and says whether the symbol was there.
  template <class Function> bool find(Function*& function, char const* name) const noexcept {
    function = handle_ ? reinterpret_cast<Function*>(dlsym(handle_, name)) : nullptr;
    return function != nullptr;
  }

private:
  void* handle_;
  char const* error_ = "";
};

}  // namespace bench
