package verify

import "fmt"

const (
	notAllowed = "an instruction that is not allowed"
	noBounds   = "no bounds"
	noPlace    = "not relative to GS"
	beyond     = "beyond the reach"
	notOurs    = "not the program's"
	unsettled  = "not restored"
)

// corpus lists what must be refused, and what is just right.
func corpus() []badCase {
	var list []badCase
	for _, part := range [][]badCase{forbidden(), memoryCases(), instanceCases(), stackCases(), controlCases(), callCases(), dataCases(), setjmpCases()} {
		list = append(list, part...)
	}
	return list
}

// forbidden are instructions that no program may have, whatever they would do.
func forbidden() (list []badCase) {
	for _, s := range []string{
		"syscall", "sysenter", "sysretq", "sysexitq", "int $0x80", "int $3; int $1", ".byte 0xf1", "hlt", "cli", "sti", "std", "cld", "clts",
		"inb %dx, %al", "outb %al, %dx", "inl $4, %eax", "insb", "outsb", "iretq", "lretq", "lret $8", "lcall *(%rsp)", "ljmp *(%rsp)",
		"wrgsbase %rax", "wrfsbase %rax", "rdgsbase %rax", "rdfsbase %rax", "swapgs", "movw %ax, %gs", "movw %ax, %ds", "movw %gs, %ax", "pushq %gs", "popq %fs",
		"lgs (%rsp), %rax", "lfs (%rsp), %rax", "lss (%rsp), %rax", "xsave (%rsp)", "xrstor (%rsp)", "fxsave (%rsp)", "fxrstor (%rsp)", "ldmxcsr (%rsp)", "stmxcsr (%rsp)",
		"cpuid", "rdtsc", "rdtscp", "rdpmc", "rdmsr", "wrmsr", "invlpg (%rsp)", "invd", "wbinvd", "lgdt (%rsp)", "sgdt (%rsp)", "lidt (%rsp)", "sidt (%rsp)", "sldt %eax",
		"str %eax", "smsw %eax", "lmsw %ax", "ltr %ax", "verr %ax", "lar %ax, %eax", "clflush (%rsp)", "xgetbv", "xsetbv", "xbegin .+16", "xend", "xabort $1", "vmcall", "vmlaunch", "monitor", "mwait",
		"rdrand %eax", "rdseed %eax", "movq %cr0, %rax", "movq %rax, %cr3", "movq %db0, %rax", "fld1", "fldcw (%rsp)", "emms", "movq %mm0, %mm1", "paddb %mm0, %mm1", "maskmovq %mm0, %mm1", "maskmovdqu %xmm0, %xmm1",
		"movsb", "rep movsb", "rep stosb", "stosq", "lodsb", "scasb", "cmpsb", "loop .", "jrcxz .", "jecxz .", "enter $8, $0", "leave", "xlatb", "pushfq", "popfq", "sahf", "lahf", "cmc", "stc", "clc",
		"vaddps %ymm0, %ymm1, %ymm2", "vzeroupper", "pcmpestri $1, %xmm0, %xmm1", "aesenc %xmm0, %xmm1", "pclmulqdq $0, %xmm0, %xmm1", "sha1rnds4 $0, %xmm0, %xmm1", "movbe (%rsp), %eax", "adcxl %eax, %ecx",
		"pushw %ax", "popw %ax", "pushw $1", "popq (%rsp)", "call *(%rsp)", "jmp *(%rsp)", "jmp *%gs:(%rax)", "endbr64", "prefetcht0 (%rsp)", "ud1 %eax, %ecx", "rsm", "getsec",
		"movl %fs:0, %eax", "movl %fs:(%rax), %eax", "movl %gs:(%eax), %ecx", "addr32 movl (%eax), %ecx", "movl %ss:(%rax), %eax; .byte 0x36", "movabsl 0x1234567812345678, %eax",
		"lock movl %eax, %gs:0", "lock addl %gs:0, %eax", "lock addl %eax, %ecx", "lock nop", "btl %eax, %gs:0", "btsl %eax, %gs:0", "btrq %rax, (%rsp)", "btcl %ecx, (%rsp)",
		"rep ret", "retw", "ret $8", "data16 jmp .+8", ".byte 0x66, 0xe8, 0, 0", ".byte 0xf2, 0xe9, 0, 0, 0, 0", ".byte 0x65, 0x90", ".byte 0x65, 0x8b, 0xc0", ".byte 0x65, 0x8b, 0x05, 0, 0, 0, 0", ".byte 0xf0, 0xf0, 0x65, 0x01, 0x00",
		".byte 0xd6", ".byte 0x0f, 0xff", ".byte 0x0f, 0x05", ".byte 0x48, 0x0f, 0x05", ".byte 0x8c, 0xd8", ".byte 0x62, 1, 2, 3", ".byte 0xc4, 1, 2, 3", ".byte 0xc5, 1, 2", ".byte 0x9a", ".byte 0x06", ".byte 0xc7, 0xf8, 0, 0, 0, 0",
		".byte 0x82, 0xc0, 1", ".byte 0x2e, 0x8b, 0x04, 0x24", ".byte 0x3e, 0x8b, 0x04, 0x24", ".byte 0x67, 0x65, 0x8b, 0x00", ".byte 0x40, 0x66, 0x90", ".byte 0x48, 0xe8, 0, 0, 0, 0", ".byte 0x48, 0xc3",
	} {
		list = append(list, badCase{s, s + "; ret", notAllowed})
	}
	return list
}

