package engine

import (
	"testing"

	"vkernel/internal/engine/layout"
)

// TestIdlePages counts what a small instance that waits in a call has below its memory: the control page,
// and one for the rest of the area and the used stack.
func TestIdlePages(t *testing.T) {
	i := newGuest(t, buildWat(t, program))
	defer i.Free()
	start(t, i, "_start")
	want(t, "getpid", i.Resume(0), layout.ExitSyscall)
	pages := uintptr(0)
	e := i.p.code.pagemap.classes(i.stackLow, i.base-i.stackLow, func(_, size uintptr, private bool) {
		if private {
			pages += size / pageSize
		}
	})
	if e != 0 || pages != 2 {
		t.Errorf("%d pages, %v", pages, e)
	}
	if top := i.at + i.p.stackTop; top <= i.base-uintptr(i.p.Meta.AreaSize) || top > i.base-layout.Control-uintptr(i.p.Meta.Globals)*layout.GlobalSize {
		t.Errorf("the stack's top is at -%#x", i.base-top)
	}
}
