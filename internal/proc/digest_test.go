package proc

import (
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
