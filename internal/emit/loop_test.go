package emit

import (
	"strings"
	"testing"

	"vkernel/internal/wasm"
)

// TestPlain looks at which loops go round through an OBSERVE.
func TestPlain(t *testing.T) {
	m := decode(t, "testdata/loops.wasm")
	out, err := Emit(m, Options{Prefix: "p0_"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range m.Exports {
		text := functionText(out.Files[0].Text, e.Index)
		observed := strings.Contains(text, "goto C") || strings.Contains(text, "OBSERVE;\n  if (")
		if e.Kind == wasm.KindFunc && e.Name != "f" && observed != strings.HasPrefix(e.Name, "observed") {
			t.Errorf("%s: observed is %v in\n%s", e.Name, observed, text)
		}
	}
}

// TestCircle holds that each circle of calls is observed, and other calls are not.
func TestCircle(t *testing.T) {
	m := decode(t, "../aot/testdata/waits.wasm")
	out, err := Emit(m, Options{Prefix: "p0_"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"self": 1, "ping": 0, "pong": 1}
	for i, name := range m.FuncNames() {
		text := functionText(out.Files[0].Text, uint32(i))
		if n, ok := want[name]; ok && strings.Count(text, "OBSERVE") != n {
			t.Errorf("%s: want %d times OBSERVE:\n%s", name, n, text)
		}
		delete(want, name)
	}
	if len(want) != 0 {
		t.Errorf("no functions %v", want)
	}
}
