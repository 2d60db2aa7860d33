package verify

import "slices"

// A call of setjmp may return again, when the frame has changed. What was known of the stack at
// the first return still holds then, if it is not written meanwhile: that is, until the word
// Records is set back, after which the record is dead. So everything known at the call is
// pinned: nothing that runs while the record may be alive writes there. Where something does,
// the place is not pinned, and the function is verified again: what is not pinned is not known
// after the call. If a function makes setjmp return into it needs it, that refuses it.

// pin is a place on the stack.
type pin struct{ off, size int32 }

// pin keeps a place that is known when setjmp is called. It reports false if something writes
// there.
func (w *walker) pin(off, size int32) bool {
	switch {
	case slices.Contains(w.unpinned, off):
		return false
	case !slices.Contains(w.pins, pin{off, size}):
		w.pins = append(w.pins, pin{off, size})
		w.again = true // places that were passed before are looked at again
	}
	return true
}

// mayChange tells whether a place may be written while control may come back to a setjmp. If
// not, it will be in the next attempt.
func (w *walker) mayChange(off, size int32) bool {
	for _, p := range w.pins {
		if p.off < off+size && off < p.off+p.size && !slices.Contains(w.unpinned, p.off) {
			w.unpinned = append(w.unpinned, p.off)
			w.again = true
			return false
		}
	}
	return true
}

// lowestPin is where the lowest pinned place lies.
func (w *walker) lowestPin() int32 {
	low := int32(0)
	for _, p := range w.pins {
		if !slices.Contains(w.unpinned, p.off) {
			low = min(low, p.off)
		}
	}
	return low
}
