// And what sys/mman.h and pthread.h have there.
#pragma once
#include <stdint.h>
#define MADV_FREE_REUSABLE 7
using mach_port_t = unsigned;
using kern_return_t = int;
using vm_prot_t = int;
using mach_vm_address_t = uint64_t;
constexpr kern_return_t KERN_SUCCESS = 0;
constexpr mach_port_t MEMORY_OBJECT_NULL = 0;
constexpr vm_prot_t VM_PROT_NONE = 0, VM_PROT_READ = 1, VM_PROT_WRITE = 2;
constexpr unsigned VM_INHERIT_COPY = 1;
extern "C" mach_port_t mach_task_self();
