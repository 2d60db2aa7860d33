/* The entry point, and the mark by which tools know a program of this library: the address
 * range below null_guard holds nothing and may be left unmapped. */
_Noreturn void __libc_start(void);

__attribute__((__export_name__("_start"))) _Noreturn void _start(void)
{
	__libc_start();
}

__asm__(
	".section .custom_section.vkernel.abi,\"\",@\n"
	".ascii \"version=1\\nnull_guard=4096\\n\"\n"
);