// memoryCases are accesses to linear memory, and to what is none.
func memoryCases() []badCase {
	return []badCase{
		{"load", "movl %edi, %eax; movl %gs:8(%rax), %eax; ret", ""},
		{"load, largest offset", "movl %edi, %eax; movl %gs:0x7fffffff(%rax), %eax; ret", ""},
		{"64-bit index", "movl %gs:(%rdi), %eax; ret", noBounds},
		{"64-bit index after the address was cut and widened", "movl %edi, %eax; orq %rsi, %rax; movl %gs:(%rax), %eax; ret", noBounds},
		{"sign-extended index", "movslq %edi, %rax; movl %gs:(%rax), %eax; ret", "below and above"},
		{"16 bits written into 64", "movw %di, %si; movl %gs:(%rsi), %eax; ret", noBounds},
		{"8 bits written into 64", "movb %dil, %sil; movl %gs:(%rsi), %eax; ret", noBounds},
		{"8 bits extended", "movzbl %dil, %esi; movl %gs:(%rsi), %eax; ret", ""},
		{"sign-extended index, all negative", fmt.Sprintf("andl $3, %%edi; leal %d(,%%rdi,8), %%eax; cltq; movq %%gs:(%%rax), %%rax; ret", corpusTable), ""},
		{"sign-extended index, negative or not", "andl $3, %edi; leal -8(,%rdi,8), %eax; cltq; movq %gs:(%rax), %rax; ret", "below and above"},
		{"sign-extended index, just not negative", "andl $3, %edi; leal 0x7fffffff(%rdi), %eax; cltq; movq %gs:(%rax), %rax; ret", "below and above"},
		{"difference", "movl %edi, %eax; movl %esi, %ecx; subq %rcx, %rax; movl %gs:(%rax), %eax; ret", "below and above"},
		{"sum of two", "movl %edi, %eax; movl %esi, %ecx; movl %gs:(%rax,%rcx), %eax; ret", ""},
		{"sum of three", "movl %edi, %eax; movl %esi, %ecx; addq %rcx, %rax; movl %gs:(%rax,%rcx), %eax; ret", beyond},
		{"index times 2", "movl %edi, %eax; movl %gs:(,%rax,2), %eax; ret", ""},
		{"index times 4", "movl %edi, %eax; movl %gs:(,%rax,4), %eax; ret", beyond},
		{"shift out of 32 bits", "movl %edi, %eax; shlq $3, %rax; movl %gs:(%rax), %eax; ret", beyond},
		{"shift right is fine", "shrq $32, %rdi; movl %gs:(%rdi), %eax; ret", ""},
		{"shift right too little", "shrq $30, %rdi; movl %gs:(%rdi), %eax; ret", beyond},
		{"arithmetic shift", "sarq $32, %rdi; movl %gs:(%rdi), %eax; ret", "below and above"},
		{"negative offset of an index", "movl %edi, %eax; movl %gs:-4(%rax), %eax; ret", "below and above"},
		{"negative offset of an index that is large enough", "movl %edi, %eax; cmpl $4, %eax; jb 1f; movl %gs:-4(%rax), %eax; 1: ret", ""},
		{"comparison that is too small", "movl %edi, %eax; cmpl $3, %eax; jb 1f; movl %gs:-4(%rax), %eax; 1: ret", "below and above"},
		{"comparison of the wrong register", "movl %edi, %eax; cmpl $4, %esi; jb 1f; movl %gs:-4(%rax), %eax; 1: ret", "below and above"},
		{"comparison of a value that changes", "movl %edi, %eax; cmpl $4, %eax; movl %esi, %eax; jb 1f; movl %gs:-4(%rax), %eax; 1: ret", "below and above"},
		{"comparison of 16 bits", "movl %edi, %eax; cmpw $4, %ax; jb 1f; movl %gs:-4(%rax), %eax; 1: ret", "below and above"},
		{"condition the wrong way", "movl %edi, %eax; cmpl $4, %eax; jae 1f; movl %gs:-4(%rax), %eax; 1: ret", "below and above"},
		{"signed comparison", "movq %rdi, %rax; cmpq $100, %rax; jg 1f; movl %gs:(%rax), %eax; 1: ret", noBounds},
		{"unsigned comparison", "movq %rdi, %rax; cmpq $100, %rax; ja 1f; movl %gs:(%rax), %eax; 1: ret", ""},
		{"unsigned comparison with a negative number", "movq %rdi, %rax; cmpq $-100, %rax; ja 1f; movl %gs:(%rax), %eax; 1: ret", noBounds},
		{"store without GS", "movl %edi, %eax; movl %esi, (%rax); ret", noPlace},
		{"load without GS", "movl %edi, %eax; movl (%rax), %eax; ret", noPlace},
		{"absolute store", "movl %edi, 0x1000; ret", "absolute"},
		{"absolute load", "movl 0x1000, %eax; ret", "absolute"},
		{"absolute index", "movl %edi, %eax; movl (,%rax,4), %eax; ret", "absolute"},
		{"loop that counts up", "movl %edi, %eax; 1: movb $0, %gs:(%rax); addq $1, %rax; jmp 1b", noBounds},
		{"loop that counts down", "movl %edi, %eax; 1: movb $0, %gs:(%rax); decq %rax; jne 1b; ret", "below and above"},
		{"loop with a bound", "xorl %eax, %eax; 1: movb $0, %gs:(%rax); addq $8, %rax; cmpq $4096, %rax; jb 1b; ret", ""},
		{"loop with the bound of another", "xorl %eax, %eax; xorl %ecx, %ecx; 1: movb $0, %gs:(%rax); addq $8, %rax; addq $8, %rcx; cmpq $4096, %rcx; jb 1b; ret", noBounds},
		{"loop of 32 bits", "movl %edi, %eax; 1: movb $0, %gs:(%rax); addl $1, %eax; jne 1b; ret", ""},
		{"one way without extension", "testl %esi, %esi; je 1f; movl %edi, %edi; 1: movl %gs:(%rdi), %eax; ret", noBounds},
		{"conditional move of 64 bits", "movl %edi, %eax; testl %edi, %edi; cmoveq %rsi, %rax; movl %gs:(%rax), %eax; ret", noBounds},
		{"conditional move of 32 bits", "movq %rdi, %rax; testl %edi, %edi; cmovel %esi, %eax; movl %gs:(%rax), %eax; ret", ""},
		{"bsf of 0 leaves what was there", "bsfl %esi, %edi; movl %gs:(%rdi), %eax; ret", noBounds},
		{"bsf over a small number", "xorl %eax, %eax; bsfl %esi, %eax; movl %gs:(%rax), %eax; ret", ""},
		{"cmpxchg leaves the upper half", "movl %edi, %ecx; movq %rsi, %rax; lock cmpxchgl %edx, %gs:(%rcx); movl %gs:(%rax), %eax; ret", noBounds},
		{"exchange of registers", "movl %edi, %eax; xchgq %rsi, %rax; movl %gs:(%rax), %eax; ret", noBounds},
		{"load of 64 bits as an address", "movl %edi, %eax; movq %gs:(%rax), %rax; movl %gs:(%rax), %eax; ret", noBounds},
		{"load of 32 bits as an address", "movl %edi, %eax; movl %gs:(%rax), %eax; movl %gs:(%rax), %eax; ret", ""},
		{"vector to register, 64 bits", "movq %xmm0, %rax; movl %gs:(%rax), %eax; ret", noBounds},
		{"vector to register, 32 bits", "movd %xmm0, %eax; movl %gs:(%rax), %eax; ret", ""},
		{"product", "movl %edi, %eax; movl %esi, %ecx; imulq %rcx, %rax; movl %gs:(%rax), %eax; ret", noBounds},
		{"multiplication of bytes leaves rdx", "movl %edi, %edx; mulb %sil; movl %gs:(%rdx), %eax; ret", ""},
		{"multiplication of bytes leaves the rest of eax", "movl %edi, %eax; mulb %sil; movl %gs:(%rax), %eax; ret", ""},
		{"multiplication of bytes leaves the rest of rax", "movq %rdi, %rax; mulb %sil; movl %gs:(%rax), %eax; ret", noBounds},
		{"division of bytes leaves rdx", "movl %edi, %edx; divb %sil; movl %gs:(%rdx), %eax; ret", ""},
		{"multiplication of 16 bits writes dx", "movq %rdi, %rdx; mulw %si; movl %gs:(%rdx), %eax; ret", noBounds},
		{"multiplication of 16 bits leaves the rest of edx", "movl %edi, %edx; mulw %si; movl %gs:(%rdx), %eax; ret", ""},
		{"bounded, then a multiplication of bytes", "andl $255, %eax; mulb %sil; leaq data(%rip), %rcx; movzbl (%rcx,%rax), %eax; ret", "outside"},
		{"multiplication with results in rdx", "movl %edi, %eax; mulq %rsi; movl %gs:(%rdx), %eax; ret", noBounds},
		{"result of a call", "pushq %rbx; call callee; movl %gs:(%rax), %eax; popq %rbx; ret", noBounds},
		{"register that a call does not keep", "pushq %rbx; movl %edi, %ecx; call callee; movl %gs:(%rcx), %eax; popq %rbx; ret", noBounds},
		{"register that a call keeps", "pushq %rbx; movl %edi, %ebx; call callee; movl %gs:(%rbx), %eax; popq %rbx; ret", ""},
		{"spilled address", "subq $8, %rsp; movl %edi, %eax; movq %rax, (%rsp); call callee; movq (%rsp), %rax; movl %gs:(%rax), %eax; addq $8, %rsp; ret", ""},
		{"spilled address, added to", "subq $8, %rsp; movl %edi, %eax; movq %rax, (%rsp); addq $24, (%rsp); movq (%rsp), %rax; movl %gs:(%rax), %eax; addq $8, %rsp; ret", ""},
		{"spilled address, too much added", "subq $8, %rsp; movl %edi, %eax; movq %rax, (%rsp); addq $-4097, (%rsp); movq (%rsp), %rax; movl %edi, %gs:(%rax); addq $8, %rsp; ret", "below and above"},
		{"spilled address, overwritten in part", "subq $8, %rsp; movl %edi, %eax; movq %rax, (%rsp); movl %esi, 4(%rsp); movq (%rsp), %rax; movl %gs:(%rax), %eax; addq $8, %rsp; ret", noBounds},
		{"spilled address, overwritten by a byte", "subq $8, %rsp; movl %edi, %eax; movq %rax, (%rsp); movb %sil, 7(%rsp); movq (%rsp), %rax; movl %gs:(%rax), %eax; addq $8, %rsp; ret", noBounds},
		{"spilled address, overwritten by a vector", "subq $24, %rsp; movl %edi, %eax; movq %rax, 8(%rsp); movups %xmm0, (%rsp); movq 8(%rsp), %rax; movl %gs:(%rax), %eax; addq $24, %rsp; ret", noBounds},
		{"spilled address, read from beside it", "subq $24, %rsp; movl %edi, %eax; movq %rax, 8(%rsp); movq 4(%rsp), %rax; movl %gs:(%rax), %eax; addq $24, %rsp; ret", noBounds},
		{"spilled byte", "subq $8, %rsp; testl %edi, %edi; setne 3(%rsp); movzbl 3(%rsp), %eax; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; addq $8, %rsp; ret", ""},
		{"spilled byte, overwritten", "subq $8, %rsp; testl %edi, %edi; setne 3(%rsp); movw %di, 2(%rsp); movzbl 3(%rsp), %eax; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; addq $8, %rsp; ret", "outside"},
		{"byte beside a spilled one", "subq $8, %rsp; testl %edi, %edi; setne 3(%rsp); movzwl 3(%rsp), %eax; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; addq $8, %rsp; ret", "outside"},
		{"low byte of a spilled number", "subq $8, %rsp; movq $1, (%rsp); movzbl (%rsp), %eax; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; addq $8, %rsp; ret", ""},
		{"second byte of a spilled number", "subq $8, %rsp; movq $1, (%rsp); movzbl 1(%rsp), %eax; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; addq $8, %rsp; ret", "outside"},
		{"spilled byte, one way unknown", "subq $8, %rsp; movb $1, (%rsp); testl %edi, %edi; je 1f; movb %dil, (%rsp); 1: movzbl (%rsp), %eax; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; addq $8, %rsp; ret", "outside"},
		{"comparison below rsp, where a stub writes", "pushq %rbp; movl %edi, %eax; movq %gs:(%rax), %rbp; subq $16, %rsp; cmpq $5, (%rsp); leaq 16(%rsp), %rsp; jae 1f; movl $3, %edi; xorl %esi, %esi; call vk_exit; leaq -16(%rsp), %rsp; movq (%rsp), %rax; movl %gs:(%rax), %eax; leaq 16(%rsp), %rsp; 1: popq %rbp; ret", noBounds},
		{"comparison of 64 bits, move of their lower half", "movl $4096, %eax; cmpq $4096, %rdi; cmovgel %edi, %eax; movl %esi, %gs:-4096(%rax); ret", "below and above"},
		{"comparison of 64 bits, move of them", "movl $4096, %eax; movl %edi, %edi; cmpq $4096, %rdi; cmovgeq %rdi, %rax; movl %esi, %gs:-4096(%rax); ret", ""},
		{"comparison of 64 bits on the stack, use of their lower half", "subq $8, %rsp; testq %rdi, %rdi; js 1f; movl %edi, %eax; movq %rdi, (%rsp); cmpq $4096, (%rsp); jl 1f; movl %esi, %gs:-4096(%rax); 1: addq $8, %rsp; ret", "below and above"},
		{"comparison of 64 bits in a register, use of their lower half", "testq %rdi, %rdi; js 1f; movl %edi, %eax; cmpq $4096, %rdi; jl 1f; movl %esi, %gs:-4096(%rax); 1: ret", "below and above"},
		{"cmpxchg of registers", "movl %edi, %ecx; cmpxchgl %edx, %ecx; movl %gs:(%rcx), %eax; ret", notAllowed},
		{"write through cmpxchg16b without GS", "movl %edi, %esi; cmpxchg16b (%rsi); ret", noPlace},
		{"vector store without GS", "movl %edi, %eax; movups %xmm0, (%rax); ret", noPlace},
		{"non-temporal store without GS", "movl %edi, %eax; movntil %ecx, (%rax); ret", noPlace},
		{"store of a byte of a vector without GS", "movl %edi, %eax; pextrb $1, %xmm0, (%rax); ret", noPlace},
		{"push of memory without GS", "movl %edi, %eax; pushq (%rax); addq $8, %rsp; ret", noPlace},
	}
}

