package verify

import "fmt"

// controlCases are jumps and where control ends.
func controlCases() []badCase {
	const middle, noStart, runsOff = "middle of an instruction", "no function starts", "runs off"
	return []badCase{
		{"falls off", "movl %edi, %eax", runsOff},
		{"falls off after a condition", "testl %edi, %edi; je 1f; 1: nop", runsOff},
		{"falls off after a call", "pushq %rax; call callee", runsOff},
		{"ends with a call that does not return", "pushq %rax; call never", ""},
		{"ends with a trap", "call vk_trap_table", ""},
		{"ends with ud2", "ud2", ""},
		{"into an instruction", "jmp 1f+1; 1: movl $0xc3, %eax; ret", middle},
		{"into an instruction, on a condition", "je 1f+1; 1: movl $0xc3, %eax; ret", middle},
		{"into the immediate of an instruction", "jmp 1f+2; 1: movabsq $0xc3050f, %rax; ret", middle},
		{"back into an instruction", "1: movl $0xc3, %eax; jmp 1b+1", middle},
		{"to nowhere", "jmp .+0x100000", noStart},
		{"before the text", "jmp .-0x8000000", noStart},
		{"into another function", "jmp callee+2", noStart},
		{"call into another function", "pushq %rax; call callee+2; popq %rax; ret", noStart},
		{"call into a stub", "pushq %rax; call vk_exit+1; popq %rax; ret", noStart},
		{"call of its own middle", "pushq %rax; call 1f; popq %rax; 1: ret", noStart},
		{"call of the next instruction", "call 1f; 1: popq %rax; ret", noStart},
		{"tail call", "jmp callee", ""},
		{"tail call on a condition", "testl %edi, %edi; je callee; ret", ""},
		{"tail call with a frame", "pushq %rax; jmp callee", "below the return address"},
		{"tail call with a lost register", "xorl %ebx, %ebx; jmp callee", unsettled},
		{"tail call on a condition with a frame", "pushq %rax; testl %edi, %edi; je callee; popq %rax; ret", "below the return address"},
		{"return on a condition", "testl %edi, %edi; je 1f; ret; 1: subq $8, %rsp; ret", "below the return address"},
		{"indirect jump", "jmp *%rdi", "not from a jump table"},
		{"indirect jump to code", "leaq callee(%rip), %rax; jmp *%rax", "not from a jump table"},
		{"indirect jump to vk_text", "leaq vk_text(%rip), %rax; jmp *%rax", "not from a jump table"},
		{"indirect jump to a loaded number", "movl %edi, %eax; movq %gs:(%rax), %rax; jmp *%rax", "not from a jump table"},
		{"return to a pushed number", "pushq %rdi; ret", "below the return address"},
		{"bytes that do not decode", "ret; .byte 0xff, 0xff", notAllowed},
		{"an instruction cut off", "ret; .byte 0x48", notAllowed},
		{"code hidden in an immediate that is also run", "testl %edi, %edi; je 1f+1; 1: .byte 0xb8; syscall; ret; nop; ret", middle},
	}
}

// jumpTable is a function of one jump through a table of n entries at the label t.
func jumpTable(check, load, entries string) string {
	return check + "; movl %edi, %eax; leaq 9f(%rip), %rcx; " + load + `
	.pushsection .rodata
	.balign 4
9:	` + entries + `
	.popsection
	7: movl $1, %eax; ret
	8: movl $2, %eax; ret
	6: xorl %eax, %eax; ret`
}

