package vfs

import (
	"sync"
	"testing"
)

func TestWriters(t *testing.T) {
	var w Writers
	for range 2 {
		if !w.BeginWrite() || w.DenyWrite() {
			t.Error("executed while somebody writes")
		}
	}
	w.EndWrite()
	if w.DenyWrite() {
		t.Error("executed while one writes")
	}
	w.EndWrite()
	for range 2 {
		if !w.DenyWrite() || w.BeginWrite() {
			t.Error("written to while executed")
		}
	}
	w.AllowWrite()
	if w.BeginWrite() {
		t.Error("written to while executed")
	}
	w.AllowWrite()
	if !w.BeginWrite() {
		t.Error("not written to although nobody executes")
	}
}

// TestWritersExclude lets many try both at once: never is one granted beside the other.
func TestWritersExclude(t *testing.T) {
	var w Writers
	var mu sync.Mutex
	writing, executing := 0, 0
	count := func(n *int, by int) {
		mu.Lock()
		defer mu.Unlock()
		if *n += by; writing > 0 && executing > 0 {
			t.Errorf("%d write, %d execute", writing, executing)
		}
	}
	var all sync.WaitGroup
	for k := range 8 {
		begin, end, n := w.BeginWrite, w.EndWrite, &writing
		if k%2 == 0 {
			begin, end, n = w.DenyWrite, w.AllowWrite, &executing
		}
		all.Go(func() {
			for range 2000 {
				if begin() {
					count(n, 1)
					count(n, -1)
					end()
				}
			}
		})
	}
	all.Wait()
}
