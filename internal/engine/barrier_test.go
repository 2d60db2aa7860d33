package engine

import "testing"

func TestBarrier(t *testing.T) {
	if !Barrier() {
		t.Skip("the host has no expedited membarrier")
	}
	if !Barrier() {
		t.Error("the second one failed")
	}
}
