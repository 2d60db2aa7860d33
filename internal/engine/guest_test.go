package engine

import (
	"os"
	"runtime/debug"
	"testing"

	"vkernel/internal/engine/enginetest"
)

// loadGuest loads the test guest.
func loadGuest(t testing.TB) *Code {
	t.Helper()
	debug.SetPanicOnFault(true) // as every goroutine that touches guest memory
	f, err := os.Open(enginetest.File(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := LoadVerified(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// start begins an export of the guest.
func start(t testing.TB, i *Instance, export string, args ...uint64) {
	t.Helper()
	for _, ex := range i.Program().Meta.Exports {
		if ex.Name == export {
			i.Start(ex.Thunk, args...)
			return
		}
	}
	t.Fatalf("no export %s", export)
}

func newGuest(t testing.TB, c *Code) *Instance {
	t.Helper()
	i, e := c.Programs()[0].New()
	if e != 0 {
		t.Fatal(e)
	}
	return i
}
