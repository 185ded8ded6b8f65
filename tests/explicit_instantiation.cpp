// Every member of every public template compiles, called or not: `template class zmm::basic_heap<>;` in a user's file.
#include <zmm/zmm.hpp>

#include <cstdio>

namespace mine {
struct exact : zmm::default_options {
  static constexpr bool exact_peak = true;
};
struct proved : zmm::default_options {
  static constexpr std::size_t min_slot = 16;
  static constexpr bool encode_links = true;
};
struct checked : proved {
  static constexpr bool check_frees = true;
};
struct tagged : checked {
  static constexpr bool tag_blocks = true;
};
struct checked_random : checked {
  static constexpr bool random_runs = true;
};
}  // namespace mine

template class zmm::basic_heap<>;
template class zmm::basic_heap<zmm::hardened_options>;
template class zmm::basic_heap<zmm::debug_options>;
template class zmm::basic_heap<mine::exact>;
template class zmm::basic_heap<mine::proved>;
template class zmm::basic_heap<mine::checked>;
template class zmm::basic_heap<mine::checked_random>;
template class zmm::basic_heap<zmm::checked_options>;
template class zmm::basic_heap<zmm::paranoid_options>;
template class zmm::basic_heap<mine::tagged>;
template class zmm::basic_heap<zmm::sampled_options>;
template class zmm::basic_request_heap<zmm::sampled_options>;
template class zmm::basic_synchronized_heap<zmm::sampled_options>;
template class zmm::basic_segment_heap<zmm::sampled_options>;
template class zmm::basic_request_heap<>;
template class zmm::basic_request_heap<zmm::hardened_options>;
template class zmm::basic_request_heap<zmm::debug_options>;
template class zmm::basic_request_heap<mine::exact>;
template class zmm::basic_request_heap<mine::proved>;
template class zmm::basic_request_heap<zmm::checked_options>;
template class zmm::basic_request_heap<zmm::paranoid_options>;
template class zmm::basic_request_heap<mine::tagged>;
template class zmm::basic_request_pool<>;
template class zmm::basic_synchronized_heap<>;
template class zmm::basic_synchronized_heap<zmm::hardened_options>;
template class zmm::basic_synchronized_heap<zmm::debug_options>;
template class zmm::basic_synchronized_heap<mine::checked>;
template class zmm::basic_synchronized_heap<zmm::checked_options>;
template class zmm::basic_synchronized_heap<zmm::paranoid_options>;
template class zmm::basic_segment_heap<>;
template class zmm::basic_segment_heap<zmm::hardened_options>;
template class zmm::basic_segment_heap<zmm::debug_options>;
template class zmm::basic_segment_heap<mine::exact>;
template class zmm::basic_segment_heap<zmm::paranoid_options>;
template class zmm::basic_segment_heap<mine::proved>;
template class zmm::basic_segment_heap<mine::checked>;
template class zmm::basic_segment_heap<mine::tagged>;
template class zmm::resource<zmm::heap>;
template class zmm::resource<zmm::segment_heap>;
template class zmm::resource<zmm::hardened_segment_heap>;
template class zmm::resource<zmm::request_heap>;
template class zmm::resource<zmm::synchronized_heap>;
template class zmm::resource<zmm::thread_heap>;
template class zmm::resource<zmm::hardened_heap>;
template class zmm::resource<zmm::debug_request_heap>;
template class zmm::allocator<int>;
template class zmm::allocator<int, zmm::heap>;
template class zmm::allocator<int, zmm::request_heap>;
template class zmm::allocator<int, zmm::hardened_synchronized_heap>;
template class zmm::allocator<int, zmm::segment_heap>;
template class zmm::block_chain<int>;
template class zmm::limit_lift<zmm::heap>;
template class zmm::limit_lift<zmm::segment_heap>;
template struct zmm::basic_emalloc<zmm::segment_heap>;
template class zmm::limit_lift<zmm::request_resource>;
template class zmm::limit_lift<zmm::thread_heap>;
template struct zmm::allocation_result<int*>;

int main() { std::puts("ok"); }
