#include "../subjects/versions.hpp"

#include <gnu/libc-version.h>

#include <cstdio>

#include "../subjects/all.hpp"

#if defined(ZMM_BENCHMARK_APR)
#include <apr_version.h>
#endif
#if defined(ZMM_BENCHMARK_BOOST)
#include <boost/version.hpp>
#endif

namespace bench {
namespace {

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

std::string jemalloc_version() {
  char const* text = nullptr;
  std::size_t length = sizeof text;
  return jemalloc_functions.mallctl("version", &text, &length, nullptr, 0) == 0 ? text : "unknown";
}

std::string tcmalloc_version() {
  int major = 0;
  int minor = 0;
  char const* patch = "";
  tcmalloc_functions.version(&major, &minor, &patch);
  return std::to_string(major) + "." + std::to_string(minor) + patch;
}

// libphp has no function that returns its version, so the interpreter is asked.
std::string php_version() {
  std::string result;
  if (std::FILE* const pipe = popen("php -r 'echo PHP_VERSION;' 2>/dev/null", "r")) {
    char text[64];
    if (std::fgets(text, sizeof text, pipe)) result = text;
    pclose(pipe);
  }
  return result.empty() ? "8.2" : result;
}

}  // namespace

std::string compiler() {
#if defined(__clang__)
  return "clang " + dotted(__clang_major__, __clang_minor__, __clang_patchlevel__) + " " ZMM_BENCHMARK_FLAGS;
#else
  return "g++ " + dotted(__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__) + " " ZMM_BENCHMARK_FLAGS;
#endif
}

std::vector<std::pair<std::string, std::string>> versions() {
  std::vector<std::pair<std::string, std::string>> result;
  auto const note = [&](char const* peer, bool present, auto version) {
    result.emplace_back(peer, present ? std::string{version()} : "absent");
  };
  note("glibc", true, [] { return gnu_get_libc_version(); });
  note("libstdc++", true, [] { return std::to_string(__GLIBCXX__); });
  note("mimalloc", mimalloc_heap::available(), [] {
    int const v = mimalloc_functions.version();
    return dotted(v / 100, v / 10 % 10, v % 10);
  });
  note("jemalloc", jemalloc::available(), jemalloc_version);
  note("tcmalloc", tcmalloc::available(), tcmalloc_version);
  note("php", php_emalloc::available(), php_version);
  note("boost", boost_pool::available(), [] {
#if defined(ZMM_BENCHMARK_BOOST)
    return dotted(BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
#else
    return "";
#endif
  });
  note("foonathan_memory", foonathan_pools::available(), [] {
#if defined(ZMM_BENCHMARK_FOONATHAN)
    return dotted(FOONATHAN_MEMORY_VERSION_MAJOR, FOONATHAN_MEMORY_VERSION_MINOR, FOONATHAN_MEMORY_VERSION_PATCH);
#else
    return "";
#endif
  });
  note("apr", apr_pool::available(), [] {
#if defined(ZMM_BENCHMARK_APR)
    return apr_version_string();
#else
    return "";
#endif
  });
  note("protobuf", protobuf_arena::available(), [] {
#if defined(ZMM_BENCHMARK_PROTOBUF)
    return dotted(GOOGLE_PROTOBUF_VERSION / 1000000, GOOGLE_PROTOBUF_VERSION / 1000 % 1000,
                  GOOGLE_PROTOBUF_VERSION % 1000);
#else
    return "";
#endif
  });
  return result;
}

}  // namespace bench
