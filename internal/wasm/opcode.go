package wasm

import "fmt"

// Opcode is an instruction's code. One-byte opcodes are their byte; an opcode after a
// prefix byte 0xFC, 0xFD or 0xFE has the prefix in the high byte and its number in the
// low one; those of 0xFD from 0x100 on have 0xFF there. Constants are named after the text format: i32.load8_s is OpI32Load8S. The
// two binary forms of select are OpSelect and OpSelectT.
type Opcode uint16

// Prefix bytes.
const (
	prefixGC     = 0xfb
	prefixBulk   = 0xfc
	prefixSIMD   = 0xfd
	prefixAtomic = 0xfe

	prefixRelaxed = 0xff // stands for 0xFD and numbers from relaxedBase on
	relaxedBase   = 0x100
)

// Imm is the kind of the immediates that follow an opcode: which fields of Instr are set.
type Imm uint8

// Immediates, and the fields of Instr that hold them.
const (
	ImmNone         Imm = iota
	ImmBlock            // Block
	ImmLabel            // Index: relative depth
	ImmBrTable          // Targets: relative depths, the default is the last
	ImmFunc             // Index: function
	ImmCallIndirect     // Index: type, Index2: table
	ImmLocal            // Index: local
	ImmGlobal           // Index: global
	ImmTable            // Index: table
	ImmTableCopy        // Index: destination table, Index2: source table
	ImmTableInit        // Index: element segment, Index2: table
	ImmElem             // Index: element segment
	ImmMemory           // nothing: the memory is 0
	ImmMemoryCopy       // nothing: both memories are 0
	ImmMemoryInit       // Index: data segment
	ImmData             // Index: data segment
	ImmMemArg           // Align (log2), MemOffset
	ImmMemArgLane       // Align (log2), MemOffset, Lane
	ImmLane             // Lane
	ImmShuffle          // V128: 16 lane numbers, each below 32
	ImmConstI32         // Value: the low 32 bits, I32()
	ImmConstI64         // Value, I64()
	ImmConstF32         // Value: the low 32 bits are the float's
	ImmConstF64         // Value: the float's bits
	ImmV128             // V128: little-endian bytes
	ImmRefType          // RefType
	ImmSelectT          // Types
	ImmFence            // nothing
	ImmTag              // Index: tag
	ImmTryTable         // Block, Catches
)

// OpInfo is what the opcode table says of an opcode.
type OpInfo struct {
	Op   Opcode
	Name string // as in the text format
	Imm  Imm
	// Params and Results are the whole type of an instruction whose type does not
	// depend on its immediates or on the stack; Simple says that it is one.
	Params, Results []ValType
	Simple          bool
	// Width is the number of bytes that a memory instruction accesses, zero for others.
	// Its natural alignment, as a power of two, is Align.
	Width, Align uint8
}

// Atomic says whether op is an atomic memory access, whose alignment must be exact.
func (op Opcode) Atomic() bool { return op>>8 == prefixAtomic }

// SIMD says whether op is an instruction on vectors.
func (op Opcode) SIMD() bool { return op>>8 == prefixSIMD || op>>8 == prefixRelaxed }

// Info returns the table's row of op, or nil when there is no such opcode.
func (op Opcode) Info() *OpInfo {
	switch op >> 8 {
	case 0:
		return opTable[0][op&0xff]
	case prefixBulk, prefixSIMD, prefixAtomic, prefixRelaxed:
		return opTable[op>>8-prefixBulk+1][op&0xff]
	}
	return nil
}

// String returns the name of op in the text format.
func (op Opcode) String() string {
	if info := op.Info(); info != nil {
		return info.Name
	}
	return fmt.Sprintf("opcode %#04x", uint16(op))
}

// opRow is a row of the source tables: signature in letters of layout.Meta ("ii:l"),
// empty when the type depends on immediates or on the stack.
type opRow struct {
	op    Opcode
	name  string
	imm   Imm
	sig   string
	width uint8
}

// opTable is read-only after initialisation: one page per prefix (none, FC, FD, FE, FF).
var opTable = func() (t [5][256]*OpInfo) {
	for _, rows := range [][]opRow{coreOps, bulkOps, simdOps, atomicOps, relaxedOps} {
		for _, r := range rows {
			page := 0
			if p := int(r.op >> 8); p != 0 {
				page = p - prefixBulk + 1
			}
			t[page][r.op&0xff] = r.info()
		}
	}
	return t
}()

func (r opRow) info() *OpInfo {
	i := &OpInfo{Op: r.op, Name: r.name, Imm: r.imm, Width: r.width, Simple: r.sig != ""}
	for w := r.width; w > 1; w >>= 1 {
		i.Align++
	}
	dst := &i.Params
	for _, c := range r.sig {
		if c == ':' {
			dst = &i.Results
			continue
		}
		*dst = append(*dst, letterType[c])
	}
	return i
}

var letterType = map[rune]ValType{'i': I32, 'l': I64, 'f': F32, 'd': F64, 'v': V128, 'r': FuncRef, 'e': ExternRef, 'x': ExnRef}

// Letter is the type's letter in signature strings: i l f d v r e x.
func (t ValType) Letter() byte {
	for c, u := range letterType {
		if t == u {
			return byte(c)
		}
	}
	return '?'
}

// String returns the name of t in the text format.
func (t ValType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	case ExnRef:
		return "exnref"
	case unknown:
		return "any"
	}
	return fmt.Sprintf("type %#02x", byte(t))
}

// IsRef says whether t is a reference type.
func (t ValType) IsRef() bool { return t == FuncRef || t == ExternRef || t == ExnRef }

// unknown is the type of an operand below the bottom of unreachable code.
const unknown ValType = 0
