package gen

import "vkernel/internal/wasm"

// encodeElements fills the beginning of the first table, and makes the passive segments, one
// that declares all functions, and the active ones of other tables.
func (m *module) encodeElements(b *bytes) {
	more := m.filled()
	b.u(uint64(2 + len(m.elems) + len(more)))
	b.put(0, byte(wasm.OpI32Const), 0, byte(wasm.OpEnd))
	m.encodeFuncs(b, m.tables[0].holds)
	for _, s := range m.elems {
		m.encodePassive(b, s)
	}
	b.put(3, 0)
	all := make([]int, len(m.funcs))
	for i := range all {
		all[i] = i
	}
	m.encodeFuncs(b, all)
	for _, n := range more {
		b.put(2)
		b.u(uint64(n))
		b.put(byte(wasm.OpI32Const), 0, byte(wasm.OpEnd), 0)
		m.encodeFuncs(b, m.tables[n].holds)
	}
}

// filled are the tables but the first that hold something.
func (m *module) filled() (list []int) {
	for n, t := range m.tables {
		if n > 0 && len(t.holds) > 0 {
			list = append(list, n)
		}
	}
	return list
}

// encodePassive writes a segment by function indices, or by expressions.
func (m *module) encodePassive(b *bytes, s segment) {
	if s.elem == wasm.FuncRef && m.chance(2) {
		b.put(1, 0)
		list := make([]int, s.n)
		for i := range list {
			list[i] = m.r.IntN(len(m.funcs))
		}
		m.encodeFuncs(b, list)
		return
	}
	b.put(5, byte(s.elem))
	b.u(uint64(s.n))
	for range s.n {
		if s.elem == wasm.FuncRef && !m.chance(3) {
			b.put(byte(wasm.OpRefFunc))
			b.u(uint64(m.r.IntN(len(m.funcs))))
		} else {
			b.put(byte(wasm.OpRefNull), byte(s.elem))
		}
		b.put(byte(wasm.OpEnd))
	}
}

func (m *module) encodeFuncs(b *bytes, list []int) {
	b.u(uint64(len(list)))
	for _, k := range list {
		b.u(uint64(k))
	}
}

// active counts active data segments.
func (m *module) active() int { return 3 }

func (m *module) encodeData(b *bytes) {
	b.u(uint64(len(m.passive) + m.active()))
	for _, n := range m.passive {
		b.put(1)
		m.encodeBytes(b, n)
	}
	size := m.pages << 16
	for i := range m.active() {
		n := min(size, m.r.IntN(300))
		at := m.r.IntN(size - n + 1)
		switch {
		case i == 1: // to the end
			at = size - n
		case i == 2: // nothing, at the end
			n, at = 0, size
			if m.wild && m.chance(64) { // instantiation fails
				at++
			}
		}
		b.put(0, byte(wasm.OpI32Const))
		b.s(int64(int32(at)))
		b.put(byte(wasm.OpEnd))
		m.encodeBytes(b, n)
	}
}

func (m *module) encodeBytes(b *bytes, n int) {
	b.u(uint64(n))
	for range n {
		b.put(byte(m.r.Uint32()))
	}
}
