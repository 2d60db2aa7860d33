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
	out := Module{Wasm: code}
	for _, e := range m.Exports {
		if e.Kind != wasm.KindFunc || e.Name == "fuel" {
			continue
		}
		t, _ := m.FuncTypeOf(e.Index)
		x := Export{e.Name, t.Params, t.Results}
		if strings.HasPrefix(e.Name, "g") {
			out.Globals = append(out.Globals, x)
		} else {
			out.Funcs = append(out.Funcs, x)
		}
	}
	return out, nil
}
