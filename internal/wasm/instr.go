package wasm

import "fmt"

// Instr is one instruction with its immediates. Which fields are set is told by
// Op.Info().Imm; the others are zero. Targets, Types and Catches are valid until the next
// Next.
type Instr struct {
	Op     Opcode
	Offset int // of the first byte in the file

	Block     BlockType
	Index     uint32 // the (first) index
	Index2    uint32 // the second one: table of call_indirect and table.init, source of table.copy
	Align     uint32 // memory alignment, as a power of two: at most natural
	MemOffset uint32
	Lane      uint8
	RefType   ValType
	Value     uint64   // bits of i32, i64, f32 and f64 constants, zero-extended
	V128      [16]byte // constant or shuffle lanes
	Targets   []uint32 // br_table: relative depths, the default is the last
	Types     []ValType
	Catches   []Catch // try_table, in order
}

// Catch is a clause of try_table: exceptions of Tag, or all, go to the label Label with what
// they carry and, for the ref kinds, with a reference to the exception after it.
type Catch struct {
	Kind       CatchKind
	Tag, Label uint32
	Offset     int
}

// CatchKind is the kind of a clause, by its binary code.
type CatchKind byte

// Kinds of clauses.
const (
	CatchTag CatchKind = iota
	CatchRef
	CatchAll
	CatchAllRef
)

// All says whether a clause takes exceptions of any tag.
func (k CatchKind) All() bool { return k >= CatchAll }

// Ref says whether a clause gives a reference to the exception.
func (k CatchKind) Ref() bool { return k == CatchRef || k == CatchAllRef }

// I32 is the constant of i32.const.
func (in *Instr) I32() int32 { return int32(in.Value) }

// I64 is the constant of i64.const.
func (in *Instr) I64() int64 { return int64(in.Value) }

// BlockType is the type of block, loop and if: BlockEmpty, a value type that is the only
// result, or, when not negative, an index into Types. Module.BlockFuncType resolves it.
type BlockType int64

// BlockEmpty is the type of a block that takes and leaves nothing.
const BlockEmpty BlockType = -64

// ValType returns the single result of a block type that is neither empty nor an index.
func (b BlockType) ValType() (ValType, bool) {
	if b >= 0 || b == BlockEmpty {
		return 0, false
	}
	return ValType(b & 0x7f), true
}

func (b BlockType) String() string {
	if t, ok := b.ValType(); ok {
		return t.String()
	}
	if b == BlockEmpty {
		return "empty"
	}
	return fmt.Sprintf("type %d", int64(b))
}
