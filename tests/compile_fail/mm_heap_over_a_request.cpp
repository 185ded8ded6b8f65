// expect: emalloc needs an engine that tells a block by its address
#include <zmm/zmm.hpp>

int main() {
  zmm::request_heap request;
  zmm::mm_heap mm{request};
  (void)mm.allocate(1);
}
