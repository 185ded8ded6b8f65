// And what sys/mman.h has there.
#pragma once
#define UMTX_OP_WAIT_UINT_PRIVATE 15
#define UMTX_OP_WAKE_PRIVATE 16
#define MAP_ALIGNED(n) ((n) << 24)
#define MAP_EXCL 0x4000
extern "C" int _umtx_op(void* word, int operation, unsigned long value, void* more, void* most);
