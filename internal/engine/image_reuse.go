package engine

import (
	"slices"

	"vkernel/internal/linux"
)

// maxImageIdle is how many slots an image keeps ready.
const maxImageIdle = 256

func (m *Image) takeIdle() (idleSlot, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.idle)
	if n == 0 {
		return idleSlot{}, false
	}
	s := m.idle[n-1]
	m.idle = m.idle[:n-1]
	return s, true
}

func (m *Image) putIdle(s idleSlot) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dropped || len(m.idle) >= maxImageIdle {
		return false
	}
	m.idle = append(m.idle, s)
	return true
}

// returnIdle puts back what takeIdle gave.
func (m *Image) returnIdle(s idleSlot) {
	if !m.putIdle(s) {
		m.giveBack(s)
	}
}

// Drop ends the image: instances that were made from it go on. No new one may be made.
func (m *Image) Drop() {
	m.p.removeImage(m)
	m.mu.Lock()
	idle := m.idle
	m.idle, m.dropped = nil, true
	m.mu.Unlock()
	for _, s := range idle {
		m.giveBack(s)
	}
	if m.layer != nil {
		m.layer.drop()
	}
}

// Trim gives up the slots that wait for the next instance, and the memory in them. It reports
// whether there were any.
func (m *Image) Trim() bool {
	m.mu.Lock()
	idle := m.idle
	m.idle = nil
	m.mu.Unlock()
	for _, s := range idle {
		m.giveBack(s)
	}
	return len(idle) > 0
}

// TrimImages does so for all images.
func (c *Code) TrimImages() (some bool) {
	for _, p := range c.programs {
		p.mu.Lock()
		images := slices.Clone(p.images)
		p.mu.Unlock()
		for _, m := range images {
			some = m.Trim() || some
		}
	}
	return some
}

func (p *Program) addImage(m *Image) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.images = append(p.images, m)
}

func (p *Program) removeImage(m *Image) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.images = slices.DeleteFunc(p.images, func(o *Image) bool { return o == m })
}

// giveBack makes an idle slot a blank one.
func (m *Image) giveBack(s idleSlot) {
	m.p.code.slots.keep(-s.pages)
	if m.p.strip(s.at) == 0 {
		m.p.code.slots.give(s.at)
	}
}

// recycle takes the slot of an instance that ends, if its memory is still laid out by the image, with
// every private page as the image has it. If it reports false the slot is to be reset as any other.
func (m *Image) recycle(i *Instance) bool {
	relaid := i.changed || m.mixed
	i.changed = true // for the program's reset, if it comes to that
	if i.foreign || i.memory.Load() != nil || m.gone() || !m.describes(i) {
		return false
	}
	i.shrinkStack(i.at + m.p.stackLow)
	if i.unlimitStack() != 0 {
		return false
	}
	low := i.base + m.p.guard
	if relaid && mprotect(low, memorySize-m.p.guard, ProtRead|ProtWrite) != 0 {
		return false
	}
	pages, e := m.reset(i, relaid)
	if e != 0 {
		return false
	}
	if relaid && m.protect(i, false) != 0 || !m.putIdle(idleSlot{i.at, pages}) {
		m.p.code.slots.keep(-pages)
		return false
	}
	i.cutParts(hole{0, memorySize})
	return true
}

func (m *Image) gone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropped
}

// describes tells whether an instance still has all that its slot had from the image.
func (m *Image) describes(i *Instance) bool {
	if len(i.parts) != len(m.parts) || !slices.Equal(i.holes, m.holes) {
		return false
	}
	for k, p := range i.parts {
		if p.layer != m.layer || p.hole != m.parts[k] {
			return false
		}
	}
	return true
}

// reset gives the private pages of a slot their first content, and counts them. They are kept
// within the budget of idle slots, or it is EAGAIN.
func (m *Image) reset(i *Instance, relaid bool) (int, linux.Errno) {
	p := m.p
	buf, ok := p.code.runs.Get().(*[slotRuns]run)
	if !ok {
		buf = new([slotRuns]run)
	}
	defer p.code.runs.Put(buf)
	runs, size := buf[:0], uintptr(0)
	scan := func(low, high uintptr) linux.Errno {
		return p.code.pagemap.classes(low, high-low, func(at, n uintptr, private bool) {
			i.resident += uint64(n)
			if !private {
				return
			}
			if size += n; len(runs) < slotRuns {
				runs = append(runs, run{at, n})
			}
		})
	}
	e := scan(i.at+p.stackLow, i.base)
	if relaid && e == 0 {
		e = scan(i.base+p.guard, i.base+memorySize)
	}
	for _, h := range m.open {
		if !relaid && e == 0 {
			e = scan(i.base+uintptr(h.start), i.base+uintptr(h.end))
		}
	}
	pages := int(size / pageSize)
	if e != 0 || len(runs) == slotRuns || pages > slotPages || !p.code.slots.keep(pages) {
		return 0, linux.EAGAIN
	}
	for _, r := range runs {
		m.rewrite(i, r)
	}
	return pages, 0
}

// rewrite gives a run of pages its first content: the frozen stack and area, the layer's
// pages, the program's image, zero.
func (m *Image) rewrite(i *Instance, r run) {
	from, end := r.at, r.at+r.size
	put := func(at uintptr, content []byte) {
		low, high := max(from, at), min(end, at+uintptr(len(content)))
		if low >= high {
			return
		}
		clear(bytesAt(from, low-from))
		copy(bytesAt(low, high-low), content[low-at:])
		from = high
	}
	if from < i.base {
		put(i.at+m.p.stackTop-uintptr(len(m.stack)), m.stack)
		put(i.base-uintptr(len(m.area)), m.area)
	}
	for _, h := range m.parts {
		if i.base+uintptr(h.end) <= from {
			continue
		}
		if i.base+uintptr(h.start) >= end {
			break
		}
		m.rewriteProgram(i, put, from, i.base+uintptr(h.start))
		put(i.base+uintptr(h.start), bytesAt(m.layer.window+uintptr(h.start-m.layer.span.start), uintptr(h.size())))
	}
	m.rewriteProgram(i, put, from, end)
	clear(bytesAt(from, end-from))
}

// rewriteProgram writes what of the program's image lies in a range outside of the parts.
func (m *Image) rewriteProgram(i *Instance, put func(uintptr, []byte), from, end uintptr) {
	if from >= end || end <= i.base {
		return
	}
	start := uint64(max(from, i.base) - i.base)
	first := uint64(m.p.Meta.Memory.ImageStart)
	for _, h := range m.p.imageWithout(start, uint64(end-i.base), m.holes) {
		put(i.base+uintptr(h.start), m.p.memory[h.start-first:h.end-first])
	}
}
