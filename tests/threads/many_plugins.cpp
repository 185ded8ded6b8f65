// A program that opens 64 plugins, each with a copy of zmm inside, late: the part of a thread's memory that such objects share
// must suffice. argv[1]: the plugin, of which 64 copies are made.
#include <zmm/base/compiler.hpp>

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <fstream>
#include <string>
#include <thread>

int main(int, char** argv) {
  char folder[] = "/tmp/zmm-plugins-XXXXXX";
  if (mkdtemp(folder) == nullptr) return 2;
  int opened = 0, worked = 0;
  std::string why;
  std::thread([&] {
    for (int i = 0; i < 64; ++i) {
      std::string const copy = std::string(folder) + "/" + std::to_string(i) + ".so";
      std::ofstream(copy, std::ios::binary) << std::ifstream(argv[1], std::ios::binary).rdbuf();
      void* const object = dlopen(copy.c_str(), RTLD_NOW | RTLD_LOCAL);
      std::remove(copy.c_str());
      if (object == nullptr) {
        why = dlerror();
        continue;
      }
      ++opened;
      auto const sum = reinterpret_cast<int (*)()>(dlsym(object, "plugin_sum"));
      worked += sum() == 1000;
    }
  }).join();
  std::remove(folder);
  if (worked == 64) return std::puts("ok") < 0;
  std::printf("broken: %d of 64 plugins opened, %d work: %s\n", opened, worked, why.c_str());
  return 1;
}
