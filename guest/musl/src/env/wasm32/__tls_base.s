# Where thread-local data of a program without threads lies. The linker's own symbol is the
# start of that data, but what it adds to it (wasm-ld 19) is the variable's address, not its
# place in the data: so the base is 0. A program with threads has the linker's.
	.globaltype __tls_base, i32
	.globl __tls_base
__tls_base:
