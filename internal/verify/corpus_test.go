package verify

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vkernel/internal/emit"
	"vkernel/internal/engine/layout"
)

// badCase is a function that must be refused, and a part of the reason. Where the reason is
// empty, it must be accepted: most refusals are paired with what is just right.
type badCase struct {
	name   string
	asm    string // instructions, separated by ; or lines
	reason string
}

// The program of the corpus: an area of two pages, with 4 globals, a table of 5 functions
// (padded to 8), a table of others, an element and a data segment.
const (
	corpusArea   = 8192
	corpusTable  = -layout.Control - 256
	corpusExtern = -layout.Control - 512
	corpusSizes  = -layout.Control - 128 // length words: tables, element segment, data segment
	corpusElem   = -layout.Control - 600
)

func corpusProgram(text *elf.Section, symbols map[string]elf.Symbol) layout.Program {
	at := func(name string) uint32 { return uint32(symbols[name].Value - text.Addr) }
	return layout.Program{
		Name: "corpus", Module: "corpus", Types: []string{"i:i", ":", "iiiiiiii:i"}, Imports: make([]layout.Import, 3),
		AreaSize: corpusArea, Globals: 4,
		Tables: []layout.Table{
			{Offset: corpusTable, SizeOffset: corpusSizes, Cap: 5},
			{Offset: corpusExtern, SizeOffset: corpusSizes + 4, Cap: 4, Extern: true},
		},
		Elems: []layout.ElemSegment{{Offset: corpusElem, SizeOffset: corpusSizes + 8, Count: 2}},
		Data:  []layout.DataSegment{{SizeOffset: corpusSizes + 12}},
		Refs:  []layout.Ref{{Code: at("callee"), Type: 1}, {Code: at("nothing"), Type: 2}},
		Code:  [][2]uint32{{at("callee"), uint32(text.Size)}},
	}
}

// helpers are functions that cases refer to, and read-only data.
const helpers = `
	.section .rodata, "a"
	.balign 16
table:	.long case_0-table, case_1-table, case_2-table
data:	.quad 1, 2
	.text
	.macro FUNCTION name
	.p2align 4, 0xcc
	.globl \name
	.type \name, @function
\name:
	.endm
	.macro END name
	.size \name, .-\name
	.endm
FUNCTION callee
	movl %edi, %eax
	ret
END callee
FUNCTION nothing
	ret
END nothing
FUNCTION takes
	movl 8(%rsp), %eax
	movl $0, 16(%rsp)
	ret
END takes
FUNCTION never
	call vk_trap_unreachable
END never
FUNCTION case_target
case_0:	movl $1, %eax
case_1:	movl $2, %ecx
case_2:	ret
END case_target
`

// assembleCorpus links the stubs, the helpers and the cases.
func assembleCorpus(t testing.TB, cases []badCase) (*Code, map[string]elf.Symbol) {
	t.Helper()
	for _, tool := range []string{clang, "ld.lld-19"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	var s strings.Builder
	s.WriteString(helpers)
	for i, c := range cases {
		fmt.Fprintf(&s, "FUNCTION bad%d\n\t%s\nEND bad%d\n", i, strings.ReplaceAll(c.asm, ";", "\n\t"), i)
	}
	files := map[string][]byte{"corpus.S": []byte(s.String())}
	for _, name := range []string{"vk_stubs.S", "vk_layout.h"} {
		text, err := emit.Runtime.ReadFile("runtime/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			if len(out) > 3000 {
				out = out[:3000]
			}
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	run(clang, "--target=x86_64-linux-gnu", "-c", "vk_stubs.S", "-o", "stubs.o")
	run(clang, "--target=x86_64-linux-gnu", "-c", "corpus.S", "-o", "corpus.o")
	run("ld.lld-19", "-static", "--entry=0", "--image-base=0x10000", "-z", "separate-code", "-z", "norelro", "-z", "nognustack", "-o", "corpus", "stubs.o", "corpus.o")
	return readCorpus(t, filepath.Join(dir, "corpus"))
}

func readCorpus(t testing.TB, path string) (*Code, map[string]elf.Symbol) {
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	section := func(name string) Segment {
		s := f.Section(name)
		data, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		return Segment{s.Addr, data}
	}
	c := &Code{Text: section(".text"), Rodata: []Segment{section(".rodata")}, File: make([]byte, corpusArea)}
	list, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	symbols := map[string]elf.Symbol{}
	for _, s := range list {
		symbols[s.Name] = s
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			c.Funcs = append(c.Funcs, Func{s.Name, s.Value, s.Size})
		}
	}
	enter := uint32(symbols["vk_enter"].Value - c.Text.Addr)
	c.Meta = &layout.Meta{Enter: enter, Programs: []layout.Program{corpusProgram(f.Section(".text"), symbols)}}
	return c, symbols
}

// TestCorpus: each bad function is refused for its reason, and each good one is not.
func TestCorpus(t *testing.T) {
	cases := corpus()
	c, _ := assembleCorpus(t, cases)
	refused, err := Refused(c)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]*Error{}
	for _, r := range refused {
		reasons[r.Func] = r
	}
	bad := 0
	for i, b := range cases {
		name := fmt.Sprintf("bad%d", i)
		r := reasons[name]
		delete(reasons, name)
		switch {
		case b.reason == "" && r != nil:
			t.Errorf("%s is refused: %v", b.name, r)
		case b.reason != "" && r == nil:
			t.Errorf("%s is accepted, expected %q", b.name, b.reason)
		case r != nil && !strings.Contains(r.Reason, b.reason):
			t.Errorf("%s: %v, expected %q", b.name, r, b.reason)
		case r != nil && (r.Addr < r.Entry || r.Addr >= r.Entry+4096):
			t.Errorf("%s: refused at %#x, the function is at %#x", b.name, r.Addr, r.Entry)
		}
		if b.reason != "" {
			bad++
		}
	}
	for _, r := range reasons {
		t.Errorf("a helper is refused: %v", r)
	}
	t.Logf("%d bad texts, %d good ones", bad, len(cases)-bad)
}