// callCases are indirect calls and the arguments of vk_exit.
func callCases() []badCase {
	const compared, notElem = "type was not compared", "not from a function table"
	elem := func(index, check, target string) string {
		return fmt.Sprintf("pushq %%rax; %s; movq %%gs:%d(,%%rdi,8), %%rdi; %s; %s; call *%%rax; popq %%rcx; ret; 5: call vk_trap_element", index, corpusTable, check, target)
	}
	const (
		index  = "cmpl $5, %edi; jae 5f; andl $7, %edi"
		check  = "movq %rdi, %rax; shrq $32, %rax; cmpl $1, %eax; jne 5f"
		target = "movl %edi, %eax; leaq vk_text(%rip), %rcx; addq %rcx, %rax"
	)
	masked := "movabsq $-4294967296, %rax; andq %rdi, %rax; movabsq $4294967296, %rcx; cmpq %rcx, %rax; jne 5f"
	exit := func(args string) string { return "pushq %rax; " + args + "; call vk_exit; popq %rcx; ret" }
	return []badCase{
		{"call_indirect", elem(index, check, target), ""},
		{"call_indirect with a masked comparison", elem(index, masked, target), ""},
		{"call_indirect without the check, but masked", elem("andl $7, %edi", check, target), ""},
		{"call_indirect of one of two entries", elem(fmt.Sprintf("movl %%edi, %%edx; andl $7, %%edi; testl %%edx, %%edx; je 1f; movq %%gs:%d, %%rdi; jmp 2f; 1:", corpusTable), "2: "+check, target), ""},
		{"call_indirect of one of an entry and a global", elem(fmt.Sprintf("movl %%edi, %%edx; andl $7, %%edi; testl %%edx, %%edx; je 1f; movq %%gs:%d, %%rdi; jmp 2f; 1:", -4112), "2: "+check, target), notElem},
		{"call_indirect of an entry, the type of another one's that came the same way", fmt.Sprintf("pushq %%rax; movq %%gs:%[1]d, %%rdi; movq %%gs:%[1]d, %%rdx; testl %%ecx, %%ecx; je 2f; movq %%gs:%[1]d, %%rdi; movq %%gs:%[1]d, %%rdx; 2: movq %%rdx, %%rax; shrq $32, %%rax; cmpl $1, %%eax; jne 5f; movl %%edi, %%eax; leaq vk_text(%%rip), %%rcx; addq %%rcx, %%rax; call *%%rax; popq %%rcx; ret; 5: call vk_trap_element", corpusTable), notElem},
		{"call_indirect with the offset by or", elem("andl $7, %edi", "nop", "nop") + "; ud2", notElem},
		{"index without mask or check", elem("movl %edi, %edi", check, target), "below and above"},
		{"mask too wide", elem("andl $15, %edi", check, target), notElem},
		{"check too wide", elem("cmpl $9, %edi; jae 5f; movl %edi, %edi", check, target), notElem},
		{"check of one too many", elem("movl %edi, %edi; cmpq $8, %rdi; ja 5f", check, target), notElem},
		{"index signed", elem("cmpl $5, %edi; jge 5f; movslq %edi, %rdi", check, target), noBounds},
		{"no type check", elem(index, "nop", target), compared},
		{"type check the wrong way", elem(index, "movq %rdi, %rax; shrq $32, %rax; cmpl $1, %eax; je 5f", target), compared},
		{"type check not equal or above", elem(index, "movq %rdi, %rax; shrq $32, %rax; cmpl $1, %eax; jb 5f", target), compared},
		{"type check of type 0", elem(index, "movq %rdi, %rax; shrq $32, %rax; testl %eax, %eax; jne 5f", target), compared},
		{"type check of a type that is not there", elem(index, "movq %rdi, %rax; shrq $32, %rax; cmpl $4, %eax; jne 5f", target), compared},
		{"type check of 16 bits", elem(index, "movq %rdi, %rax; shrq $32, %rax; cmpw $1, %ax; jne 5f", target), compared},
		{"type check of a byte", elem(index, "movq %rdi, %rax; shrq $32, %rax; cmpb $1, %al; jne 5f", target), compared},
		{"type check of the wrong bits", elem(index, "movq %rdi, %rax; shrq $31, %rax; cmpl $1, %eax; jne 5f", target), compared},
		{"type check, a vector moved before the jump", elem(index, "movq %rdi, %rax; shrq $32, %rax; cmpl $1, %eax; movups %xmm1, %xmm0; addss %xmm1, %xmm0; jne 5f", target), ""},
		{"type check, vectors compared before the jump", elem(index, "movq %rdi, %rax; shrq $32, %rax; cmpl $1, %eax; ucomiss %xmm1, %xmm0; jne 5f", target), compared},
		{"type check, doubles compared before the jump", elem(index, "movq %rdi, %rax; shrq $32, %rax; cmpl $1, %eax; comisd %gs:0, %xmm0; jne 5f", target), compared},
		{"type check, a vector tested before the jump", elem(index, "movq %rdi, %rax; shrq $32, %rax; cmpl $1, %eax; ptest %xmm1, %xmm0; jne 5f", target), compared},
		{"type check, its register set from a vector before the jump", "movl %edi, %eax; cmpl $4, %eax; movd %xmm0, %eax; jb 1f; movl %gs:-4(%rax), %eax; 1: ret", "below and above"},
		{"type check of another entry", elem(index, fmt.Sprintf("movq %%gs:%d, %%rax; shrq $32, %%rax; cmpl $1, %%eax; jne 5f", corpusTable), target), compared},
		{"type check of an entry loaded anew", elem(index, check+fmt.Sprintf("; movq %%gs:%d, %%rdi", corpusTable), target), compared},
		{"masked comparison with low bits", elem(index, "movabsq $-4294967296, %rax; andq %rdi, %rax; movabsq $4294967297, %rcx; cmpq %rcx, %rax; jne 5f", target), compared},
		{"masked comparison, mask too small", elem(index, "movabsq $-8589934592, %rax; andq %rdi, %rax; movabsq $4294967296, %rcx; cmpq %rcx, %rax; jne 5f", target), compared},
		{"the whole entry as offset", elem(index, check, "movq %rdi, %rax; leaq vk_text(%rip), %rcx; addq %rcx, %rax"), notElem},
		{"offset plus something", elem(index, check, "movl %edi, %eax; incl %eax; leaq vk_text(%rip), %rcx; addq %rcx, %rax"), notElem},
		{"address plus something", elem(index, check, target+"; addq $1, %rax"), notElem},
		{"offset from something else", elem(index, check, "movl %edi, %eax; leaq callee(%rip), %rcx; addq %rcx, %rax"), notElem},
		{"offset from vk_text and one", elem(index, check, "movl %edi, %eax; leaq vk_text+1(%rip), %rcx; addq %rcx, %rax"), notElem},
		{"offset from nothing", elem(index, check, "movl %edi, %eax"), notElem},
		{"offset of 32 bits of the sum", elem(index, check, "movl %edi, %eax; leaq vk_text(%rip), %rcx; addl %ecx, %eax"), notElem},
		{"entry of 4 bytes", "pushq %rax; andl $7, %edi; movl " + fmt.Sprintf("%%gs:%d(,%%rdi,8)", corpusTable) + ", %eax; leaq vk_text(%rip), %rcx; addq %rcx, %rax; call *%rax; popq %rax; ret", notElem},
		{"entry that is not aligned", elem("andl $7, %edi; cmpl $6, %edi; ja 5f", check, target) + fmt.Sprintf("; andl $31, %%edi; movq %%gs:%d(%%rdi), %%rdi; call *%%rdi", corpusTable), ""},
		{"entry between two", fmt.Sprintf("pushq %%rax; andl $31, %%edi; movq %%gs:%d(%%rdi), %%rdi; %s; %s; call *%%rax; popq %%rcx; ret; 5: call vk_trap_element", corpusTable, check, target), notElem},
		{"entry of a table of others", fmt.Sprintf("pushq %%rax; andl $3, %%edi; movq %%gs:%d(,%%rdi,8), %%rdi; %s; %s; call *%%rax; popq %%rcx; ret; 5: call vk_trap_element", corpusExtern, check, target), notElem},
		{"entry from an element segment", fmt.Sprintf("pushq %%rax; movq %%gs:%d, %%rdi; %s; %s; call *%%rax; popq %%rcx; ret; 5: call vk_trap_element", corpusElem, check, target), notElem},
		{"entry from a global", "pushq %rax; movq %gs:-4112, %rdi; " + check + "; " + target + "; call *%rax; popq %rcx; ret; 5: call vk_trap_element", notElem},
		{"entry from linear memory", "pushq %rax; movl %edi, %eax; movq %gs:(%rax), %rdi; " + check + "; " + target + "; call *%rax; popq %rcx; ret; 5: call vk_trap_element", notElem},
		{"call of an argument", "pushq %rax; call *%rdi; popq %rax; ret", notElem},
		{"call of an address", "pushq %rax; leaq callee(%rip), %rax; call *%rax; popq %rax; ret", notElem},
		{"call of a stub by address", "pushq %rax; leaq vk_exit(%rip), %rax; call *%rax; popq %rax; ret", notElem},
		{"call of vk_enter", "pushq %rax; call vk_enter; popq %rax; ret", "vk_enter"},
		{"system call 0", exit("movl $1, %edi; xorl %esi, %esi"), ""},
		{"last import", exit("movl $1, %edi; movl $2, %esi"), ""},
		{"one import too many", exit("movl $1, %edi; movl $3, %esi"), "import"},
		{"import by a number from memory", exit("movl %edi, %eax; movl %gs:(%rax), %esi; movl $1, %edi"), "import"},
		{"import with an upper half", exit("movl $1, %edi; movabsq $0x100000000, %rsi"), "import"},
		{"reason 0", exit("xorl %edi, %edi; xorl %esi, %esi"), "reason"},
		{"return as a reason", exit("movl $2, %edi; xorl %esi, %esi"), "reason"},
		{"setjmp as a reason", exit("movl $4, %edi; xorl %esi, %esi"), "reason"},
		{"trap as a reason", exit("movl $6, %edi; xorl %esi, %esi"), "reason"},
		{"preemption as a reason", exit("movl $7, %edi; xorl %esi, %esi"), "reason"},
		{"held as a reason", exit("movl $255, %edi; xorl %esi, %esi"), "reason"},
		{"reason by an argument", exit("xorl %esi, %esi"), "reason"},
		{"reason with an upper half", exit("movabsq $0x100000001, %rdi; xorl %esi, %esi"), "reason"},
		{"reason on one of two ways", exit("movl $1, %edi; testl %edx, %edx; je 1f; movl $6, %edi; 1: xorl %esi, %esi"), "reason"},
		{"call without room for arguments", "call takes; ret", "arguments on the stack"},
		{"call with room for half of the arguments", "pushq %rax; call takes; popq %rax; ret", "arguments on the stack"},
		{"call with arguments", "subq $24, %rsp; movq %rdi, (%rsp); movq %rdi, 8(%rsp); call takes; addq $24, %rsp; ret", ""},
		{"call whose arguments are a saved register", "pushq %rbx; subq $8, %rsp; call takes; addq $8, %rsp; popq %rbx; ret", unsettled},
		{"spilled address among the arguments", "subq $24, %rsp; movl %edi, %eax; movq %rax, 8(%rsp); call takes; movq 8(%rsp), %rax; movl %gs:(%rax), %eax; addq $24, %rsp; ret", noBounds},
	}
}

