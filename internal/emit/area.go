package emit

import (
	"encoding/binary"
	"fmt"

	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// area says where the parts of the instance area lie, as offsets from base. From base
// down: control page, globals, length words, tables, passive element segments. Passive data
// segments, which may be large, are read-only data of the ELF.
type area struct {
	next    int64 // below which the next part goes
	globals []int64
	tables  []table
	elems   []segment
	data    []int64 // offsets of the length words of data segments
	grows   []bool  // tables that some table.grow names
}

// table is a table: cap entries, padded to mask+1, its length in the word at length.
type table struct {
	offset, length int64
	min, cap       uint32
	mask           uint32
	fixed          bool // never grows: its length is min
	extern         bool // not of functions
}

// segment is a passive element segment; the word at length is 0 once it is dropped.
type segment struct {
	offset, length int64
}

// Limits of a program's instance area.
const (
	maxArea    = 16 << 20 // the engine's limit: each instance copies its area
	tableSpare = 1024     // entries that a table without a maximum can grow by
	maxCap     = 1 << 20
)

// alloc takes size bytes below what is there.
func (a *area) alloc(size, align int64) int64 {
	a.next = (a.next - size) &^ (align - 1)
	return a.next
}

func (p *program) layoutArea() error {
	a := &p.area
	a.next = -layout.Control
	for range p.m.NumGlobals() {
		a.globals = append(a.globals, a.alloc(layout.GlobalSize, 16))
	}
	for i := range p.m.NumTables() {
		t, _ := p.m.TableTypeOf(i)
		tab, err := p.newTable(i, t.Limits)
		if err != nil {
			return err
		}
		tab.extern = t.Elem != wasm.FuncRef
		a.tables = append(a.tables, tab)
	}
	a.elems, a.data = make([]segment, len(p.m.Elems)), make([]int64, len(p.m.Data))
	for i := range a.elems {
		a.elems[i].length = a.alloc(4, 4)
	}
	for i := range a.data {
		a.data[i] = a.alloc(4, 4)
	}
	p.layoutEntries()
	if a.next < -maxArea {
		return fmt.Errorf("globals, tables and element segments take %d bytes, at most %d are supported", -a.next, maxArea)
	}
	size := (-a.next + 4095) &^ 4095
	p.out.Area = make([]byte, size)
	p.out.Program.AreaSize = uint32(size)
	p.put32(layout.Pages, p.out.Program.Memory.Min)
	for _, t := range a.tables {
		p.put32(t.length, t.min)
		p.out.Program.Tables = append(p.out.Program.Tables, layout.Table{Offset: int32(t.offset), SizeOffset: int32(t.length), Cap: t.cap, Extern: t.extern})
	}
	p.out.Program.Globals = uint32(len(a.globals))
	for i, s := range a.elems {
		e := layout.ElemSegment{Offset: int32(s.offset), SizeOffset: int32(s.length)}
		if p.m.Elems[i].Mode == wasm.Passive {
			e.Count = uint32(len(p.m.Elems[i].Inits))
		} else {
			e.Offset = int32(s.length)
		}
		p.out.Program.Elems = append(p.out.Program.Elems, e)
	}
	for _, at := range a.data {
		p.out.Program.Data = append(p.out.Program.Data, layout.DataSegment{SizeOffset: int32(at)})
	}
	return nil
}

// layoutEntries places the large parts, below all words.
func (p *program) layoutEntries() {
	a := &p.area
	for i := range a.tables {
		a.tables[i].offset = a.alloc(layout.EntrySize*(int64(a.tables[i].mask)+1), 8)
	}
	for i := range a.elems {
		if p.m.Elems[i].Mode == wasm.Passive {
			a.elems[i].offset = a.alloc(layout.EntrySize*int64(len(p.m.Elems[i].Inits)), 8)
		}
	}
}

func (p *program) newTable(i uint32, l wasm.Limits) (table, error) {
	t := table{min: l.Min, cap: l.Min, fixed: true}
	if p.area.grows[i] {
		t.fixed = false
		t.cap = l.Min + tableSpare
		if l.HasMax && (l.Max < t.cap || l.Max <= maxCap/16) {
			t.cap = l.Max
		}
	}
	if l.Min > maxCap {
		return t, fmt.Errorf("table %d: %d entries, at most %d are supported", i, l.Min, maxCap)
	}
	size := uint32(1)
	for size < t.cap {
		size *= 2
	}
	t.mask = size - 1
	t.length = p.area.alloc(4, 4)
	return t, nil
}

// addRef notes that there are references to function i.
func (p *program) addRef(i uint32) {
	if !p.referred[i] {
		p.referred[i] = true
		p.out.Refs = append(p.out.Refs, Ref{p.symbol('f', i), p.typeID(i)})
	}
}

// at is the place in the image of an offset from base.
func (p *program) at(offset int64) []byte { return p.out.Area[int64(len(p.out.Area))+offset:] }

func (p *program) put32(offset int64, v uint32) { binary.LittleEndian.PutUint32(p.at(offset), v) }

// put writes a constant to a word of 8 bytes (16 for a v128).
func (p *program) put(offset int64, c constant) {
	if c.isFunc {
		p.addRef(c.fn)
		p.out.Fixups = append(p.out.Fixups, Fixup{uint32(int64(len(p.out.Area)) + offset), p.symbol('f', c.fn)})
		p.put32(offset+4, p.typeID(c.fn))
		return
	}
	binary.LittleEndian.PutUint64(p.at(offset), c.bits)
	if c.high != 0 {
		binary.LittleEndian.PutUint64(p.at(offset+8), c.high)
	}
}
