package gen

import (
	"strings"

	"vkernel/internal/wasm"
)

// Describe finds the exports of a module that New made, or that was cut down from one.
func Describe(code []byte) (Module, error) {
	m, err := wasm.Decode(code)
	if err != nil {
		return Module{}, err
	}
	out := Module{Wasm: code, Loose: ^uint32(0), Throws: len(m.Tags) > 0}
	for _, e := range m.Exports {
		if e.Kind != wasm.KindFunc {
			continue
		}
		t, _ := m.FuncTypeOf(e.Index)
		out.add(Export{e.Name, t.Params, t.Results})
	}
	return out, nil
}

// add sorts an exported function by its name.
func (m *Module) add(e Export) {
	switch {
	case strings.HasPrefix(e.Name, "fuel"):
	case strings.HasPrefix(e.Name, "f"):
		m.Funcs = append(m.Funcs, e)
	case strings.HasPrefix(e.Name, "n"):
		m.Tables = append(m.Tables, e)
	default:
		m.Globals = append(m.Globals, e)
	}
}
