// Windows, 64 bit: address space is reserved and committed separately, and goes back only as a whole; no fork. The functions
// are declared here, because <windows.h> defines many macros; all are in kernel32.dll and others that every program has.
#pragma once

#include <zmm/base/system/bare.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

static_assert(sizeof(void*) == 8, "zmm knows Windows on 64 bit only");

using windows_handle = void*;
using windows_bool = int;
using windows_word = unsigned long;

/// MEMORY_BASIC_INFORMATION
struct windows_region {
  void* start;
  void* mapping;  ///< the start of the reservation around it
  windows_word first_protection;
  unsigned short partition;
  std::size_t bytes;
  windows_word state, protection, type;
};
/// SYSTEM_INFO
struct windows_machine {
  unsigned short processor, reserved;
  windows_word page_bytes;
  void *lowest, *highest;
  std::size_t processors;
  windows_word count, type, grain;
  unsigned short level, revision;
};
/// MEM_ADDRESS_REQUIREMENTS and MEM_EXTENDED_PARAMETER
struct windows_places {
  void *lowest, *highest;
  std::size_t alignment;
};
struct windows_parameter {
  unsigned long long type;
  void const* what;
};

extern "C" {
void* zmm_virtual_alloc(void*, std::size_t, windows_word, windows_word) noexcept ZMM_SYMBOL(VirtualAlloc);
windows_bool zmm_virtual_free(void*, std::size_t, windows_word) noexcept ZMM_SYMBOL(VirtualFree);
std::size_t zmm_virtual_query(void const*, windows_region*, std::size_t) noexcept ZMM_SYMBOL(VirtualQuery);
void zmm_system_info(windows_machine*) noexcept ZMM_SYMBOL(GetSystemInfo);
windows_handle zmm_module(char const*) noexcept ZMM_SYMBOL(GetModuleHandleA);
void* zmm_function_of(windows_handle, char const*) noexcept ZMM_SYMBOL(GetProcAddress);
windows_handle zmm_load(char const*) noexcept ZMM_SYMBOL(LoadLibraryA);
windows_word zmm_get_last_error() noexcept ZMM_SYMBOL(GetLastError);
void zmm_set_last_error(windows_word) noexcept ZMM_SYMBOL(SetLastError);
windows_word zmm_thread_id() noexcept ZMM_SYMBOL(GetCurrentThreadId);
windows_word zmm_process_id() noexcept ZMM_SYMBOL(GetCurrentProcessId);
windows_handle zmm_open_thread(windows_word, windows_bool, windows_word) noexcept ZMM_SYMBOL(OpenThread);
windows_word zmm_wait_for(windows_handle, windows_word) noexcept ZMM_SYMBOL(WaitForSingleObject);
windows_bool zmm_close_handle(windows_handle) noexcept ZMM_SYMBOL(CloseHandle);
windows_word zmm_fls_alloc(void (*)(void*)) noexcept ZMM_SYMBOL(FlsAlloc);
windows_bool zmm_fls_free(windows_word) noexcept ZMM_SYMBOL(FlsFree);
windows_bool zmm_fls_set(windows_word, void*) noexcept ZMM_SYMBOL(FlsSetValue);
void* zmm_fls_get(windows_word) noexcept ZMM_SYMBOL(FlsGetValue);
void zmm_sleep(windows_word) noexcept ZMM_SYMBOL(Sleep);
windows_bool zmm_counter(long long*) noexcept ZMM_SYMBOL(QueryPerformanceCounter);
windows_handle zmm_standard(windows_word) noexcept ZMM_SYMBOL(GetStdHandle);
windows_bool zmm_write_file(windows_handle, void const*, windows_word, windows_word*, void*) noexcept
    ZMM_SYMBOL(WriteFile);
windows_word zmm_environment(char const*, char*, windows_word) noexcept ZMM_SYMBOL(GetEnvironmentVariableA);
void* zmm_aligned_malloc(std::size_t, std::size_t) noexcept ZMM_SYMBOL(_aligned_malloc);
void zmm_aligned_free(void*) noexcept ZMM_SYMBOL(_aligned_free);
}

