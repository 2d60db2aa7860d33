package verify

import (
	"math/rand/v2"
	"testing"
	"time"

	"vkernel/internal/engine/layout"
)

// fuzzCode is a file of the stubs and some text as two functions.
func fuzzCode(list []stub, stubs, text []byte, cut int) *Code {
	const base = 0x20000
	c := &Code{File: make([]byte, corpusArea), Rodata: []Segment{{0x10000, make([]byte, 4096)}}}
	all := append([]byte{}, stubs...)
	for len(all)%16 != 0 {
		all = append(all, 0xcc)
	}
	at := uint32(len(all))
	c.Text = Segment{base, append(all, text...)}
	enter := uint32(0)
	for _, s := range list {
		if s.name == "vk_enter" {
			enter = s.at
		}
		c.Funcs = append(c.Funcs, Func{s.name, base + uint64(s.at), uint64(s.size)})
	}
	if cut > 0 {
		c.Funcs = append(c.Funcs, Func{"first", base + uint64(at), uint64(cut)})
	}
	c.Funcs = append(c.Funcs, Func{"second", base + uint64(at) + uint64(cut), uint64(len(text) - cut)})
	c.Meta = &layout.Meta{Enter: enter, Programs: []layout.Program{{
		Name: "fuzz", Module: "fuzz", AreaSize: corpusArea, Globals: 4, Code: [][2]uint32{{at, at + uint32(len(text))}},
		Types: []string{":"}, Tables: []layout.Table{{Offset: corpusTable, SizeOffset: corpusSizes, Cap: 8}},
	}}}
	return c
}

// TestRandomText: random bytes, and random sequences of real instructions, are verified in time
// proportional to their size.
func TestRandomText(t *testing.T) {
	list, stubs := stubList()
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{
		"\x89\xf8", "\x48\x01\xf8", "\x48\xff\xc0", "\xff\xc8", "\x53", "\x5b", "\x48\x89\x04\x24", "\x83\xf8\x05", "\x39\xc8", "\x65\x8b\x00", "\x48\x83\xec\x08",
		"\x48\x83\xc4\x08", "\x31\xc0", "\x89\xc1", "\x0f\xb6\xc0", "\x48\xc1\xe0\x03", "\x90", "\xc3", "\x0f\x44\xc1",
	}
	for n := range 300 {
		size := 1 << (4 + n%10)
		text := make([]byte, 0, size+8)
		for len(text) < size {
			switch r.IntN(6) {
			case 0:
				text = append(text, 0x70|byte(r.IntN(16)), byte(r.IntN(256)))
			case 1:
				text = append(text, 0xeb, byte(r.IntN(256)))
			case 2:
				if n%3 == 0 {
					text = append(text, byte(r.IntN(256)))
				}
			default:
				text = append(text, pieces[r.IntN(len(pieces))]...)
			}
		}
		start := time.Now()
		Refused(fuzzCode(list, stubs, text, len(text)/2))
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%d bytes took %v", len(text), took)
		}
	}
}

// TestManyLoops: nested loops and long chains of jumps backwards stay within the budget.
func TestManyLoops(t *testing.T) {
	list, stubs := stubList()
	for name, piece := range map[string]string{
		"backwards":  "\xeb\xfc\x90\x90",                             // each jumps to the one before
		"conditions": "\x48\xff\xc0\x39\xc8\x72\xf9",                 // loops in a row
		"all to one": "\x01\xc8\x0f\x82\x00\x00\x00\x00",             // filled below
		"spills":     "\x89\xf8\x48\x89\x44\x24\x10\x39\xc8\x72\xf5", // with a frame
	} {
		text := []byte("\x48\x81\xec\x00\x01\x00\x00")
		for len(text) < 1<<17 {
			at := len(text)
			text = append(text, piece...)
			if name == "all to one" {
				back := -(at + 8 - 7)
				copy(text[at+4:], []byte{byte(back), byte(back >> 8), byte(back >> 16), byte(back >> 24)})
			}
		}
		text = append(text, "\x48\x81\xc4\x00\x01\x00\x00\xc3"...)
		start := time.Now()
		_, err := Refused(fuzzCode(list, stubs, text, 0))
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: %d bytes took %v: %v", name, len(text), took, err)
		} else {
			t.Logf("%s: %v", name, took)
		}
	}
}
