package emit

import (
	"strings"
	"testing"

	"vkernel/internal/wasm"
)

func TestNullGuard(t *testing.T) {
	for _, c := range []struct {
		text       string
		min, image uint32 // pages of memory, start of data
		want       uint32
		err        string
	}{
		{"version=1\nnull_guard=4096\n", 17, 1 << 20, 4096, ""},
		{"null_guard=65536", 1, 0, 65536, ""},
		{"version=1\n", 1, 4096, 0, ""},
		{"null_guard=100\n", 1, 4096, 0, "whole pages"},
		{"null_guard=131072\n", 1, 4096, 0, "at most 65536"},
		{"null_guard=-1\n", 1, 4096, 0, "whole pages"},
		{"null_guard=8192\n", 1, 4096, 0, "there is data from 4096 on"},
		{"null_guard=4096\n", 0, 0, 0, "there is data"},
	} {
		p := &program{m: &wasm.Module{Customs: []wasm.Custom{{Name: "name"}, {Name: abiSection, Data: []byte(c.text)}}}, out: &Output{}}
		p.out.Program.Memory.Min, p.out.Program.Memory.ImageStart = c.min, c.image
		if c.image != 0 {
			p.out.Program.Memory.ImageSize = 4096
		}
		err := p.nullGuard()
		if got := p.out.Program.Memory.NullGuard; got != c.want && c.err == "" {
			t.Errorf("%q: guard %d, want %d", c.text, got, c.want)
		}
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.err)
		}
	}
}