/// Functions that older systems lack, looked up while the program or DLL loads. A later look-up would wait for the loader's
/// lock, which an ending thread holds while it calls zmm, and perhaps waits for a lock of zmm.
struct windows_functions {
  using function = decltype(zmm_function_of(nullptr, nullptr));
  function wait, wake_one, wake_all, map_aligned;

  static windows_functions look_up() noexcept {
    auto const module = zmm_module("kernelbase.dll");
    return {zmm_function_of(module, "WaitOnAddress"), zmm_function_of(module, "WakeByAddressSingle"),
            zmm_function_of(module, "WakeByAddressAll"), zmm_function_of(module, "VirtualAlloc2FromApp")};
  }
};
inline windows_functions const windows_found = windows_functions::look_up();

struct windows_system : bare_system {
  static constexpr bool frees_parts = false;
  static constexpr bool variables_end_first = true;
  static constexpr std::size_t chunk_bytes = std::size_t{2} << 20;
  static constexpr bool has_reserves = true;
  static constexpr std::size_t most_reserves = 8192;
  static constexpr bool maps_aligned = true;

  static std::size_t page_size() noexcept {
    windows_machine machine{};
    zmm_system_info(&machine);
    return machine.page_bytes;
  }
  static void* map(void* /*hint*/, std::size_t bytes, page_access access) noexcept {
    return patiently([&] { return zmm_virtual_alloc(nullptr, bytes, kind(access), protection(access)); });
  }
  /// Windows 10, 1803, and later.
  static void* map_aligned(std::size_t bytes, std::size_t alignment, page_access access) noexcept {
    if (alignment < 65536) alignment = 65536;
    using virtual_alloc_2 =
        void* (*)(windows_handle, void*, std::size_t, windows_word, windows_word, windows_parameter*, windows_word);
    auto const call = found<virtual_alloc_2>(&windows_functions::map_aligned);
    if (call == nullptr) return nullptr;
    windows_places const places{nullptr, nullptr, alignment};
    windows_parameter parameter{1, &places};  // MemExtendedParameterAddressRequirements
    windows_handle const this_process = reinterpret_cast<windows_handle>(~std::uintptr_t{0});
    return patiently(
        [&] { return call(this_process, nullptr, bytes, kind(access), protection(access), &parameter, 1); });
  }
  static bool unmap(void* p, std::size_t) noexcept {
    windows_region region{};
    if (zmm_virtual_query(p, &region, sizeof region) == 0 || region.mapping == nullptr) return false;
    return zmm_virtual_free(region.mapping, 0, release) != 0;
  }
  static bool open(void* p, std::size_t bytes) noexcept {
    return patiently([&] { return zmm_virtual_alloc(p, bytes, commit, read_write); }) != nullptr;
  }
  static bool close(void* p, std::size_t bytes) noexcept { return zmm_virtual_free(p, bytes, decommit) != 0; }
  static bool purge(void* p, std::size_t bytes) noexcept {
    return zmm_virtual_alloc(p, bytes, reset, read_write) != nullptr;
  }
  static bool drop(void* p, std::size_t bytes) noexcept { return purge(p, bytes); }

  using thread = windows_word;
  using thread_number = windows_word;
  using thread_key = windows_word;
  static thread this_thread() noexcept { return zmm_thread_id(); }
  static thread_number this_thread_number() noexcept { return zmm_thread_id(); }
  static bool has_ended(thread_number number) noexcept {
    constexpr windows_word synchronize = 0x00100000, invalid_parameter = 87;
    windows_handle const opened = zmm_open_thread(synchronize, 0, number);
    if (opened == nullptr) return zmm_get_last_error() == invalid_parameter;
    bool const has = zmm_wait_for(opened, 0) == 0;
    zmm_close_handle(opened);
    return has;
  }
  /// Fiber-local slots, which each thread has, too: at_end is called when the thread ends and when the slot is deleted. MSVC
  /// destroys a thread's variables after that, g++ for Windows before.
  static bool make_key(thread_key* key, void (*at_end)(void*)) noexcept {
    *key = zmm_fls_alloc(at_end);
    return *key != ~windows_word{0};
  }
  static void delete_key(thread_key key) noexcept { zmm_fls_free(key); }
  static bool set_key(thread_key key, void* value) noexcept { return zmm_fls_set(key, value) != 0; }
  static void* key_value(thread_key key) noexcept { return zmm_fls_get(key); }

