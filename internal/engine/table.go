package engine

import (
	"encoding/binary"
	"runtime/debug"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// Tables of functions are written here and nowhere else: compiled code that could write one
// could call whatever it likes. A table's words lie in the instance area; every number that
// the guest gives is checked against the metadata.

// outOfBounds is the answer to compiled code, which then traps.
const outOfBounds = 1

// tableOperation serves ExitTable.
func (i *Instance) tableOperation(op uint64) uint64 {
	a := i.Args()
	ok := false
	switch op {
	case layout.TableSet:
		ok = i.tableFill(a[0], a[1], a[2], 1)
	case layout.TableFill:
		ok = i.tableFill(a[0], a[1], a[2], a[3])
	case layout.TableCopy:
		ok = i.tableCopy(a[0], a[1], a[2], a[3], a[4])
	case layout.TableInit:
		ok = i.tableInit(a[0], a[1], a[2], a[3], a[4])
	case layout.TableGrow:
		return i.tableGrow(a[0], a[1], a[2])
	case layout.MemoryInit:
		ok = i.memoryInit(a[0], a[1], a[2], a[3])
	}
	if !ok {
		return outOfBounds
	}
	return 0
}

// table gives the current entries of a table; nil if there is no such table.
func (i *Instance) table(n uint64) (*layout.Table, []byte) {
	tables := i.p.Meta.Tables
	if n >= uint64(len(tables)) {
		return nil, nil
	}
	t := &tables[n]
	return t, i.areaBytes(t.Offset, min(*i.u32(int(t.SizeOffset)), t.Cap))
}

// areaBytes gives n entries at an offset from base.
func (i *Instance) areaBytes(offset int32, n uint32) []byte {
	return bytesAt(i.base+uintptr(int(offset)), uintptr(n)*layout.EntrySize)
}

// someEntries gives entries [at, at+n) of b.
func someEntries(b []byte, at, n uint64) ([]byte, bool) {
	size := uint64(len(b)) / layout.EntrySize
	if at > size || n > size-at {
		return nil, false
	}
	return b[at*layout.EntrySize : (at+n)*layout.EntrySize], true
}

// mayHold tells whether a value may stand in a table: in one of functions only null and the
// references that there are.
func (p *Program) mayHold(t *layout.Table, v uint64) bool {
	if t.Extern || v == 0 {
		return true
	}
	p.refsOnce.Do(func() {
		p.refs = make(map[uint64]struct{}, len(p.Meta.Refs))
		for _, r := range p.Meta.Refs {
			p.refs[uint64(r.Type)<<32|uint64(r.Code)] = struct{}{}
		}
	})
	_, ok := p.refs[v]
	return ok
}

func (i *Instance) tableFill(n, at, v, count uint64) bool {
	t, entries := i.table(n)
	to, ok := someEntries(entries, at, count)
	if t == nil || !ok || !i.p.mayHold(t, v) {
		return false
	}
	fillEntries(to, v)
	return true
}

func fillEntries(to []byte, v uint64) {
	for k := 0; k < len(to); k += layout.EntrySize {
		binary.LittleEndian.PutUint64(to[k:], v)
	}
}

func (i *Instance) tableCopy(dst, src, to, from, count uint64) bool {
	d, dstEntries := i.table(dst)
	s, srcEntries := i.table(src)
	if d == nil || s == nil || d.Extern != s.Extern {
		return false
	}
	x, ok1 := someEntries(dstEntries, to, count)
	y, ok2 := someEntries(srcEntries, from, count)
	if !ok1 || !ok2 {
		return false
	}
	copy(x, y)
	return true
}

func (i *Instance) tableInit(dst, segment, to, from, count uint64) bool {
	t, entries := i.table(dst)
	if t == nil || segment >= uint64(len(i.p.Meta.Elems)) {
		return false
	}
	s := &i.p.Meta.Elems[segment]
	x, ok1 := someEntries(entries, to, count)
	y, ok2 := someEntries(i.areaBytes(s.Offset, min(*i.u32(int(s.SizeOffset)), s.Count)), from, count)
	if !ok1 || !ok2 {
		return false
	}
	copy(x, y)
	return true
}

// tableGrow gives the old size, or -1 as 32 bits.
func (i *Instance) tableGrow(n, v, count uint64) uint64 {
	const failed = 1<<32 - 1
	t, entries := i.table(n)
	if t == nil || !i.p.mayHold(t, v) {
		return failed
	}
	size := uint64(len(entries)) / layout.EntrySize
	if count > uint64(t.Cap)-size {
		return failed
	}
	*i.u32(int(t.SizeOffset)) = uint32(size + count)
	_, entries = i.table(n)
	fillEntries(entries[size*layout.EntrySize:], v)
	return size
}

// memoryInit copies from a data segment. What is not mapped is out of bounds: above memory.size
// something is, if the program asks for mappings.
func (i *Instance) memoryInit(segment, to, from, count uint64) bool {
	if segment >= uint64(len(i.p.Meta.Data)) {
		return false
	}
	s := &i.p.Meta.Data[segment]
	size := uint64(min(*i.u32(int(s.SizeOffset)), s.Size))
	memory := uint64(*i.u32(layout.Pages)) * wasmPage
	if i.p.maps {
		memory = memorySize
	}
	if from > size || count > size-from || to > memory || count > memory-to {
		return false
	}
	if count == 0 {
		return true
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	return i.Memory().Write(uint32(to), i.p.code.image[s.File+from:][:count]) == linux.Errno(0)
}
