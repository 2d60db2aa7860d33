package main

import "testing"

// TestV8Traps: where V8 has one name for several traps, each of them is the same, and no other (seed 61000474).
func TestV8Traps(t *testing.T) {
	for _, c := range []struct {
		ours, v8 string
		same     bool
	}{
		{overflow, "float unrepresentable in integer range", true},
		{badConversion, "float unrepresentable in integer range", true},
		{outOfBounds, "float unrepresentable in integer range", false},
		{"", "float unrepresentable in integer range", false},
		{overflow, "divide result unrepresentable", true},
		{badConversion, "divide result unrepresentable", false},
		{badType, "null function or function signature mismatch", true},
		{overflow, "null function or function signature mismatch", false},
	} {
		ours, theirs := outcome{trap: c.ours}, outcome{trap: v8Trap(c.v8)}
		if ours.same(theirs) != c.same {
			t.Errorf("%q and V8's %q: expected %v", c.ours, c.v8, c.same)
		}
	}
}
