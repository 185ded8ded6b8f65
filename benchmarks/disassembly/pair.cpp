// The functions whose instructions disassembly.sh counts: one object of 64 bytes, allocated and freed through zmm's
// allocator.
#include <zmm/zmm.hpp>

struct node {
  void* links[8];
};

extern "C" {

// The empty asm stands for the program's use of the object; without it, the compiler may remove both calls.
void typed_pair_heap(zmm::heap& heap) {
  zmm::allocator<node, zmm::heap> allocator{heap};
  node* p = allocator.allocate(1);
  asm volatile("" : "+r"(p) : : "memory");
  allocator.deallocate(p, 1);
}

void typed_pair_request(zmm::request_heap& heap) {
  zmm::allocator<node, zmm::request_heap> allocator{heap};
  node* p = allocator.allocate(1);
  asm volatile("" : "+r"(p) : : "memory");
  allocator.deallocate(p, 1);
}

node* typed_allocate_heap(zmm::heap& heap) { return zmm::allocator<node, zmm::heap>{heap}.allocate(1); }
void typed_deallocate_heap(zmm::heap& heap, node* p) { zmm::allocator<node, zmm::heap>{heap}.deallocate(p, 1); }
}