// instanceCases are accesses to the words below base.
func instanceCases() (list []badCase) {
	list = []badCase{
		{"global", "movl %gs:-4112, %eax; movl %eax, %gs:-4160; ret", ""},
		{"memory size", "movl %gs:-40, %eax; ret", ""},
		{"memory size is written", "movl %eax, %gs:-40; ret", notOurs},
		{"past the globals", "movl %eax, %gs:-4164; ret", notOurs},
		{"a vector across the end of the globals", "movups %xmm0, %gs:-4168; ret", notOurs},
		{"a vector into the save area", "movups %xmm0, %gs:-4104; ret", notOurs},
		{"below the area", "movl %gs:-8196, %eax; ret", notOurs},
		{"the stack", "movl $0, %gs:-100000; ret", notOurs},
		{"across base", "movq %gs:-4, %rax; ret", "below and above"},
		{"a global or the memory size", "movq $-4112, %rcx; testl %edi, %edi; je 1f; movq $-40, %rcx; 1: movl %gs:(%rcx), %eax; ret", ""},
		{"a global or the number of records", "movq $-4112, %rcx; testl %edi, %edi; je 1f; movq $-48, %rcx; 1: movl %gs:(%rcx), %eax; ret", notOurs},
		{"a global or the stack pointer", "movq $-4112, %rcx; testl %edi, %edi; je 1f; movq $-64, %rcx; 1: movl %gs:(%rcx), %eax; ret", notOurs},
		{"a global or thrown, written", "movq $-4112, %rcx; testl %edi, %edi; je 1f; movq $-56, %rcx; 1: movl $0, %gs:(%rcx); ret", ""},
		{"a global or the memory size, written", "movq $-4112, %rcx; testl %edi, %edi; je 1f; movq $-40, %rcx; 1: movl $0, %gs:(%rcx); ret", notOurs},
		{"a global or thrown, and more", "movq $-4112, %rcx; testl %edi, %edi; je 1f; movq $-56, %rcx; 1: movups %xmm0, %gs:(%rcx); ret", notOurs},
		{"a global or thrown, with an offset", "movq $-4120, %rcx; testl %edi, %edi; je 1f; movq $-64, %rcx; 1: movl $0, %gs:8(%rcx); ret", ""},
		{"a global or thrown, with an index", "movl %edi, %edi; movq $-4112, %rcx; testl %edi, %edi; je 1f; movq $-56, %rcx; 1: movl $0, %gs:(%rcx,%rdi); ret", notOurs},
		{"a global or thrown, moved on", "movq $-4112, %rcx; testl %edi, %edi; je 1f; movq $-56, %rcx; 1: addq $8, %rcx; movl $0, %gs:(%rcx); ret", notOurs},
		{"a global, thrown, or what lies between", "movq $-4112, %rcx; testl %edi, %edi; je 1f; movq $-56, %rcx; 1: testl %esi, %esi; je 1f; movq $-64, %rcx; 1: movl $0, %gs:(%rcx); ret", notOurs},
		{"a global or a table's entry", fmt.Sprintf("movq $-4112, %%rcx; testl %%edi, %%edi; je 1f; movq $%d, %%rcx; 1: movq %%gs:(%%rcx), %%rax; ret", corpusTable), notOurs},
		{"results", "movups %xmm0, %gs:-1040; ret", ""},
		{"past the results", "movups %xmm0, %gs:-1032; ret", notOurs},
		{"arguments", "movq %rdi, %gs:-264; ret", ""},
		{"past the arguments", "movq %rdi, %gs:-256; ret", notOurs},
		{"table entry is written", fmt.Sprintf("movq %%rdi, %%gs:%d; ret", corpusTable), notOurs},
		{"table entry is written by index", fmt.Sprintf("andl $7, %%edi; movq %%rsi, %%gs:%d(,%%rdi,8); ret", corpusTable), notOurs},
		{"table entry is written by xchg", fmt.Sprintf("andl $7, %%edi; xchgq %%rsi, %%gs:%d(,%%rdi,8); ret", corpusTable), notOurs},
		{"table of others is written", fmt.Sprintf("movq %%rdi, %%gs:%d; ret", corpusExtern), notOurs},
		{"table length is written", fmt.Sprintf("movl %%edi, %%gs:%d; ret", corpusSizes), notOurs},
		{"table length is set to 0", fmt.Sprintf("movl $0, %%gs:%d; ret", corpusSizes), notOurs},
		{"segment is dropped", fmt.Sprintf("movl $0, %%gs:%d; movl $0, %%gs:%d; ret", corpusSizes+8, corpusSizes+12), ""},
		{"segment is made longer", fmt.Sprintf("movl $1000, %%gs:%d; ret", corpusSizes+8), notOurs},
		{"segment is made longer by and", fmt.Sprintf("andl $0, %%gs:%d; ret", corpusSizes+8), notOurs},
		{"segment is dropped with what is beside it", fmt.Sprintf("movq $0, %%gs:%d; ret", corpusSizes+8), notOurs},
		{"element segment is written", fmt.Sprintf("movq %%rdi, %%gs:%d; ret", corpusElem), notOurs},
		{"element segment is read", fmt.Sprintf("movq %%gs:%d, %%rax; ret", corpusElem), ""},
		{"global by an index without bounds", "movl %edi, %eax; movl %ecx, %gs:-4160(%rax); ret", "below and above"},
		{"global by an index with bounds", "andl $3, %edi; shll $4, %edi; movl %ecx, %gs:-4160(%rdi); ret", ""},
		{"global by an index one too large", "andl $7, %edi; cmpl $4, %edi; ja 1f; shll $4, %edi; movl %ecx, %gs:-4160(%rdi); 1: ret", notOurs},
		{"exception", "cmpl $0, %gs:-56; movl $1, %gs:-56; ret", ""},
	}
	for _, w := range []struct {
		name string
		off  int
	}{
		{"HostSP", layoutHostSP},
		{"GuestSP", layoutHostSP - 8},
		{"ExitKind", layoutHostSP - 16},
		{"ExitCode", layoutHostSP - 24},
		{"the first saved register", -4096},
		{"saved rip", -4096 + 128},
		{"the bounds of the text", -4096 + 160},
		{"the kick", -4096 + 200},
		{"the last of the save area", -2052},
	} {
		list = append(list,
			badCase{w.name + " is read", fmt.Sprintf("movl %%gs:%d, %%eax; ret", w.off), notOurs},
			badCase{w.name + " is written", fmt.Sprintf("movl %%eax, %%gs:%d; ret", w.off), notOurs})
	}
	return list
}

