package verify

// maxSlots bounds what is known of a frame; more is forgotten, which is safe.
const maxSlots = 96

// slot is what is known of size bytes of the stack at off, which counts from where the return
// address lies: what is below is the frame, what is from 8 on are arguments.
type slot struct {
	off  int32
	size uint8
	v    value
}

// slots do not overlap; the highest comes first.
type slots []slot

// search is the first slot that does not begin above off.
func (l slots) search(off int32) int {
	from, to := 0, len(l)
	for from < to {
		if m := (from + to) / 2; l[m].off > off {
			from = m + 1
		} else {
			to = m
		}
	}
	return from
}

// find is the slot that is exactly [off, off+size), or -1.
func (l slots) find(off int32, size uint8) int {
	if i := l.search(off); i < len(l) && l[i].off == off && l[i].size == size {
		return i
	}
	return -1
}

// load is what is known of a place: it may be the low part of a slot.
func (l slots) load(off int32, size uint8) value {
	if i := l.search(off); i < len(l) && l[i].off == off && l[i].size >= size {
		return l[i].v.low(size)
	}
	return anything(size)
}

// overlap are the slots that lie in part in [off, off+size).
func (l slots) overlap(off, size int32) (from, to int) {
	from = l.search(off + size - 1)
	for to = from; to < len(l) && l[to].off+int32(l[to].size) > off; to++ {
	}
	return from, to
}

// forget drops the slots from one to another.
func (l *slots) forget(from, to int) { *l = append((*l)[:from], (*l)[to:]...) }

// store notes a value, if it is worth it, where nothing is known yet.
func (s *state) store(off int32, size uint8, v value) {
	if size > 8 || len(s.slots) >= maxSlots {
		return
	}
	if v = v.low(size); v.isAnything(size) {
		return // not worth it, even if it is equal to something
	}
	s.ownSlots()
	l := &s.slots
	i := l.search(off)
	*l = append(*l, slot{})
	copy((*l)[i+1:], (*l)[i:])
	(*l)[i] = slot{off: off, size: size, v: v}
}

// release drops what lies below off.
func (l *slots) release(off int32) {
	n := len(*l)
	for n > 0 && (*l)[n-1].off < off {
		n--
	}
	*l = (*l)[:n]
}

// mergeSlots joins what is known on another way.
func (s *state) mergeSlots(o slots, how joining) (changed bool) {
	l := s.slots
	if len(l) == 0 || len(l) == len(o) && &l[0] == &o[0] {
		return false // the same, as what is shared is not changed
	}
	kept, k := 0, 0
	for i := range l {
		t := &l[i]
		if k < len(o) && kept == i && t.off == o[k].off && t.size == o[k].size && t.v == o[k].v {
			kept, k = kept+1, k+1 // mostly
			continue
		}
		if !s.own {
			s.ownSlots()
			l = s.slots
			t = &l[i]
		}
		for k < len(o) && o[k].off > t.off {
			k++
		}
		if k == len(o) || o[k].off != t.off || o[k].size < t.size {
			changed = true
			continue
		}
		if other := &o[k]; other.size != t.size || other.v != t.v {
			low := other.v.low(t.size)
			if v := join(&t.v, &low, how); v != t.v {
				t.v, changed = v, true
				if v.isAnything(t.size) {
					continue
				}
			}
		}
		if kept != i {
			l[kept] = *t
		}
		kept++
	}
	s.slots = l[:kept]
	return changed
}
