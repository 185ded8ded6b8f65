// Where a Cortex-M begins: the stack's end, and the C library's first instruction. Linked to address 0.
extern "C" void _start();

namespace {
struct vectors {
  void* stack_end;
  void (*handlers[15])();
};
}  // namespace

extern "C" [[gnu::section(".vectors"), gnu::used]] vectors const cortex_m_vectors{reinterpret_cast<void*>(0x3f0000), {&_start}};
