package gen

import (
	"slices"
	"strconv"

	"vkernel/internal/wasm"
)

// Opcodes are those that are generated, in order: the exported global "c<n>" of a module made with
// Features.Count is 1 if the n-th has been executed.
var Opcodes = func() (list []wasm.Opcode) {
	for op := range 0x10000 {
		info := wasm.Opcode(op).Info()
		if info == nil || info.Simple && !generated(info) && !slices.Contains(byHand, wasm.Opcode(op)) || slices.Contains(uncounted, wasm.Opcode(op)) {
			continue
		}
		list = append(list, wasm.Opcode(op))
	}
	return list
}()

// byHand are instructions of simple type that are not made from the table.
var byHand = []wasm.Opcode{
	wasm.OpMemoryGrow, wasm.OpMemorySize, wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpMemoryInit, wasm.OpDataDrop,
	wasm.OpTableInit, wasm.OpTableCopy, wasm.OpTableSize, wasm.OpElemDrop, wasm.OpMemoryAtomicNotify,
}

// uncounted have no place before them for code that runs when they do, or are written without
// a count: constants.
var uncounted = []wasm.Opcode{
	wasm.OpElse, wasm.OpEnd, wasm.OpCatch, wasm.OpCatchAll, wasm.OpDelegate, wasm.OpTry, wasm.OpRethrow,
	wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const, wasm.OpV128Const,
}

var counted = func() map[wasm.Opcode]int {
	m := map[wasm.Opcode]int{}
	for i, op := range Opcodes {
		m[op] = i
	}
	return m
}()

// Counter is the name of the global that counts an opcode, by its place in Opcodes.
func Counter(i int) string { return "c" + strconv.Itoa(i) }
