#pragma once
extern "C" kern_return_t mach_vm_map(mach_port_t task, mach_vm_address_t* place, uint64_t bytes, uint64_t mask, int flags, mach_port_t object,
                                     uint64_t offset, int copy, vm_prot_t now, vm_prot_t most, unsigned inheritance);
