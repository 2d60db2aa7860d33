package engine

import (
	"testing"

	"vkernel/internal/engine/layout"
)

// TestSegmentsThatTrap holds that an active segment that does not fit is no reason not to build a
// program: it traps when it starts, whatever else it would have begun with.
func TestSegmentsThatTrap(t *testing.T) {
	const rest = `
  (func $start (i32.store (i32.const 0) (i32.const 1)))
  (func (export "_start") (i32.store (i32.const 4) (i32.const 2)))
  (func (export "more") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 1)) (table.init $later (i32.const 0) (i32.const 0) (i32.const 1)))
  (data $passive "x") (elem $later func $start) (start $start))`
	for name, c := range map[string]struct {
		wat  string
		trap int
	}{
		"data, by a byte":       {`(module (memory 1) (table 1 funcref) (data (i32.const 0) "in") (data (i32.const 65535) "ab") (data (i32.const 8) "behind")` + rest, layout.TrapMemoryBounds},
		"no data, by an offset": {`(module (memory 1) (table 1 funcref) (data (i32.const 65537) "")` + rest, layout.TrapMemoryBounds},
		"elements":              {`(module (memory 1) (table 1 funcref) (elem (i32.const 1) $start)` + rest, layout.TrapTableBounds},
		"elements before data":  {`(module (memory 1) (table 1 funcref) (data (i32.const -1) "a") (elem (i32.const -1) $start)` + rest, layout.TrapTableBounds},
	} {
		code := buildWat(t, c.wat)
		p := code.Programs()[0]
		if p.Meta.Start == 0 {
			t.Errorf("%s: nothing to start with", name)
			continue
		}
		i := newGuest(t, code)
		i.Start(p.Meta.Start)
		if exit := i.Resume(0); exit != layout.ExitTrap || i.Trap().Code != c.trap {
			t.Errorf("%s: exit %d, trap %d, want trap %d", name, exit, i.Trap().Code, c.trap)
		}
		var b [8]byte
		if e := i.Memory().Read(0, b[:]); e != 0 || b[4] != 0 || b[0] == 1 {
			t.Errorf("%s: the program ran: %v %x", name, e, b)
		}
		i.Free()
	}
	code := buildWat(t, `(module (memory 1) (table 1 funcref) (data (i32.const 65536) "") (data (i32.const 65534) "ab") (elem (i32.const 1) func) (elem (i32.const 0) $start)`+rest)
	i := newGuest(t, code)
	defer i.Free()
	i.Start(code.Programs()[0].Meta.Start)
	want(t, "segments that just fit", i.Resume(0), layout.ExitReturn)
}