  static bool wait(void* word, std::uint32_t seen, long milliseconds) noexcept {
    using wait_on_address = windows_bool (*)(void*, void*, std::size_t, windows_word);
    constexpr windows_word timed_out = 1460;
    auto const call = found<wait_on_address>(&windows_functions::wait);
    if (call == nullptr) {  // Windows 7
      zmm_sleep(1);
      return milliseconds == 0;
    }
    return call(word, &seen, sizeof seen,
                milliseconds != 0 ? static_cast<windows_word>(milliseconds) : ~windows_word{0}) != 0 ||
           zmm_get_last_error() != timed_out;
  }
  static void wake(void* word, bool all) noexcept {
    using wake_by_address = void (*)(void*);
    auto const which = all ? &windows_functions::wake_all : &windows_functions::wake_one;
    if (auto const call = found<wake_by_address>(which)) call(word);
  }

  using error = windows_word;
  static error last_error() noexcept { return zmm_get_last_error(); }
  static void set_last_error(error e) noexcept { zmm_set_last_error(e); }
  static int process_number() noexcept { return static_cast<int>(zmm_process_id()); }

  static bool draw(void* to, std::size_t bytes) noexcept {
    using generate = unsigned char (*)(void*, windows_word);
    auto const call = reinterpret_cast<generate>(zmm_function_of(zmm_load("advapi32.dll"), "SystemFunction036"));
    return call != nullptr && call(to, static_cast<windows_word>(bytes)) != 0;  // RtlGenRandom, as its header has it
  }
  static std::uint64_t moment() noexcept {
    long long now = 0;
    zmm_counter(&now);
    return static_cast<std::uint64_t>(now);
  }

  static constexpr bool tells = true;
  static bool tell(char const* text, std::size_t bytes) noexcept {
    windows_word written = 0, standard_error = static_cast<windows_word>(-12);
    return zmm_write_file(zmm_standard(standard_error), text, static_cast<windows_word>(bytes), &written, nullptr) != 0;
  }
  /// The first byte of the variable's value, which is all that callers read.
  static char const* wish(char const* name) noexcept {
    char said[2] = "";
    windows_word const length = zmm_environment(name, said, sizeof said);
    if (length == 0) return nullptr;
    return length > 1 ? "more" : said[0] == '0' ? "0" : said[0] == '1' ? "1" : "other";
  }
  /// Not malloc(), which has no aligned variant: these blocks are freed only by free() below.
  static void* allocate(std::size_t bytes) noexcept { return zmm_aligned_malloc(bytes, 16); }
  static void* allocate_aligned(std::size_t bytes, std::size_t alignment) noexcept {
    return zmm_aligned_malloc(bytes, alignment);
  }
  static void free(void* block) noexcept { zmm_aligned_free(block); }

private:
  static constexpr windows_word commit = 0x1000, reserve = 0x2000, decommit = 0x4000, release = 0x8000, reset = 0x80000,
                                no_access = 1, read_write = 4;

  static constexpr windows_word kind(page_access access) noexcept {
    return access == page_access::write ? reserve | commit : reserve;
  }
  static constexpr windows_word protection(page_access access) noexcept {
    return access == page_access::write ? read_write : no_access;
  }
  /// Null: the system has none, or the program is still loading, with one thread.
  template <class Function> static Function found(windows_functions::function windows_functions::*which) noexcept {
    return reinterpret_cast<Function>(windows_found.*which);
  }
  /// When memory is short, the system grows its page file, and refuses until that is done.
  template <class Call> static void* patiently(Call&& call) noexcept {
    constexpr windows_word commitment_limit = 1455;
    for (windows_word tries = 0;; ++tries) {
      void* const p = call();
      if (p != nullptr || tries == 3 || zmm_get_last_error() != commitment_limit) return p;
      zmm_sleep(20 << tries);
    }
  }
};

}}}  // namespace zmm::detail
