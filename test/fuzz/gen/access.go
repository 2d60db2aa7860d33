package gen

import (
	"fmt"

	"vkernel/internal/wasm"
)

// access is a function by which a test sees or sets what is no export.
type access struct {
	name  string
	type_ funcType
	code  bytes // declaration of locals included
}

// access makes all of them.
func (m *module) access() (list []access) {
	add := func(name string, param bool, result wasm.ValType, code bytes) {
		a := access{name: name, code: append(append(bytes{0}, code...), byte(wasm.OpEnd))}
		if param {
			a.type_.params = []wasm.ValType{wasm.I32}
		}
		if result != 0 {
			a.type_.results = []wasm.ValType{result}
		}
		m.typeIndex(a.type_)
		list = append(list, a)
	}
	for i, t := range m.globals {
		if get := with(wasm.OpGlobalGet, i); t.IsRef() {
			add(fmt.Sprint("g", i), false, wasm.I32, append(get, byte(wasm.OpRefIsNull)))
		} else {
			add(fmt.Sprint("g", i), false, t, get)
		}
	}
	for i := range m.tables {
		add(fmt.Sprint("s", i), false, wasm.I32, with(wasm.OpTableSize, i))
		add(fmt.Sprint("n", i), true, wasm.I32, append(append(with(wasm.OpLocalGet, 0), with(wasm.OpTableGet, i)...), byte(wasm.OpRefIsNull)))
	}
	add("plain", false, wasm.I32, with(wasm.OpGlobalGet, m.plain))
	add("fuel", true, 0, append(with(wasm.OpLocalGet, 0), with(wasm.OpGlobalSet, m.fuel)...))
	return list
}

func with(op wasm.Opcode, n int) (b bytes) {
	b.op(op)
	b.u(uint64(n))
	return b
}
