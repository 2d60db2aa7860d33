package syscalls

import (
	"testing"

	"vkernel/internal/linux"
)

// TestPtraceIsRefused, whatever it asks for.
func TestPtraceIsRefused(t *testing.T) {
	c, ok := Lookup("ptrace")
	if !ok || c.Level != Denied {
		t.Fatal("ptrace is not in the table as denied")
	}
	for request := range uint64(50) {
		if _, e := c.Handler(nil, Args{request, 1}); e != linux.EPERM {
			t.Errorf("request %d: %v", request, e)
		}
	}
}
