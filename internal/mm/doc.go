// Package mm is the address space of one process: which ranges of its linear memory exist,
// with which protection, and why a request to change that is refused.
//
// # Model
//
// A Space is a sorted list of areas (VMAs) over the 4 GiB of an instance's linear memory. The
// engine does the work on pages; this package decides. The layout:
//
//	0 .. initial end   data, bss and the guest's own stack; from the program's image
//	initial end ..     the break: brk and memory.grow move the same end
//	.. top             mmap areas, from the top down; top is 4 GiB less 64 KiB, or the
//	                   maximum that the module declares
//
// A program that leaves the first pages unused says so (layout.Memory.NullGuard): they are never
// mapped, as below Linux's vm.mmap_min_addr. In other programs page 0 is ordinary memory.
//
// Deviations from Linux, all on purpose: PROT_EXEC is EACCES; private file mappings are read in when they are made; a shared
// file mapping is such a copy if it is read-only and ENODEV if it is writable. Shared anonymous
// memory is really shared, across fork too.
//
// # Lock order
//
// Space.mu guards everything in a Space. It is held while guest memory is filled from a Source,
// so a Source must not call back into the Space. Two spaces are never locked at once except in
// Fork, where the child is not yet known to anybody else.
package mm
