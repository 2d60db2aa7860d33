package engine

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkThread makes, enters and frees a view of a memory that has one.
func BenchmarkThread(b *testing.B) {
	i := newThreads(b, threadProgram)
	defer i.Free()
	other := thread(b, i)
	defer other.Free()
	for b.Loop() {
		v := thread(b, i)
		v.run(b, fnSize, 0)
		v.Free()
	}
}

// BenchmarkFirstThread makes the first thread of a fresh process, and ends both.
func BenchmarkFirstThread(b *testing.B) {
	p := buildWat(b, threadProgram).Programs()[0]
	for b.Loop() {
		i, e := p.New()
		if e != 0 {
			b.Fatal(e)
		}
		v := thread(b, i)
		v.run(b, fnSize, 0)
		v.Free()
		i.Free()
	}
}

// BenchmarkThreadUnmap maps, touches and unmaps 64 KiB in one of eight views.
func BenchmarkThreadUnmap(b *testing.B) {
	i := newThreads(b, threadProgram)
	defer i.Free()
	for range 7 {
		defer thread(b, i).Free()
	}
	for b.Loop() {
		i.Map(1<<30, 65536, rw, false)
		i.poke(b, 1<<30, 1)
		i.Unmap(1<<30, 65536)
	}
}

// TestThreadCost measures what the host keeps for a view that has run and waits.
func TestThreadCost(t *testing.T) {
	i := newThreads(t, threadProgram)
	defer i.Free()
	list := []*Instance{thread(t, i)}
	rss, tables, maps := status(t, "RssAnon"), status(t, "VmPTE"), mappings(t)
	const n = 500
	for range n {
		v := thread(t, i)
		v.run(t, fnAdd, 10)
		if e := v.Call(fnWait, 0); e != 0 {
			t.Fatal(e)
		}
		v.Resume(0)
		list = append(list, v)
	}
	t.Logf("per view: %.1f KiB of pages, %.1f KiB of page tables, %.1f mappings",
		float64(status(t, "RssAnon")-rss)/n, float64(status(t, "VmPTE")-tables)/n, float64(mappings(t)-maps)/n)
	for _, v := range list {
		v.Free()
	}
}

// status is a line of /proc/self/status in KiB.
func status(t *testing.T, name string) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == name+":" {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}

// BenchmarkFirstThreadLarge is the first thread of a process that has written 16 MiB.
func BenchmarkFirstThreadLarge(b *testing.B) {
	c := loadGuest(b)
	content := make([]byte, 16<<20)
	for k := range content {
		content[k] = 1
	}
	for b.Loop() {
		b.StopTimer()
		i := newGuest(b, c)
		i.Map(1<<30, 16<<20, rw, false)
		i.Memory().Write(1<<30, content)
		b.StartTimer()
		v := thread(b, i)
		b.StopTimer()
		v.Free()
		i.Free()
		b.StartTimer()
	}
}

// BenchmarkThreadFork forks a process with threads that has written 1 MiB, and ends the child.
func BenchmarkThreadFork(b *testing.B) {
	c := loadGuest(b)
	i := newGuest(b, c)
	defer i.Free()
	i.Map(1<<30, 1<<20, rw, false)
	for k := range uint32(256) {
		i.poke(b, 1<<30+k*pageSize, 1)
	}
	v := thread(b, i)
	defer v.Free()
	for b.Loop() {
		child := fork(b, v)
		child.Map(1<<30, 1<<20, rw, false)
		v.CopyPages(child, 1<<30, 1<<20)
		child.Free()
	}
}