// dataCases are read-only data and jump tables.
func dataCases() []badCase {
	const outside = "outside"
	good := "movslq (%rcx,%rax,4), %rax; addq %rcx, %rax; jmp *%rax"
	entries := ".long 7f-9b, 8f-9b, 6f-9b, 6f-9b"
	return []badCase{
		{"constant", "movsd data(%rip), %xmm0; movups data(%rip), %xmm1; ret", ""},
		{"constant is written", "movl %eax, data(%rip); ret", "write relative to the instruction pointer"},
		{"constant is incremented", "incl data(%rip); ret", "write relative to the instruction pointer"},
		{"code is read", "movl callee(%rip), %eax; ret", outside},
		{"code is written", "movl %eax, callee(%rip); ret", "write relative to the instruction pointer"},
		{"far away is read", "movl 0x1000000(%rip), %eax; ret", outside},
		{"before the data", "movq data-0x10000(%rip), %rax; ret", outside},
		{"pointer to data", "leaq data(%rip), %rax; movq 8(%rax), %rax; ret", ""},
		{"pointer to data is written", "leaq data(%rip), %rax; movq %rdi, (%rax); ret", "write to read-only data"},
		{"data by an index without bounds", "leaq data(%rip), %rax; movl (%rax,%rdi), %eax; ret", noBounds},
		{"data by an index of 32 bits", "movl %edi, %edi; leaq data(%rip), %rax; movl (%rax,%rdi), %eax; ret", outside},
		{"data by an index with bounds", "andl $1, %edi; leaq data(%rip), %rax; movq (%rax,%rdi,8), %rax; ret", ""},
		{"data, the pointer as the index", "andl $8, %edi; leaq data(%rip), %rax; movq (%rdi,%rax), %rax; ret", ""},
		{"data, the pointer as a scaled index", "andl $8, %edi; leaq data(%rip), %rax; movq (%rdi,%rax,2), %rax; ret", noPlace},
		{"data, the pointer as the index, written", "andl $8, %edi; leaq data(%rip), %rax; movq %rsi, (%rdi,%rax); ret", "write to read-only data"},
		{"data, the pointer as the index, without bounds", "leaq data(%rip), %rax; movq (%rdi,%rax), %rax; ret", noBounds},
		{"data, the pointer as the index of rsp", "leaq data(%rip), %rax; movq (%rsp,%rax), %rax; ret", "index"},
		{"data by a byte that was masked", "movq %rsi, %rax; andb $8, %al; movzbl %al, %eax; leaq data(%rip), %rcx; movq (%rcx,%rax), %rax; ret", ""},
		{"data by a byte that was masked, all of it", "movq %rsi, %rax; andb $8, %al; leaq data(%rip), %rcx; movq (%rcx,%rax), %rax; ret", noBounds},
		{"data by a byte, the other masked", "movl %esi, %eax; andb $8, %ah; movzbl %al, %eax; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; ret", outside},
		{"data by a byte that was masked and set", "movl %esi, %eax; andb $3, %al; orb $4, %al; movzbl %al, %eax; leaq data(%rip), %rcx; movq (%rcx,%rax), %rax; ret", ""},
		{"data by a byte that was masked and set too far", "movl %esi, %eax; andb $3, %al; orb $-128, %al; movzbl %al, %eax; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; ret", outside},
		{"data by a byte that was masked too little", "movl %esi, %eax; andb $-16, %al; movzbl %al, %eax; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; ret", outside},
		{"data by a word that was masked", "movl %esi, %eax; andw $8, %ax; movzwl %ax, %eax; leaq data(%rip), %rcx; movq (%rcx,%rax), %rax; ret", ""},
		{"data by a byte of a word that was masked", "movl %esi, %eax; andw $0xff8, %ax; movzbl %al, %eax; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; ret", outside},
		{"data by a lane", "pextrb $3, %xmm0, %eax; shrl $5, %eax; leaq data(%rip), %rcx; movq (%rcx,%rax), %rax; ret", ""},
		{"data by a lane of a word", "pextrw $3, %xmm0, %eax; shrl $12, %eax; leaq data(%rip), %rcx; movb (%rcx,%rax), %al; ret", ""},
		{"data by a lane of a word, too far", "pextrw $3, %xmm0, %eax; shrl $4, %eax; leaq data(%rip), %rcx; movb (%rcx,%rax), %al; ret", outside},
		{"data by a lane of 32 bits", "pextrd $3, %xmm0, %eax; shrl $5, %eax; leaq data(%rip), %rcx; movq (%rcx,%rax), %rax; ret", outside},
		{"data by the signs of floats", "movmskps %xmm0, %eax; cmpb $1, %al; ja 1f; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; 1: ret", ""},
		{"data by the signs of four floats", "movmskps %xmm0, %eax; leal -16(%rax), %eax; notl %eax; leaq data(%rip), %rcx; movb (%rcx,%rax), %al; ret", ""},
		{"data by the signs of four floats, one less", "movmskps %xmm0, %eax; leal -15(%rax), %eax; notl %eax; leaq data(%rip), %rcx; movb (%rcx,%rax), %al; ret", outside},
		{"data by the signs of two floats", "movmskpd %xmm0, %eax; leal -4(%rax), %eax; notl %eax; leaq data(%rip), %rcx; movb (%rcx,%rax), %al; ret", ""},
		{"data by the signs of two floats, one less", "movmskpd %xmm0, %eax; leal -3(%rax), %eax; notl %eax; leaq data(%rip), %rcx; movb (%rcx,%rax), %al; ret", outside},
		{"data by the signs of floats, over an old value", "movl %edi, %eax; movmskps %xmm0, %eax; addl %edi, %eax; leaq data(%rip), %rcx; movb (%rcx,%rax), %al; ret", outside},
		{"data by the signs of bytes", "pmovmskb %xmm0, %eax; cmpb $1, %al; ja 1f; leaq data(%rip), %rcx; movq (%rcx,%rax,8), %rax; 1: ret", outside},
		{"data far behind the end", "leaq data(%rip), %rax; movq 0x10000(%rax), %rax; ret", outside},
		{"data as a pointer", "movq data(%rip), %rax; movl (%rax), %eax; ret", noPlace},
		{"pointer to data cut to 32 bits", "leaq data(%rip), %rax; movl %eax, %eax; movl (%rax), %eax; ret", noPlace},
		{"pointer to code is read", "leaq callee(%rip), %rax; movl (%rax), %eax; ret", noPlace},
		{"jump table", jumpTable("cmpl $3, %edi; ja 6f", good, entries), ""},
		{"jump table, bound by a mask", jumpTable("andl $3, %edi", good, entries), ""},
		{"jump table, bound by lanes", jumpTable("pmovmskb %xmm0, %edi; cmpw $3, %di; ja 6f", good, entries), ""},
		{"jump table, all lanes", jumpTable("pmovmskb %xmm0, %edi", good, entries), outside},
		{"jump table, lanes without their upper half", jumpTable("cmpw $3, %di; ja 6f", good, entries), outside},
		{"jump table without bounds", jumpTable("nop", good, entries), outside},
		{"jump table with a bound too large", jumpTable("andl $0xfffff, %edi", good, entries), outside},
		{"jump table with a bound of one too many", jumpTable("cmpl $4, %edi; ja 6f", good, entries+", 0"), "no instruction of the function"},
		{"jump table with a signed bound", jumpTable("cmpl $3, %edi; jg 6f", good, entries), outside},
		{"jump table with a bound of another register", jumpTable("cmpl $3, %esi; ja 6f", good, entries), outside},
		{"jump table with an entry into an instruction", jumpTable("andl $3, %edi", good, ".long 7f-9b, 8f+1-9b, 6f-9b, 6f-9b"), "no instruction of the function"},
		{"jump table with an entry of another function", jumpTable("andl $3, %edi", good, ".long 7f-9b, callee-9b, 6f-9b, 6f-9b"), "no instruction of the function"},
		{"jump table with an entry of 0", jumpTable("andl $3, %edi", good, ".long 7f-9b, 0, 6f-9b, 6f-9b"), "no instruction of the function"},
		{"jump table of another function", "andl $1, %edi; leaq table(%rip), %rcx; movslq (%rcx,%rdi,4), %rax; addq %rcx, %rax; jmp *%rax", "no instruction of the function"},
		{"jump table with another base", jumpTable("andl $3, %edi", "movslq (%rcx,%rax,4), %rax; leaq data(%rip), %rcx; addq %rcx, %rax; jmp *%rax", entries), "no instruction of the function"},
		{"jump table without its base", jumpTable("andl $3, %edi", "movslq (%rcx,%rax,4), %rax; jmp *%rax", entries), "not from a jump table"},
		{"jump table, not sign-extended", jumpTable("andl $3, %edi", "movl (%rcx,%rax,4), %eax; addq %rcx, %rax; jmp *%rax", entries), "not from a jump table"},
		{"jump table, entry shifted", jumpTable("andl $3, %edi", "movslq (%rcx,%rax,4), %rax; addq %rcx, %rax; addq $1, %rax; jmp *%rax", entries), "not from a jump table"},
		{"jump table, low byte of the entry", jumpTable("andl $3, %edi", "movslq (%rcx,%rax,4), %rax; movsbq %al, %rax; addq %rcx, %rax; jmp *%rax", entries), "not from a jump table"},
		{"jump table, low half of the entry", jumpTable("andl $3, %edi", "movslq (%rcx,%rax,4), %rax; movswq %ax, %rax; addq %rcx, %rax; jmp *%rax", entries), "not from a jump table"},
		{"jump table, scale 2", jumpTable("andl $3, %edi", "movslq (%rcx,%rax,2), %rax; addq %rcx, %rax; jmp *%rax", entries), "not from a jump table"},
		{"jump table, scale 1", jumpTable("andl $3, %edi", "movslq (%rcx,%rax), %rax; addq %rcx, %rax; jmp *%rax", entries), "not from a jump table"},
		{"jump table in linear memory", "movl %edi, %eax; movslq %gs:(%rax), %rax; leaq table(%rip), %rcx; addq %rcx, %rax; jmp *%rax", "not from a jump table"},
		{"call through a jump table", jumpTable("andl $3, %edi", "pushq %rdx; movslq (%rcx,%rax,4), %rax; addq %rcx, %rax; call *%rax; popq %rax", entries), "not from a function table"},
		{"jump table, the stack unbalanced", jumpTable("andl $3, %edi", "pushq %rdx; movslq (%rcx,%rax,4), %rax; addq %rcx, %rax; jmp *%rax", entries), "below the return address"},
	}
}

