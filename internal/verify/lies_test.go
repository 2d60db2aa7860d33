package verify

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"vkernel/internal/engine/layout"
)

// lie changes what a file says of itself.
type lie struct {
	name   string
	change func(c *Code, p *layout.Program)
	reason string
}

// rename moves the symbol of a function.
func rename(c *Code, name string, change func(f *Func)) {
	for i := range c.Funcs {
		if c.Funcs[i].Name == name {
			change(&c.Funcs[i])
		}
	}
}

func drop(c *Code, name string) {
	c.Funcs = slices.DeleteFunc(c.Funcs, func(f Func) bool { return f.Name == name })
}

func putEntry(c *Code, offset int, entry uint64) {
	binary.LittleEndian.PutUint64(c.File[corpusArea+offset:], entry)
}

func lies() []lie {
	const padding, overlaps, noStart, parts = "not padding", "overlaps", "no function starts", "instance area"
	return []lie{
		{"nothing", func(*Code, *layout.Program) {}, ""},
		{"a function starts one byte early", func(c *Code, _ *layout.Program) {
			rename(c, "nothing", func(f *Func) { f.Addr--; f.Size++ })
		}, "not the start of a function"}, // an int3 before the function belongs to it
		{"a function ends early", func(c *Code, _ *layout.Program) { rename(c, "callee", func(f *Func) { f.Size-- }) }, padding},
		{"a function is not listed", func(c *Code, _ *layout.Program) { drop(c, "never") }, padding},
		{"a function ends in the next one", func(c *Code, _ *layout.Program) { rename(c, "callee", func(f *Func) { f.Size += 16 }) }, overlaps},
		{"a function is two", func(c *Code, _ *layout.Program) {
			rename(c, "takes", func(f *Func) {
				f.Size -= 9
				c.Funcs = append(c.Funcs, Func{"half", f.Addr + f.Size, 9})
			})
		}, "runs off"},
		{"a function starts in an instruction", func(c *Code, _ *layout.Program) { rename(c, "takes", func(f *Func) { f.Addr++; f.Size-- }) }, padding},
		{"a function of no bytes", func(c *Code, _ *layout.Program) { rename(c, "callee", func(f *Func) { f.Size = 0 }) }, "not in the text"},
		{"a function beyond the text", func(c *Code, _ *layout.Program) { rename(c, "bad0", func(f *Func) { f.Size = 1 << 40 }) }, "not in the text"},
		{"a function before the text", func(c *Code, _ *layout.Program) { rename(c, "callee", func(f *Func) { f.Addr -= 1 << 20 }) }, "not in the text"},
		{"a function whose end wraps", func(c *Code, _ *layout.Program) { rename(c, "callee", func(f *Func) { f.Size = ^uint64(0) }) }, "not in the text"},
		{"no functions", func(c *Code, _ *layout.Program) { c.Funcs = nil }, "no symbol for stub"},
		{"a stub is not listed", func(c *Code, _ *layout.Program) { drop(c, "vk_exit") }, "no symbol for stub"},
		{"a stub is longer", func(c *Code, _ *layout.Program) { rename(c, "vk_exit", func(f *Func) { f.Size++ }) }, "no symbol for stub"},
		{"a stub is changed", func(c *Code, _ *layout.Program) { c.Text.Bytes[20] ^= 1 }, "does not begin with the stubs"},
		{"code in the padding", func(c *Code, _ *layout.Program) {
			rename(c, "callee", func(f *Func) { c.Text.Bytes[f.Addr+f.Size-c.Text.Addr] = 0xc3 })
		}, padding},
		{"vk_enter is elsewhere", func(c *Code, _ *layout.Program) { c.Meta.Enter++ }, "vk_enter"},
		{"an export into a function", func(_ *Code, p *layout.Program) { p.Exports = []layout.Export{{Thunk: p.Refs[0].Code + 2}} }, "not the start of a function"},
		{"an export to a stub", func(c *Code, p *layout.Program) { p.Exports = []layout.Export{{Thunk: c.Meta.Enter}} }, "not the start of a function"},
		{"an export beyond the text", func(_ *Code, p *layout.Program) { p.Exports = []layout.Export{{Thunk: 0xfffffff0}} }, "not the start of a function"},
		{"a start function into a function", func(_ *Code, p *layout.Program) { p.Start = p.Refs[0].Code + 2 }, "not the start of a function"},
		{"a reference into a function", func(_ *Code, p *layout.Program) { p.Refs[0].Code += 2 }, "not the start of a function"},
		{"a reference to a stub", func(c *Code, p *layout.Program) { p.Refs[0].Code = c.Meta.Enter }, "not the start of a function"},
		{"a reference of type 0", func(_ *Code, p *layout.Program) { p.Refs[0].Type = 0 }, "has type 0"},
		{"a reference of a type that is not there", func(_ *Code, p *layout.Program) { p.Refs[0].Type = 4 }, "has type 4"},
		{"a table entry that is no reference", func(c *Code, p *layout.Program) { putEntry(c, corpusTable+8, 1<<32|uint64(p.Refs[1].Code)) }, "not a function reference"},
		{"a table entry that is one", func(c *Code, p *layout.Program) { putEntry(c, corpusTable+8, 1<<32|uint64(p.Refs[0].Code)) }, ""},
		{"a table entry in the padding of the table", func(c *Code, p *layout.Program) { putEntry(c, corpusTable+56, 1<<32|uint64(p.Refs[1].Code)) }, "not a function reference"},
		{"a table entry into a stub", func(c *Code, _ *layout.Program) { putEntry(c, corpusTable, 1<<32|16) }, "not a function reference"},
		{"an element that is no reference", func(c *Code, _ *layout.Program) { putEntry(c, corpusElem, 1<<32|16) }, "not a function reference"},
		{"an entry of the other table", func(c *Code, _ *layout.Program) { putEntry(c, corpusExtern, 1<<32|16) }, ""},
		{"globals over a table", func(_ *Code, p *layout.Program) { p.Globals = 16 }, parts},
		{"globals beyond the area", func(_ *Code, p *layout.Program) { p.Globals = 257 }, "globals"},
		{"2^32-1 globals", func(_ *Code, p *layout.Program) { p.Globals = 1<<32 - 1 }, "globals"},
		{"a table over the control page", func(_ *Code, p *layout.Program) { p.Tables[0].Offset = -4096 }, parts},
		{"a table over the globals", func(_ *Code, p *layout.Program) { p.Tables[0].Offset = -4160 }, parts},
		{"a table above base", func(_ *Code, p *layout.Program) { p.Tables[0].Offset = 0 }, parts},
		{"a table below the area", func(_ *Code, p *layout.Program) { p.Tables[0].Offset = -8200 }, parts},
		{"a table whose padding is below another", func(_ *Code, p *layout.Program) { p.Tables[0].Cap = 1 << 20 }, parts},
		{"a table between entries", func(_ *Code, p *layout.Program) { p.Tables[0].Offset += 4 }, "not aligned"},
		{"the stack pointer is a table's entry", func(_ *Code, p *layout.Program) { p.StackPointer = corpusTable + 8 }, "stack pointer"},
		{"the stack pointer is a length word", func(_ *Code, p *layout.Program) { p.StackPointer = corpusSizes }, "stack pointer"},
		{"the stack pointer is a global", func(_ *Code, p *layout.Program) { p.StackPointer = -4160 }, ""},
		{"two tables in one place", func(_ *Code, p *layout.Program) { p.Tables[1].Offset = corpusTable }, parts},
		{"a length word in a table", func(_ *Code, p *layout.Program) { p.Elems[0].SizeOffset = corpusTable }, parts},
		{"a length word in the save area", func(_ *Code, p *layout.Program) { p.Data[0].SizeOffset = -4000 }, parts},
		{"a length word that is HostSP", func(_ *Code, p *layout.Program) { p.Data[0].SizeOffset = -8 }, parts},
		{"a length word that is a global", func(_ *Code, p *layout.Program) { p.Data[0].SizeOffset = -4112 }, parts},
		{"an area of half a page", func(_ *Code, p *layout.Program) { p.AreaSize = 2048 }, "globals"},
		{"an area beyond the file", func(_ *Code, p *layout.Program) { p.AreaFile = 4096 }, "not in the file"},
		{"an area whose end wraps", func(_ *Code, p *layout.Program) { p.AreaFile = ^uint64(0) - 4095 }, "not in the file"},
		{"code backwards", func(_ *Code, p *layout.Program) { p.Code[0][0], p.Code[0][1] = p.Code[0][1], p.Code[0][0] }, "code ["},
		{"code beyond the text", func(_ *Code, p *layout.Program) { p.Code[0][1] = 1 << 31 }, "code ["},
		{"code that ends in a function", func(_ *Code, p *layout.Program) { p.Code[0][0]++ }, "not all program"},
		{"code that has the stubs", func(_ *Code, p *layout.Program) { p.Code[0][0] = 0 }, "not all program"},
		{"code claimed twice", func(_ *Code, p *layout.Program) { p.Code = append(p.Code, p.Code[0]) }, "not all program"},
		{"code claimed by another program", func(c *Code, p *layout.Program) {
			q := *p
			q.Module = "other"
			c.Meta.Programs = append(c.Meta.Programs, q)
		}, "not all program"},
		{"the same module with another area", func(c *Code, p *layout.Program) {
			q := *p
			q.Globals++
			c.Meta.Programs = append(c.Meta.Programs, q)
		}, "have not the same code"},
		{"the same module twice", func(c *Code, p *layout.Program) {
			q := *p
			q.Name = "again"
			c.Meta.Programs = append(c.Meta.Programs, q)
		}, ""},
		{"no code", func(_ *Code, p *layout.Program) { p.Code = nil }, "not the start of a function"},
		{"data over the text", func(c *Code, _ *layout.Program) { c.Rodata[0].Addr = c.Text.Addr + 16 }, "overlaps"},
		{"data at the end of addresses", func(c *Code, _ *layout.Program) { c.Rodata[0].Addr = ^uint64(0) - 64 }, "out of order"},
		{"text at the end of addresses", func(c *Code, _ *layout.Program) { c.Text.Addr = ^uint64(0) - 64 }, "bytes of text"},
		{"no text", func(c *Code, _ *layout.Program) { c.Text.Bytes = nil }, "0 bytes of text"},
		{"the function of a program in another's code calls its", func(c *Code, p *layout.Program) {
			// The last function, which calls callee, becomes another program's.
			last := c.Funcs[len(c.Funcs)-1]
			at := uint32(last.Addr - c.Text.Addr)
			q := layout.Program{Name: "other", Module: "other", AreaSize: corpusArea, Code: [][2]uint32{{at, at + uint32(last.Size)}}}
			p.Code[0][1] = at
			c.Meta.Programs = append(c.Meta.Programs, q)
		}, "of another program"},
	}
}

