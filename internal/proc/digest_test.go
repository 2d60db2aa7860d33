package proc

import (
	"crypto/sha256"
	"strings"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// growing is a file that was empty when it was looked at, and has size bytes when it is read: a memfd
// that a thread of the guest extends while another one executes it.
type growing struct {
	vfs.BaseFile
	size    int64
	reads   int
	reading func()
}

func (g *growing) Stat() (linux.Stat, linux.Errno) { return linux.Stat{}, 0 }

func (g *growing) Write([]byte, int64) (int, linux.Errno) { return 0, linux.EBADF }

func (g *growing) Read(p []byte, off int64) (int, linux.Errno) {
	g.reads++
	if off > largeFile {
		g.reading()
	}
	return int(min(int64(len(p)), g.size-off)), 0
}

// TestGrowingFile: a file that grows while it is hashed is read as a large one is, in large pieces
// and one at a time.
func TestGrowingFile(t *testing.T) {
	var d digests
	g := &growing{size: largeFile + 2*hashStep}
	g.reading = func() {
		if d.large.TryLock() {
			d.large.Unlock()
			t.Error("a large file does not wait for its turn")
		}
	}
	if _, e := d.of(g, func() bool { return false }); e != 0 {
		t.Fatal(e)
	}
	if most := int(g.size/hashStep) + 3; g.reads > most {
		t.Errorf("%d reads, want at most %d", g.reads, most)
	}
	if !d.large.TryLock() {
		t.Error("the turn is not given back")
	}
}

// TestLargeFileGivesUp: who waits for the turn of a large file can be killed.
func TestLargeFileGivesUp(t *testing.T) {
	var d digests
	d.large.Lock()
	asked := 0
	g := &growing{size: 2 * largeFile, reading: func() {}}
	_, e := d.of(g, func() bool { asked++; return g.reads > largeFile/hashStep && asked > 40 })
	if e != linux.EINTR {
		t.Error(e)
	}
}

// listed is a file whose digest is known.
type listed struct {
	vfs.BaseFile
	text   string
	sum    [32]byte
	known  bool
	stable bool
	read   int
}

func (l *listed) Stat() (linux.Stat, linux.Errno) { return linux.Stat{Size: int64(len(l.text))}, 0 }

func (l *listed) Write([]byte, int64) (int, linux.Errno) { return 0, linux.EBADF }

func (l *listed) Read(p []byte, off int64) (int, linux.Errno) {
	n := copy(p, l.text[min(off, int64(len(l.text))):])
	l.read += n
	return n, 0
}

func (l *listed) Version() (id [2]uint64, version uint64, stable bool) { return id, 1, l.stable }

func (l *listed) Digest() ([32]byte, bool) { return l.sum, l.known }

// TestListedFile: a program whose digest is known is not read again; a script, and what may change, is.
func TestListedFile(t *testing.T) {
	program, script := "\x00asm"+strings.Repeat("x", 1000), "#!/bin/sh\n"+strings.Repeat("x", 1000)
	for _, tt := range []struct {
		name          string
		text          string
		known, stable bool
		hashed        bool
	}{
		{"program", program, true, true, false},
		{"script", script, true, true, true},
		{"unknown", program, false, true, true},
		{"unstable", program, true, false, true},
		{"empty", "", true, true, true},
	} {
		l := &listed{text: tt.text, sum: [32]byte{1}, known: tt.known, stable: tt.stable}
		var d digests
		c, e := d.of(l, func() bool { return false })
		want := l.sum
		if tt.hashed {
			want = sha256.Sum256([]byte(tt.text))
		}
		if e != 0 || c.sum != want || string(c.head) != tt.text[:min(headSize, len(tt.text))] {
			t.Errorf("%s: %x, head %q, %v", tt.name, c.sum, c.head, e)
		}
		if !tt.hashed && l.read > headSize {
			t.Errorf("%s: %d bytes read", tt.name, l.read)
		}
	}
}
