package wasm

// The opcodes after the byte 0xFC: non-trapping conversions, bulk memory, tables.
const (
	OpI32TruncSatF32S Opcode = 0xfc00
	OpI32TruncSatF32U Opcode = 0xfc01
	OpI32TruncSatF64S Opcode = 0xfc02
	OpI32TruncSatF64U Opcode = 0xfc03
	OpI64TruncSatF32S Opcode = 0xfc04
	OpI64TruncSatF32U Opcode = 0xfc05
	OpI64TruncSatF64S Opcode = 0xfc06
	OpI64TruncSatF64U Opcode = 0xfc07
	OpMemoryInit      Opcode = 0xfc08
	OpDataDrop        Opcode = 0xfc09
	OpMemoryCopy      Opcode = 0xfc0a
	OpMemoryFill      Opcode = 0xfc0b
	OpTableInit       Opcode = 0xfc0c
	OpElemDrop        Opcode = 0xfc0d
	OpTableCopy       Opcode = 0xfc0e
	OpTableGrow       Opcode = 0xfc0f
	OpTableSize       Opcode = 0xfc10
	OpTableFill       Opcode = 0xfc11
)
