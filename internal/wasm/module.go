// Package wasm reads WebAssembly modules: it decodes the binary format and validates.
//
// # Model
//
// Decode turns bytes into a Module without changing or interpreting function bodies;
// Validate checks a Module by the rules of the specification, bodies included. A Module
// is trusted by other packages only after Validate. Bodies stay bytes: whoever needs
// instructions walks them with a Reader, the validator and the emitter alike.
//
// # Rules
//
// Input is hostile. Every error names the byte offset in the file, what was found and
// what was expected. Memory used is bounded by a small multiple of the input's length.
//
// Follows the WebAssembly Core Specification 2.0, section 5 (binary format) and 3
// (validation), plus the proposals named in package feature checks.
package wasm

// ValType is a value type, by its binary code.
type ValType byte

// Value types.
const (
	I32       ValType = 0x7f
	I64       ValType = 0x7e
	F32       ValType = 0x7d
	F64       ValType = 0x7c
	V128      ValType = 0x7b
	FuncRef   ValType = 0x70
	ExternRef ValType = 0x6f
	ExnRef    ValType = 0x69
)

// FuncType is the type of a function.
type FuncType struct {
	Params, Results []ValType
}

// Limits bound a table (in entries) or a memory (in 64 KiB pages).
type Limits struct {
	Min, Max uint32
	HasMax   bool
	Shared   bool
}

// ExternKind is the kind of an import or export.
type ExternKind byte

// Kinds.
const (
	KindFunc   ExternKind = 0
	KindTable  ExternKind = 1
	KindMemory ExternKind = 2
	KindGlobal ExternKind = 3
	KindTag    ExternKind = 4
)

// TableType, GlobalType: what their names say.
type TableType struct {
	Elem   ValType
	Limits Limits
}

// GlobalType is the type of a global.
type GlobalType struct {
	Type    ValType
	Mutable bool
}

// Import is one import. Index is its type index (function), or the type is in the field
// of its kind.
type Import struct {
	Module, Name string
	Kind         ExternKind
	Type         uint32 // KindFunc, KindTag: index into Types
	Table        TableType
	Memory       Limits
	Global       GlobalType
	Offset       int // in the file
}

// Export is one export: Index in the index space of its kind.
type Export struct {
	Name  string
	Kind  ExternKind
	Index uint32

	Offset int // in the file
}

// Func is a function defined in the module.
type Func struct {
	Type   uint32
	Locals []LocalRun // declared locals, without the parameters
	Body   []byte     // the expression, its final end included
	Offset int        // of Body in the file
}

// LocalRun is Count consecutive locals of one type.
type LocalRun struct {
	Count uint32
	Type  ValType
}

// Tag is a kind of exception defined in the module: Type, an index into Types, has the values
// that one carries as its parameters.
type Tag struct{ Type uint32 }

// Global is a global defined in the module.
type Global struct {
	Type GlobalType
	Init Const
}

// Const is a constant expression: its bytes with the final end.
type Const struct {
	Expr   []byte
	Offset int
}

// SegmentMode tells what becomes of an element or data segment.
type SegmentMode byte

// Modes.
const (
	Active SegmentMode = iota
	Passive
	Declarative
)

// Elem is an element segment. Inits holds one constant expression per element; segments
// written as function indices are given as ref.func expressions.
type Elem struct {
	Mode   SegmentMode
	Table  uint32
	Offset Const
	Type   ValType
	Inits  []Const
}

// Data is a data segment.
type Data struct {
	Mode   SegmentMode
	Memory uint32
	Offset Const
	Init   []byte
}

// Custom is a custom section.
type Custom struct {
	Name   string
	Data   []byte
	Offset int
}

// Module is a decoded module. Index spaces start with the imports of their kind, in order.
type Module struct {
	Types   []FuncType
	Imports []Import
	Funcs   []Func
	Tables  []TableType // defined ones
	Mems    []Limits    // defined ones
	Globals []Global    // defined ones
	Tags    []Tag       // defined ones
	Exports []Export
	Start   *uint32
	Elems   []Elem
	Data    []Data
	Customs []Custom

	DataCount *uint32

	spaces spaces
}
