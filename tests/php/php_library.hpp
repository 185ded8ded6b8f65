// What the test calls of PHP's embedding library, declared here: its headers are a package of their own.
#pragma once
#include <cstddef>
#include <cstdio>
#include <dlfcn.h>
#include <type_traits>

namespace php {

struct heap;  // zend_mm_heap

struct library {
  int (*embed_init)(int, char**) = nullptr;
  bool (*execute_script)(void* file_handle) = nullptr;
  void (*init_filename)(void* file_handle, char const* name) = nullptr;
  void (*destroy_file_handle)(void* file_handle) = nullptr;
  void (*request_shutdown)(void*) = nullptr;
  void (*module_shutdown)() = nullptr;
  void (*sapi_shutdown)() = nullptr;
  int (*set_memory_limit)(std::size_t) = nullptr;
  std::size_t (*memory_peak_usage)(bool real) = nullptr;
  void (*error_noreturn)(int type, char const* format, ...) = nullptr;  // leaves by longjmp
  heap* (*mm_startup)() = nullptr;
  heap* (*mm_set_heap)(heap*) = nullptr;  // returns the one before
  void (*mm_set_handlers)(heap*, void* (*)(std::size_t), void (*)(void*), void* (*)(void*, std::size_t)) = nullptr;
  void (*mm_free)(heap*, void*) = nullptr;
  void* (*mm_realloc)(heap*, void*, std::size_t) = nullptr;

  bool open(char const* path) {
    void* const object = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (object == nullptr) return std::printf("%s\n", dlerror()), false;
    auto const find = [object](auto& function, char const* name) {
      void* const found = dlsym(object, name);
      if (found == nullptr) std::printf("libphp has no %s\n", name);
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(found);
      return found != nullptr;
    };
    return find(embed_init, "php_embed_init") && find(execute_script, "php_execute_script") &&
           find(init_filename, "zend_stream_init_filename") && find(destroy_file_handle, "zend_destroy_file_handle") &&
           find(request_shutdown, "php_request_shutdown") && find(module_shutdown, "php_module_shutdown") &&
           find(sapi_shutdown, "sapi_shutdown") && find(set_memory_limit, "zend_set_memory_limit") &&
           find(memory_peak_usage, "zend_memory_peak_usage") &&
           find(error_noreturn, "zend_error_noreturn") && find(mm_startup, "zend_mm_startup") &&
           find(mm_set_heap, "zend_mm_set_heap") && find(mm_set_handlers, "zend_mm_set_custom_handlers") &&
           find(mm_free, "_zend_mm_free") && find(mm_realloc, "_zend_mm_realloc");
  }
};

}  // namespace php
