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
// Deviations from Linux, all on purpose: PROT_EXEC is EACCES; a file that is not memory of the host
// (what procfs shows, a sealed script) is read in when it is mapped: such a mapping is a copy, and ENODEV if it is shared and
// writable. In a process with threads a private mapping that is, or becomes, writable is a copy, too, made then: it
// is zero beyond the end of the file. MAP_FIXED over a mapping is two steps for other threads.
//
// # Files
//
// An area of an Object shows the file's pages. The space holds the Object, which keeps the host's descriptor open, as long as it has an
// area of it (areas.objects); a fork holds it too. Settle leaves these areas alone: a fork maps the file again
// and copies the private pages. A word of a shared mapping is known to futexes by file and offset.
//
// # Lock order
//
// Space.mu, then the locks of an Object's file system (memfs: file.mu, inode.attr, memories.mu; hostfs: file.mu).
// Space.mu guards everything in a Space. It is held while guest memory is filled from a Source,
// so a Source must not call back into the Space. Two spaces are never locked at once except in
// Fork, where the child is not yet known to anybody else.
package mm
