package fd_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/devfs"
	"vkernel/internal/vfs/epoll"
	"vkernel/internal/vfs/inotify"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/procfs"
)

// everything is a world that has something of all.
func everything(t testing.TB) *world {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3, Bytes: 1 << 24}))
	w.populate(t)
	w.pts = devfs.NewPTS(6, w.registries)
	w.register()
	proc := procfs.New(w.system, w.ns, 4, [16]byte{})
	for name, fs := range map[string]vfs.FS{"/pts": w.pts, "/proc": proc} {
		check(t, "mkdir", w.ctx.Mkdir(vfs.Path{}, name, 0o755))
		at, e := w.ctx.Lookup(vfs.Path{}, name, 0)
		check(t, "lookup", e)
		_, e = w.ns.Mount(at, fs, name, 0)
		check(t, "mount", e)
	}
	w.write(t, w.open(t, "/pts/ptmx", linux.O_RDWR), "typed\n")
	w.open(t, "/proc/meminfo", linux.O_RDONLY)
	w.anonymous(t, epoll.New(w), "eventpoll")
	f, _ := inotify.New(w, w.ns)
	at, _ := w.ctx.Watchable("/d", 0, true)
	f.Watch(at.Node(), linux.IN_ALL_EVENTS)
	w.anonymous(t, f, "inotify")
	n := w.open(t, "/d/big", linux.O_RDWR)
	w.get(t, n).File().(vfs.Mapper).Mapping(true)
	w.populateFIFO(t)
	a, b := w.stack.Pair(linux.SOCK_STREAM, root)
	a.Send([]byte("in flight"), nil)
	w.socket(t, a)
	w.socket(t, b)
	return w
}

// hostile loads bytes that anybody may have written: an error or a world, in bounded time and memory.
func hostile(t testing.TB, b []byte, kept chunks) *world {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	w, err := load(b, kept)
	runtime.ReadMemStats(&after)
	// 64 MiB of pages, and a table of locks or descriptors.
	if got := after.TotalAlloc - before.TotalAlloc; got > 128<<20+uint64(len(b))*4096 {
		t.Errorf("%d bytes made the loader allocate %d", len(b), got)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("%d bytes took %v", len(b), d)
	}
	if err != nil {
		return nil
	}
	return w
}

// TestSaveEachByte: whichever byte of what was saved is changed, loading gives an error or a world, and does not panic.
func TestSaveEachByte(t *testing.T) {
	kept := chunks{}
	eachByte(t, save(t, everything(t), kept), kept, 23)
}

// TestSaveEachByteHost does so with a directory of the host, and a layer over one.
func TestSaveEachByteHost(t *testing.T) {
	dir := t.TempDir()
	w, file, _ := withHost(t, dir)
	m, e := w.get(t, file).File().(vfs.Mapper).Mapping(true)
	check(t, "mapping", e)
	w.extra = append(w.extra, m.(state.Object))
	w.write(t, w.open(t, "deleted", linux.O_CREAT|linux.O_RDWR), "deleted")
	check(t, "unlink", w.ctx.Unlink(vfs.Path{}, "deleted", 0))
	kept := chunks{}
	eachByte(t, save(t, w, kept), kept, 2, mount{"/work", hostMount(t, dir)})

	w = newWorld(t, layer(t, dir))
	n := w.open(t, "/sub/text", linux.O_RDONLY)
	m, e = w.get(t, n).File().(vfs.Mapper).Mapping(false)
	check(t, "mapping", e)
	w.extra = append(w.extra, m.(state.Object))
	eachByte(t, save(t, w, kept), kept, 2, mount{"/", layer(t, dir)})
}

func eachByte(t *testing.T, good []byte, kept chunks, step int, mounts ...mount) {
	t.Helper()
	if _, err := load(good, kept, mounts...); err != nil {
		t.Fatal(err)
	}
	for k := rand.IntN(step); k < len(good); k += step { // other bytes each time
		for _, flip := range []byte{1, 0x80} {
			bad := bytes.Clone(good)
			bad[k] ^= flip
			load(bad, kept, mounts...)
		}
		if _, err := load(good[:k], kept, mounts...); err == nil {
			t.Errorf("%d of %d bytes were loaded", k, len(good))
		}
	}
}

func FuzzLoad(f *testing.F) {
	kept := chunks{}
	good := save(f, everything(f), kept)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, b []byte) { hostile(t, b, kept) })
}
