#pragma once
#define VM_MAKE_TAG(tag) ((tag) << 24)
#define VM_MEMORY_APPLICATION_SPECIFIC_1 240
#define VM_FLAGS_FIXED 0
#define VM_FLAGS_ANYWHERE 1
