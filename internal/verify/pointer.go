package verify

// lea is the address that an instruction computes.
func (w *walker) lea(in *inst, s *state) value {
	m := &in.mem
	if m.rip {
		return w.pointerTo(w.next(in)+m.disp, in.size)
	}
	if in.size == 8 && m.base != noReg && s.regs[m.base].kind() == kRodata {
		b := s.regs[m.base]
		i := constant(0)
		if m.index != noReg {
			i = s.regs[m.index]
		}
		if i.kind() != kRange || i.lo < minRead || i.hi > maxRead {
			return unknown
		}
		scale := int64(m.scale)
		return inData(b.lo+m.disp+i.lo*scale, b.hi+m.disp+i.hi*scale)
	}
	if in.size == 4 {
		return w.lea32(m, s)
	}
	if m.base != noReg && m.index != noReg && m.scale == 1 && m.disp == 0 {
		if v, ok := w.addPointer(&s.regs[m.base], &s.regs[m.index], in.size); ok {
			return v
		}
	}
	if v, ok := w.address(m, s); ok {
		return v
	}
	return unknown
}

// inData is an address in read-only data, or not far from it.
func inData(lo, hi int64) value {
	const most = 1 << 50
	if lo < -most || hi > most {
		return unknown
	}
	return value{meta: uint64(kRodata), lo: lo, hi: hi}
}

// lea32 computes with the low halves.
func (w *walker) lea32(m *memory, s *state) value {
	v := constant(m.disp)
	if m.base != noReg {
		b := s.regs[m.base].low(4)
		if b.kind() != kRange {
			return unknown32
		}
		v = add(8, &v, &b)
	}
	if m.index != noReg {
		i := s.regs[m.index].low(4)
		if i.kind() != kRange {
			return unknown32
		}
		for n := m.scale; n > 1; n /= 2 {
			i = add(8, &i, &i)
			i.setTZ(i.tz() + 1)
		}
		v = add(8, &v, &i)
	}
	return as32(v.lo, v.hi, v.tz())
}

// pointerTo is an address at a fixed distance from the text.
func (w *walker) pointerTo(addr int64, size uint8) value {
	off := addr - int64(w.v.base)
	switch {
	case size != 8:
		return unknown32
	case off >= 0 && off < int64(len(w.v.text)):
		return value{meta: uint64(kCode), lo: addr, hi: addr}
	case w.v.rodata(addr, 0) != nil:
		return value{meta: uint64(kRodata), lo: addr, hi: addr}
	}
	return unknown
}

// addPointer is the sum of a pointer and something else, where that is of use.
func (w *walker) addPointer(a, b *value, size uint8) (value, bool) {
	if size != 8 {
		return value{}, false
	}
	if b.kind() == kRodata || b.kind() == kCode {
		a, b = b, a
	}
	switch {
	case a.kind() == kRodata && b.kind() == kJump && a.lo == a.hi:
		base := a.lo - int64(w.v.roLow)
		if base < 0 || base > max32 {
			return value{}, false
		}
		return value{meta: uint64(kTarget) | uint64(uint32(base))<<idShift, lo: b.lo, hi: b.hi}, true
	case a.kind() == kRodata && b.kind() == kRange && b.lo >= minRead && b.hi <= maxRead:
		return inData(a.lo+b.lo, a.hi+b.hi), true
	case a.kind() == kCode && b.kind() == kElemLow && a.lo == int64(w.v.base):
		v := *b
		v.setKind(kCallee)
		return v, true
	}
	return value{}, false
}
