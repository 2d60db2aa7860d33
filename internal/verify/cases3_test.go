package verify

// interpreter is a function with two jumps through one table: first is run before one of them, second before
// the other, at where both lead to.
func interpreter(first, at, second string) string {
	const jump = "movslq (%r11,%rdx,4), %rax; addq %r11, %rax; jmp *%rax; "
	return "leaq 9f(%rip), %r11; subq $24, %rsp; " + first + "; andl $1, %edx; " + jump +
		"7: " + at + "; " + second + "; movl %esi, %edx; andl $1, %edx; " + jump +
		"8: addq $24, %rsp; ret; .section .rodata; .balign 4; 9: .long 7b-9b, 8b-9b; .text"
}

// loopCases are functions in which what is known where a way leads back differs from what was known before.
func loopCases() []badCase {
	const (
		outside = "outside of read-only data"
		load    = "movl %gs:(%r8), %r9d"
		data    = "leaq data(%rip), %r10; movb (%r10,%r8), %r9b"
	)
	return []badCase{
		{"two jumps by one table", interpreter("movl %edi, %r8d", load, "movl %r9d, %r8d"), ""},
		{"two jumps by one table, an address at the first only", interpreter("movl %edi, %r8d", load, "movq %rsi, %r8"), noBounds},
		{"two jumps by one table, an address at the second only", interpreter("movq %rdi, %r8", load, "movl %r9d, %r8d"), noBounds},
		{"two jumps by one table, an address that grows", interpreter("movl %edi, %r8d", load, "addq $1, %r8"), noBounds},
		{"two jumps by one table, constants", interpreter("movl $8, %r8d", data, "movl $12, %r8d"), ""},
		{"two jumps by one table, a larger constant", interpreter("movl $8, %r8d", data, "movl $0x10000, %r8d"), outside},
		{"two jumps by one table, a larger constant first", interpreter("movl $0x10000, %r8d", data, "movl $8, %r8d"), outside},
		{"two jumps by one table, an address in the frame", interpreter("movl %edi, %r8d; movq %r8, 8(%rsp)", "movq 8(%rsp), %r8; "+load, "movq %r9, 8(%rsp)"), ""},
		{"two jumps by one table, none in the frame", interpreter("movl %edi, %r8d; movq %r8, 8(%rsp)", "movq 8(%rsp), %r8; "+load, "movq %rsi, 8(%rsp)"), noBounds},
		{"two jumps by one table, not yet in the frame", interpreter("nop", "movq 8(%rsp), %r8; "+load, "movq %r9, 8(%rsp)"), noBounds},
		{"two jumps by one table, a saved register", interpreter("nop", "nop", "movl $1, %ebx"), "rbx is not restored"},
		{"two jumps by one table, the stack unbalanced", interpreter("nop", "nop", "pushq %rsi"), "differs between ways"},
		{"two jumps by one table, a table's entry", interpreter("movq %rdi, %r8", "call *%r8", "leaq vk_text(%rip), %r8"), "not from a function table"},

		{"constant in a loop, set again", "movl $100, %eax; 1: movb $0, %gs:(%rax); movl $100, %eax; jmp 1b", ""},
		{"constant in a loop, set again after a call", "pushq %rax; movl $100, %eax; 1: movb $0, %gs:(%rax); call nothing; movl $100, %eax; jmp 1b", ""},
		{"constant in a loop, lost by a call", "pushq %rax; movl $100, %eax; 1: movb $0, %gs:(%rax); call nothing; jmp 1b", noBounds},
		{"constant in a loop, counted from", "movl $100, %eax; 1: movb $0, %gs:(%rax); addq $1, %rax; jmp 1b", noBounds},
		{"constant in a loop, changed in one within", "movl $100, %eax; 1: movb $0, %gs:(%rax); 2: addq $1, %rax; decl %edi; jne 2b; decl %esi; jne 1b; ret", noBounds},
		{"constant in a loop, changed by a pop", "movl $100, %eax; 1: movb $0, %gs:(%rax); pushq %rdi; popq %rax; jmp 1b", noBounds},
		{"constant in a loop, not changed by a pop", "movl $100, %eax; 1: movb $0, %gs:(%rax); pushq %rdi; popq %rdx; jmp 1b", ""},
		{"byte in a loop, that grows", "movzbl %dil, %eax; 1: movb $0, %gs:(%rax); addq %rsi, %rax; jmp 1b", noBounds},
		{"byte in a loop, another byte", "movzbl %dil, %eax; 1: movb $0, %gs:(%rax); movzbl %sil, %eax; jmp 1b", ""},
		{"sum in a loop, another sum", "movl %edi, %eax; movl %esi, %ecx; addq %rcx, %rax; 1: movl %gs:(%rax), %eax; addq %rcx, %rax; jmp 1b", ""},
		{"sum in a loop, that grows", "movl %edi, %eax; movl %esi, %ecx; addq %rcx, %rax; 1: movb $0, %gs:(%rax); addq %rcx, %rax; jmp 1b", "beyond the reach"},
		{"saved register in a loop", "pushq %rbx; 1: movl %edi, %ebx; decl %edi; jne 1b; popq %rbx; ret", ""},
		{"saved register in a loop, lost", "1: movl %edi, %ebx; decl %edi; jne 1b; ret", "rbx is not restored"},
		{"saved register in a loop, lost in its second round", "xorl %eax, %eax; 1: testl %eax, %eax; je 2f; movl %edi, %ebx; 2: movl $1, %eax; decl %edi; jne 1b; ret", "rbx is not restored"},

		{"compared, then its copy used", "movl %edi, %eax; movl %eax, %edx; cmpl $1, %eax; movl %esi, %eax; ja 1f; leaq data(%rip), %rcx; movq (%rcx,%rdx,8), %rax; 1: ret", ""},
		{"compared, then overwritten", "movl %edi, %eax; cmpl $1, %eax; movl %esi, %eax; ja 1f; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; 1: ret", outside},
		{"compared, then overwritten and copied", "movl %edi, %eax; cmpl $1, %eax; movl %esi, %eax; movl %eax, %edx; ja 1f; leaq data(%rip), %rcx; movq (%rcx,%rdx,8), %rax; 1: ret", outside},
		{"compared in the frame, then overwritten", "subq $24, %rsp; movl %edi, 8(%rsp); cmpl $1, 8(%rsp); movl %esi, 8(%rsp); movl 8(%rsp), %eax; ja 1f; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; 1: addq $24, %rsp; ret", outside},
	}
}
