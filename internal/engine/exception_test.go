package engine

import (
	"encoding/binary"
	"testing"

	"vkernel/internal/engine/layout"
)

// TestThrownWaits: a handler that interrupts a frame with an exception on its way up neither
// sees it nor loses it, and a jump out of the handler ends it.
func TestThrownWaits(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_nested", 2048)
	want(t, "nested", serve(t, i, 0), layout.ExitSyscall)
	thrown := i.u32(layout.Thrown)
	*thrown, i.Results()[0] = 3, [2]uint64{77, 78}
	i.Call(0, 1)
	if *thrown != 0 {
		t.Errorf("the handler sees exception %d", *thrown)
	}
	i.Results()[0] = [2]uint64{}
	i.Return()
	if *thrown != 3 || i.Results()[0] != [2]uint64{77, 78} {
		t.Errorf("after the handler: exception %d, value %v", *thrown, i.Results()[0])
	}
	i.Call(5, 2048)
	want(t, "jump out", serve(t, i, 0), layout.ExitReturn)
	if *thrown != 0 || i.Results()[0][0] != 5 {
		t.Errorf("after a jump: exception %d, result %d", *thrown, i.Results()[0][0])
	}
}

// TestForeignReferences: a number that is no reference of the instance throws nothing.
func TestForeignReferences(t *testing.T) {
	c := loadGuest(t)
	i, other := newGuest(t, c), newGuest(t, c)
	defer i.Free()
	defer other.Free()
	*i.u32(layout.Thrown), *other.u32(layout.Thrown) = 3, 3
	own, foreign := i.saveException(1), other.saveException(1)
	for _, ref := range []uint64{0, 1, foreign, own + 1, own + 1<<indexBits, ^uint64(0)} {
		if i.loadException(ref) != 0 {
			t.Errorf("reference %#x was accepted (own %#x, foreign %#x)", ref, own, foreign)
		}
	}
	if i.loadException(own) != 1 {
		t.Error("its own was not")
	}
	i.collect() // nothing refers to it
	if i.loadException(own) != 0 {
		t.Error("a freed reference was accepted")
	}
}

// TestExceptionBounds: what a guest can make the engine keep for it is bounded.
func TestExceptionBounds(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	*i.u32(layout.Thrown) = 3
	for _, values := range []int{0, 1, layout.MaxPayload} {
		i.exceptions = nil
		n := 0
		for ; n <= maxExceptions; n++ {
			ref := i.saveException(values)
			if ref == 0 {
				break
			}
			i.exceptions.find(ref).marked = true // as if something referred to it; collect takes the mark away
			if i.exceptions.limit < maxExceptions {
				i.exceptions.limit = maxExceptions
			}
		}
		if want := min(maxExceptions, maxValues/max(values, 1)); n != want || i.exceptions.held > maxValues {
			t.Errorf("%d exceptions of %d values, expected %d", n, values, want)
		}
	}
}

// BenchmarkCollect looks for garbage where there is most to look through: the whole stack in use, and as many
// exceptions and values as there may be, all of them referred to.
func BenchmarkCollect(b *testing.B) {
	i := newFull(b)
	defer i.Free()
	for b.Loop() {
		i.collect()
	}
}

// newFull has filled its stack with references to the most exceptions.
func newFull(t testing.TB) *Instance {
	i := newGuest(t, loadGuest(t))
	start(t, i, "x_overflow")
	want(t, "overflow", i.Resume(0), layout.ExitTrap)
	*i.u32(layout.Thrown) = 3
	stack := i.usedStack()
	for k := 0; ; k++ {
		values := min(1, maxValues-k)
		if k%2 == 0 {
			values = maxValues/maxExceptions*2 - 1
		}
		if i.exceptions != nil {
			i.exceptions.limit = maxExceptions
		}
		ref := i.saveException(values)
		if ref == 0 || k == maxExceptions-1 {
			return i
		}
		binary.LittleEndian.PutUint64(stack[len(stack)-8*(k+1):], ref)
	}
}