// TestLies: no lie of a file about itself is believed.
func TestLies(t *testing.T) {
	good := []badCase{{"a", "movl %edi, %eax; ret", ""}, {"b", "pushq %rax; call callee; popq %rcx; ret", ""}}
	for _, l := range lies() {
		c, _ := assembleCorpusOnce(t, good)
		l.change(c, &c.Meta.Programs[0])
		_, err := Text(c)
		switch {
		case l.reason == "" && err != nil:
			t.Errorf("%s: %v", l.name, err)
		case l.reason != "" && (err == nil || !strings.Contains(err.Error(), l.reason)):
			t.Errorf("%s: %v, expected %q", l.name, err, l.reason)
		}
	}
	t.Logf("%d lies", len(lies()))
}

// assembleCorpusOnce gives a copy of what is assembled once for a test.
func assembleCorpusOnce(t *testing.T, cases []badCase) (*Code, *layout.Program) {
	key := t.Name()
	if assembled[key] == nil {
		assembled[key], _ = assembleCorpus(t, cases)
	}
	c := assembled[key].clone()
	return c, &c.Meta.Programs[0]
}

var assembled = map[string]*Code{}

// clone copies what tests change.
func (c *Code) clone() *Code {
	d := *c
	d.Text.Bytes = slices.Clone(c.Text.Bytes)
	d.Funcs = slices.Clone(c.Funcs)
	d.File = slices.Clone(c.File)
	d.Rodata = slices.Clone(c.Rodata)
	m := *c.Meta
	m.Programs = slices.Clone(m.Programs)
	for i := range m.Programs {
		p := &m.Programs[i]
		p.Refs, p.Tables, p.Elems, p.Data, p.Code = slices.Clone(p.Refs), slices.Clone(p.Tables), slices.Clone(p.Elems), slices.Clone(p.Data), slices.Clone(p.Code)
	}
	d.Meta = &m
	return &d
}
