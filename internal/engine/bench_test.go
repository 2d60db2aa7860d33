package engine

import (
	"testing"

	"vkernel/internal/engine/layout"
)

// BenchmarkNewFree makes, enters and frees an instance that dirties a few pages.
func BenchmarkNewFree(b *testing.B) {
	c := loadGuest(b)
	p := c.Programs()[0]
	for b.Loop() {
		i, e := p.New()
		if e != 0 {
			b.Fatal(e)
		}
		start(b, i, "x_add", 1, 2)
		if i.Resume(0) != layout.ExitReturn {
			b.Fatal("left otherwise")
		}
		i.Free()
	}
}

// BenchmarkNewFresh is New where no slot is ready.
func BenchmarkNewFresh(b *testing.B) {
	c := loadGuest(b)
	p := c.Programs()[0]
	for b.Loop() {
		at, e := p.code.slots.take()
		if e != 0 {
			b.Fatal(e)
		}
		if e := p.furnish(at); e != 0 {
			b.Fatal(e)
		}
		i := newInstance(p, at)
		start(b, i, "x_add", 1, 2)
		i.Resume(0)
		p.strip(at)
		p.code.slots.give(at)
	}
}

// BenchmarkFork forks a process with 60 dirty pages and frees the child.
func BenchmarkFork(b *testing.B) {
	c := loadGuest(b)
	parent := newGuest(b, c)
	start(b, parent, "x_deep", 50)
	parent.Resume(0)
	m := parent.Memory()
	for k := range uint32(60) {
		m.Write(k*pageSize, []byte{1})
	}
	for b.Loop() {
		child := fork(b, parent)
		if child.Resume(0) != layout.ExitReturn {
			b.Fatal("left otherwise")
		}
		child.Free()
	}
	parent.Free()
}

// BenchmarkKick is a kick of an instance that is out, and its answer.
func BenchmarkKick(b *testing.B) {
	i := newGuest(b, loadGuest(b))
	start(b, i, "x_calls", 1<<40)
	i.Resume(0)
	for b.Loop() {
		i.Kick()
		i.Resume(0)
	}
	i.Free()
}