const layoutHostSP = -8

// stackCases are about rsp and the frame.
func stackCases() []badCase {
	const over = "the frame is larger"
	return []badCase{
		{"frame", "subq $24, %rsp; movq %rdi, (%rsp); movq 16(%rsp), %rax; addq $24, %rsp; ret", ""},
		{"red zone", "movq %rdi, -8(%rsp); ret", "below the stack pointer"},
		{"red zone is read", "movq -8(%rsp), %rax; ret", "below the stack pointer"},
		{"return address is written", "movq %rdi, (%rsp); ret", "return address"},
		{"return address is read", "movq (%rsp), %rax; ret", "return address"},
		{"return address is written in part", "subq $8, %rsp; movl %edi, 12(%rsp); addq $8, %rsp; ret", "return address"},
		{"return address by a vector", "subq $8, %rsp; movups %xmm0, (%rsp); addq $8, %rsp; ret", "return address"},
		{"return address by xchg", "xchgq %rdi, (%rsp); ret", "return address"},
		{"return address is popped", "popq %rax; jmp *%rax", "return address is popped"},
		{"frame is indexed", "subq $24, %rsp; andl $1, %edi; movq %rsi, (%rsp,%rdi,8); addq $24, %rsp; ret", "index"},
		{"rsp to a register", "movq %rsp, %rax; ret", "copied"},
		{"rsp to a register for one store", "subq $8, %rsp; movq %rsp, %rax; movl %edi, (%rax); xorl %eax, %eax; addq $8, %rsp; ret", ""},
		{"rsp to a register, for a store of the return address", "movq %rsp, %rax; movl %edi, (%rax); xorl %eax, %eax; ret", "return address"},
		{"rsp to a register, and on", "subq $8, %rsp; movq %rsp, %rax; movq %rax, %rcx; xorl %eax, %eax; addq $8, %rsp; ret", "copied"},
		{"rsp to a register, stored", "subq $8, %rsp; movq %rsp, %rax; movq %rax, (%rsp); xorl %eax, %eax; addq $8, %rsp; ret", "copied"},
		{"rsp to a register, pushed", "movq %rsp, %rax; pushq %rax; popq %rcx; ret", "copied"},
		{"rsp to a register, added to", "subq $8, %rsp; movq %rsp, %rax; addq $8, %rax; movl %edi, (%rax); xorl %eax, %eax; addq $8, %rsp; ret", "copied"},
		{"rsp to a register, as an address", "subq $8, %rsp; movq %rsp, %rax; leaq 8(%rax), %rcx; xorl %eax, %eax; addq $8, %rsp; ret", "copied"},
		{"rsp to an argument", "subq $8, %rsp; movq %rsp, %rdi; call callee; addq $8, %rsp; ret", "copied"},
		{"rsp to a saved register, across a call", "pushq %rbx; movq %rsp, %rbx; call callee; popq %rbx; ret", "copied"},
		{"rsp to a register that a call clobbers", "subq $8, %rsp; movq %rsp, %rax; movl %edi, (%rax); call callee; addq $8, %rsp; ret", ""},
		{"rsp to a register, used after the call", "subq $8, %rsp; movq %rsp, %rax; call callee; movl %edi, (%rax); addq $8, %rsp; ret", "not relative to GS"},
		{"rsp to a register, across a jump", "subq $8, %rsp; movq %rsp, %rax; testl %edi, %edi; je 1f; xorl %eax, %eax; 1: addq $8, %rsp; ret", "copied"},
		{"rsp to a register, shifted in by cl", "subq $8, %rsp; movq %rsp, %rcx; shll %cl, %edi; xorl %ecx, %ecx; addq $8, %rsp; ret", "copied"},
		{"rsp to a register, multiplied", "subq $8, %rsp; movq %rsp, %rax; mull %edi; addq $8, %rsp; ret", "copied"},
		{"rsp to a vector", "subq $8, %rsp; movq %rsp, %rax; movq %rax, %xmm0; xorl %eax, %eax; addq $8, %rsp; ret", "copied"},
		{"rsp to a register, overwritten in part", "subq $8, %rsp; movq %rsp, %rax; movb $0, %al; xorl %eax, %eax; addq $8, %rsp; ret", "copied"},
		{"rsp to a callee-saved register", "movq %rsp, %rbx; xorl %ebx, %ebx; ret", "not restored"},
		{"part of rsp to a register", "movl %esp, %eax; ret", "stack pointer is an operand"},
		{"rsp to a vector directly", "movq %rsp, %xmm0; ret", "stack pointer is an operand"},
		{"esp to a vector directly", "movd %esp, %xmm0; ret", "stack pointer is an operand"},
		{"rsp into a vector", "pinsrq $1, %rsp, %xmm0; ret", "stack pointer is an operand"},
		{"rsp to a double", "cvtsi2sdq %rsp, %xmm0; ret", "stack pointer is an operand"},
		{"rsp by a non-temporal store", "movl %edi, %eax; movntiq %rsp, %gs:(%rax); ret", "stack pointer is an operand"},
		{"rsp multiplied", "mulq %rsp; ret", "stack pointer is an operand"},
		{"rsp multiplied by a constant", "imulq $1, %rsp, %rax; ret", "stack pointer is an operand"},
		{"rsp divided by", "divq %rsp; ret", "stack pointer is an operand"},
		{"rsp counted", "popcntq %rsp, %rax; ret", "stack pointer is an operand"},
		{"rsp hashed", "crc32q %rsp, %rax; ret", "stack pointer is an operand"},
		{"rsp shifted out", "shldq $63, %rsp, %rax; ret", "stack pointer is an operand"},
		{"rsp tested for a bit", "btq %rax, %rsp; ret", "stack pointer"},
		{"rsp compared and exchanged", "movl %edi, %ecx; lock cmpxchgq %rsp, %gs:(%rcx); ret", "stack pointer is an operand"},
		{"rsp added and exchanged", "movl %edi, %ecx; lock xaddq %rsp, %gs:(%rcx); ret", "stack pointer is an operand"},
		{"address of a local", "subq $8, %rsp; leaq (%rsp), %rdi; call callee; addq $8, %rsp; ret", "copied"},
		{"rsp is compared", "cmpq %rsp, %rdi; ret", "stack pointer is an operand"},
		{"rsp is added to a register", "addq %rsp, %rax; ret", "stack pointer is an operand"},
		{"rsp is pushed", "pushq %rsp; popq %rax; ret", "stack pointer is an operand"},
		{"rsp is stored", "movl %edi, %eax; movq %rsp, %gs:(%rax); ret", "stack pointer is an operand"},
		{"rsp is exchanged", "xchgq %rsp, %rax; ret", "stack pointer"},
		{"rsp is loaded", "movq %rdi, %rsp; ret", "stack pointer"},
		{"rsp is loaded from memory", "movl %edi, %eax; movq %gs:(%rax), %rsp; ret", "stack pointer"},
		{"rsp is aligned", "andq $-16, %rsp; ret", "stack pointer is set"},
		{"esp is written", "addl $8, %esp; ret", "part of the stack pointer"},
		{"rsp by a register", "subq %rdi, %rsp; addq %rdi, %rsp; ret", "stack pointer"},
		{"rsp is popped", "popq %rsp; ret", "stack pointer"},
		{"rsp is incremented", "incq %rsp; ret", "stack pointer is set"},
		{"rsp is moved conditionally", "cmoveq %rax, %rsp; ret", "stack pointer"},
		{"rsp above the frame", "addq $8, %rsp; ret", "above the frame"},
		{"unbalanced return", "subq $8, %rsp; ret", "8 bytes below the return address"},
		{"unbalanced push", "pushq %rdi; ret", "8 bytes below the return address"},
		{"balanced on one way only", "testl %edi, %edi; je 1f; pushq %rax; 1: ret", "differs between ways"},
		{"push in a loop", "1: pushq %rdi; jmp 1b", "differs between ways"},
		{"large frame", "subq $0x100000, %rsp; addq $0x100000, %rsp; ret", ""},
		{"frame larger than the guard allows", "subq $0x100008, %rsp; addq $0x100008, %rsp; ret", over},
		{"frame of 2 GiB", "subq $0x7ffffff8, %rsp; addq $0x7ffffff8, %rsp; ret", over},
		{"frame, negative", "addq $-0x200000, %rsp; subq $-0x200000, %rsp; ret", over},
		{"frame in two parts", "subq $0x80000, %rsp; subq $0x80008, %rsp; addq $0x100008, %rsp; ret", over},
		{"frame and a call", "subq $0x100000, %rsp; call callee; addq $0x100000, %rsp; ret", over},
		{"rbx is lost", "xorl %ebx, %ebx; ret", unsettled},
		{"rbp is lost", "movl %edi, %ebp; ret", unsettled},
		{"r12 is lost in part", "movb %dil, %r12b; ret", unsettled},
		{"r15 is lost on one way", "testl %edi, %edi; je 1f; incq %r15; 1: ret", unsettled},
		{"saved and restored", "pushq %rbx; movl %edi, %ebx; popq %rbx; ret", ""},
		{"restored to another", "pushq %rbx; pushq %rbp; popq %rbx; popq %rbp; ret", unsettled},
		{"saved, overwritten, restored", "pushq %rbx; movq %rdi, (%rsp); popq %rbx; ret", unsettled},
		{"saved below rsp, restored", "pushq %rbx; addq $8, %rsp; subq $8, %rsp; popq %rbx; ret", unsettled},
		{"restored from an argument", "movq 8(%rsp), %rbx; ret", unsettled},
		{"stack far above", "movq 0x200000(%rsp), %rax; ret", "far above"},
		{"rsp in a product", "movl $1, %eax; mulq %rsp; ret", "stack pointer is an operand"},
		{"rsp in a signed product", "movl $1, %eax; imulq %rsp; ret", "stack pointer is an operand"},
		{"rsp to a vector", "movq %rsp, %xmm0; ret", "stack pointer is an operand"},
		{"rsp into a vector", "pinsrq $1, %rsp, %xmm0; ret", "stack pointer is an operand"},
		{"rsp to a floating point number", "cvtsi2sdq %rsp, %xmm0; ret", "stack pointer is an operand"},
		{"rsp in a checksum", "crc32q %rsp, %rax; ret", "stack pointer is"},
		{"rsp is stored past the cache", "movl %edi, %eax; movntiq %rsp, %gs:(%rax); ret", "stack pointer is an operand"},
		{"lea of an unknown size", "leaq (%rsp,%rdi), %rsp; ret", "stack pointer is set"},
		{"frame by lea", "leaq -8(%rsp), %rsp; leaq 8(%rsp), %rsp; ret", ""},
	}
}
