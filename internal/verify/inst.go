package verify

// reg is a general register by its number in the encoding.
type reg uint8

const (
	rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi = reg(0), reg(1), reg(2), reg(3), reg(4), reg(5), reg(6), reg(7)

	r8, r9, r10, r11, r12, r15 = reg(8), reg(9), reg(10), reg(11), reg(12), reg(15)

	highByte = reg(0x20) // added to the number of ah, ch, dh, bh
	noReg    = reg(0xff)
)

// full is the register that a byte register is part of.
func (r reg) full() reg { return r &^ highByte }

func (r reg) isGeneral() bool { return r < 16 }

// op is what an instruction does to general registers and to control. Where registers are not
// tracked (vectors, flags, x87 does not exist here) there is nothing to tell apart.
type op uint8

const (
	opBad     op = iota
	opNop        // no effect on general registers; a vector instruction too
	opPad        // nop or int3: what may lie between functions
	opSSE        // vector instruction; dst, if any, gets an unknown value of size bytes
	opCompare    // of vectors, and bt: sets the flags and nothing else
	opMov        // dst = src or imm or memory
	opZext       // dst = zero-extended source of srcSize bytes
	opSext       // dst = sign-extended source
	opLea        // dst = address
	opAdd
	opSub
	opAnd
	opOr
	opXor
	opAdc
	opSbb
	opCmp
	opTest
	opInc
	opDec
	opNeg
	opNot
	opShl
	opShr
	opSar
	opShift // rotations, shld, bt with result, crc32: unknown result in dst
	opImul
	opImulImm // dst = src or memory, times imm
	opMulDiv  // rax and rdx get unknown values
	opCwd     // rdx or edx: sign of rax
	opCdqe    // rax: sign-extended half
	opXchg
	opCmpxchg
	opXadd
	opCmov
	opSet  // dst: 0 or 1
	opBits // dst: a bit number or count, up to 64; unchanged if the source is 0
	opPush
	opPop
	opTrap // ud2: does not go on
	opCall // this and what follows changes control
	opCallInd
	opJmp
	opJmpInd
	opJcc
	opRet
)

// access says what an instruction does to its memory operand.
type access uint8

const (
	reads access = 1 << iota
	writes
	hasMem // there is an operand; lea and nop do not access it
)

// memory is a memory operand.
type memory struct {
	access      access
	size        uint8 // bytes
	gs          bool
	narrow      bool // with addr32: the sum is cut to 32 bits; only with gs
	rip         bool
	base, index reg
	scale       uint8 // 1, 2, 4, 8
	disp        int64
}

// inst is a decoded instruction.
type inst struct {
	head
	mem      memory
	imm      int64 // immediate, or the distance of a jump
	len      uint8
	dst, src reg
	stack    bool   // rsp is an operand other than the base of an address
	local    bool   // target is an instruction of the function, else a function
	ran      bool   // it was executed before; set by the walker
	at       uint32 // offset in the function; set by the walker
	target   int32  // of a direct jump or call; set by the walker
}

// head is what the opcode alone decides, mostly.
type head struct {
	op      op
	quick   quick // see quick.go
	size    uint8 // of the operation, in bytes
	srcSize uint8 // of zero and sign extensions
	bits    uint8 // a vector instruction sets so many of dst and clears the others; 0: it may set all
	cc      uint8 // condition: of jcc, setcc, cmovcc
	hasImm  bool
	locked  bool
}

// regNames are the registers' names, for messages.
var regNames = [16]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}
