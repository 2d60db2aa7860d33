package proc

import "testing"

func TestArgumentsAreBounded(t *testing.T) {
	f := newForest(t, 10)
	p := f.plant()
	image := &Image{Argv: []string{"a", "b"}, Env: []string{"C=1"}}
	if !image.hold(&f.Arguments) || f.Arguments.used.Load() == 0 {
		t.Fatal("not counted")
	}
	p.image.Store(image)
	kid := f.grow(p)
	f.end(kid, 0)
	if f.Arguments.used.Load() != image.size {
		t.Errorf("%d bytes in use while the parent lives, want %d", f.Arguments.used.Load(), image.size)
	}
	child, e := p.Thread().child(17)
	if e != 0 {
		t.Fatal(e)
	}
	child.discard()
	f.end(p, 0)
	if n := f.Arguments.used.Load(); n != 0 {
		t.Errorf("%d bytes in use after all have ended", n)
	}
	if f.Arguments.Take(maxArguments + 1) {
		t.Error("more than there is")
	}
}
