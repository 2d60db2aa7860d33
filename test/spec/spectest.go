package main

import (
	"encoding/binary"
	"math"

	"vkernel/internal/wasm"
)

// spectest makes the instances of module spectest, which the suite's scripts import from:
// functions that do nothing, globals, a table and two memories. It is compiled like any
// other module when a script shares one of these with it.
func (p *script) spectest() map[string]definition {
	exports := map[string]definition{}
	for name, m := range map[string]*wasm.Module{
		"table":         {Tables: []wasm.TableType{{Elem: wasm.FuncRef, Limits: wasm.Limits{Min: 10, Max: 20, HasMax: true}}}},
		"memory":        {Mems: []wasm.Limits{{Min: 1, Max: 2, HasMax: true}}},
		"shared_memory": {Mems: []wasm.Limits{{Min: 1, Max: 2, HasMax: true, Shared: true}}},
		"global_i32":    constantModule(wasm.I32, wasm.OpI32Const, []byte{0x9a, 5}),
		"global_i64":    constantModule(wasm.I64, wasm.OpI64Const, []byte{0x9a, 5}),
		"global_f32":    constantModule(wasm.F32, wasm.OpF32Const, binary.LittleEndian.AppendUint32(nil, math.Float32bits(666.6))),
		"global_f64":    constantModule(wasm.F64, wasm.OpF64Const, binary.LittleEndian.AppendUint64(nil, math.Float64bits(666.6))),
		"print":         printModule(),
		"print_i32":     printModule(wasm.I32),
		"print_i64":     printModule(wasm.I64),
		"print_f32":     printModule(wasm.F32),
		"print_f64":     printModule(wasm.F64),
		"print_i32_f32": printModule(wasm.I32, wasm.F32),
		"print_f64_f64": printModule(wasm.F64, wasm.F64),
	} {
		kind := wasm.KindFunc
		switch {
		case m.Tables != nil:
			kind = wasm.KindTable
		case m.Mems != nil:
			kind = wasm.KindMemory
		case m.Globals != nil:
			kind = wasm.KindGlobal
		}
		m.Exports = []wasm.Export{{Name: name, Kind: kind}}
		in := &instance{script: p, name: p.Folder + "/" + p.Name + "/spectest." + name, data: encode(m), builtin: true}
		if in.m, in.err = wasm.DecodeValidated(in.data); in.err != nil {
			panic(in.err)
		}
		exports[name] = definition{in, kind, 0, name}
	}
	return exports
}

func constantModule(t wasm.ValType, op wasm.Opcode, value []byte) *wasm.Module {
	expr := append(append([]byte{byte(op)}, value...), byte(wasm.OpEnd))
	return &wasm.Module{Globals: []wasm.Global{{Type: wasm.GlobalType{Type: t}, Init: wasm.Const{Expr: expr}}}}
}

func printModule(params ...wasm.ValType) *wasm.Module {
	return &wasm.Module{
		Types: []wasm.FuncType{{Params: params}},
		Funcs: []wasm.Func{{Body: []byte{byte(wasm.OpEnd)}}},
	}
}