// setjmpCases are functions that call setjmp.
func setjmpCases() []badCase {
	call := "movl %edi, %edi; xorl %esi, %esi; call vk_setjmp"
	return []badCase{
		{"setjmp", "pushq %rbx; movl %gs:-48, %ebx; " + call + "; movl %ebx, %gs:-48; popq %rbx; ret", ""},
		{"setjmp with a spilled number of records", "subq $8, %rsp; movl %gs:-48, %eax; movl %eax, 4(%rsp); " + call + "; movl 4(%rsp), %eax; movl %eax, %gs:-48; addq $8, %rsp; ret", ""},
		{"records not restored", "pushq %rbx; " + call + "; popq %rbx; ret", "records is not restored"},
		{"records not restored, nothing saved", "pushq %rax; " + call + "; popq %rcx; ret", "records is not restored"},
		{"records not restored on one way", "pushq %rbx; movl %gs:-48, %ebx; " + call + "; testl %eax, %eax; je 1f; movl %ebx, %gs:-48; 1: popq %rbx; ret", "not restored"},
		{"records set to something", "pushq %rbx; " + call + "; movl $0, %gs:-48; popq %rbx; ret", "does not restore"},
		{"records read after setjmp", "pushq %rbx; " + call + "; movl %gs:-48, %eax; movl %eax, %gs:-48; popq %rbx; ret", "does not restore"},
		{"records written without setjmp", "movl $5, %gs:-48; ret", "does not restore"},
		{"records added to", "addl $1, %gs:-48; ret", "does not restore"},
		{"records written by a store of 8 bytes", "movq $0, %gs:-52; ret", notOurs},
		{"setjmp again after restoring", "pushq %rbx; movl %gs:-48, %ebx; " + call + "; movl %ebx, %gs:-48; " + call + "; popq %rbx; ret", "not restored"},
		{"saved register overwritten after setjmp", "pushq %rbx; movl %gs:-48, %ebx; " + call + "; movq $0, (%rsp); movl %ebx, %gs:-48; popq %rbx; ret", "rbx is not restored"},
		{"saved register overwritten before setjmp again", "pushq %rbx; pushq %rbp; movl %gs:-48, %ebp; 1: " + call + "; movq 8(%rsp), %rbx; movq $0, 8(%rsp); testl %eax, %eax; jne 1b; movl %ebp, %gs:-48; popq %rbp; popq %rcx; ret", "rbx is not restored"},
		{"saved register put back after setjmp", "pushq %rbx; pushq %rbp; movl %gs:-48, %ebp; movq 8(%rsp), %rbx; " + call + "; movq $0, 8(%rsp); movq %rbx, 8(%rsp); movl %ebp, %gs:-48; popq %rbp; popq %rbx; ret", ""},
		{"saved register released before the records are", "pushq %rbx; movl %gs:-48, %ebx; " + call + "; movl %ebx, %eax; popq %rbx; movl %eax, %gs:-48; ret", "rbx is not restored"},
		{"spilled address across setjmp, overwritten later", "pushq %rbx; subq $16, %rsp; movl %gs:-48, %ebx; movl %edx, %eax; movq %rax, (%rsp); " + call + "; movq (%rsp), %rax; movl %gs:(%rax), %eax; movq %rdx, (%rsp); movl %ebx, %gs:-48; addq $16, %rsp; popq %rbx; ret", noBounds},
		{"spilled address across setjmp", "pushq %rbx; subq $16, %rsp; movl %gs:-48, %ebx; movl %edx, %eax; movq %rax, (%rsp); " + call + "; movq (%rsp), %rax; movl %gs:(%rax), %eax; movl %ebx, %gs:-48; movq %rdx, (%rsp); addq $16, %rsp; popq %rbx; ret", ""},
		{"tail call of setjmp", "jmp vk_setjmp", "tail call of vk_setjmp"},
		{"tail call after setjmp", "pushq %rbx; movl %gs:-48, %ebx; " + call + "; popq %rbx; jmp callee", "not restored"},
	}
}
