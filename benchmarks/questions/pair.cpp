// What does allocating a block and freeing it cost, by size and alignment, if the block is in a free list?
//
// pair/typed/<bytes>/<alignment>: size and alignment known at compile time, no virtual call; zmm through allocator<T,
// Heap>.
// pair/pmr/<bytes>/<alignment>: through std::pmr::memory_resource; "floor" is a resource that returns a constant.
#include "../subjects/all.hpp"

namespace bench {
namespace {

template <std::size_t Bytes, std::size_t Alignment> struct alignas(Alignment) block { unsigned char bytes[Bytes]; };

// zmm as a container's node would use it: allocator<T, Heap>, one object at a time.
template <class Engine> struct zmm_allocator_subject {
  static constexpr char const* name = std::is_same_v<Engine, zmm::heap> ? "zmm_heap" : "zmm_request";
  static bool available() { return true; }

  template <class T> void pair(zmm::allocator<T, Engine> allocator) {
    T* p = allocator.allocate(1);
    keep(p);
    allocator.deallocate(p, 1);
  }
  Engine engine;
};

template <class Subject> struct is_zmm : std::false_type {};
template <class Engine> struct is_zmm<zmm_allocator_subject<Engine>> : std::true_type {};

using typed_subjects = subjects<zmm_allocator_subject<zmm::heap>, zmm_allocator_subject<zmm::request_heap>, new_delete,
                                mimalloc_heap, jemalloc, tcmalloc, php_emalloc, foonathan_pools>;

// Sizes of a type are multiples of its alignment.
template <std::size_t Bytes, std::size_t Alignment> void typed() {
  auto const question = "pair/typed/" + std::to_string(Bytes) + "/" + std::to_string(Alignment);
  for_each_present(typed_subjects{}, [&](auto tag) {
    using S = typename decltype(tag)::type;
    if constexpr (can_align<S>(Alignment)) {
      add(question, S::name, [](benchmark::State& state) {
        S subject;
        for (auto _ : state) {
          if constexpr (is_zmm<S>::value) {
            subject.pair(zmm::allocator<block<Bytes, Alignment>, decltype(subject.engine)>{subject.engine});
          } else {
            void* p = subject.allocate(Bytes, Alignment);
            keep(p);
            subject.deallocate(p, Bytes, Alignment);
          }
        }
      });
    }
  });
}

using floored =
    subjects<floor_pmr, zmm_heap_pmr, zmm_request_pmr, zmm_segment_pmr, zmm_links_pmr, zmm_checked_pmr, zmm_checked_request_pmr, zmm_hardened_pmr,
             zmm_hardened_request_pmr, zmm_hardened_segment_pmr, new_delete_pmr, std_pool, std_synchronized_pool, std_pool_over_monotonic, boost_pool, mimalloc_pmr,
             jemalloc_pmr, tcmalloc_pmr, php_pmr, foonathan_pmr>;

void virtual_pair(std::size_t bytes, std::size_t alignment) {
  auto const question = "pair/pmr/" + std::to_string(bytes) + "/" + std::to_string(alignment);
  for_each_present(floored{}, [&](auto tag) {
    using S = typename decltype(tag)::type;
    if (!can_align<S>(alignment)) return;
    add(question, S::name, [=](benchmark::State& state) {
      S subject;
      for (auto _ : state) {
        void* p = subject.allocate(bytes, alignment);
        keep(p);
        subject.deallocate(p, bytes, alignment);
      }
    });
  });
}

}  // namespace

void register_question() {
  typed<8, 8>(), typed<16, 8>(), typed<64, 8>(), typed<256, 8>(), typed<1024, 8>();
  typed<16, 16>(), typed<64, 16>(), typed<1024, 16>();
  typed<64, 64>(), typed<256, 64>();
  for (std::size_t const bytes : {8u, 16u, 32u, 64u, 256u, 1024u}) {
    for (std::size_t const alignment : {8u, 16u, 64u}) virtual_pair(bytes, alignment);
  }
}

}  // namespace bench
