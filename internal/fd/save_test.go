package fd_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/vfs/devfs"
	"vkernel/internal/vfs/epoll"
	"vkernel/internal/vfs/eventfd"
	"vkernel/internal/vfs/hostfs"
	"vkernel/internal/vfs/inotify"
	"vkernel/internal/vfs/layerfs"
	"vkernel/internal/vfs/lock"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/vfs/procfs"
	"vkernel/internal/vfs/signalfd"
	"vkernel/internal/vfs/timerfd"
	"vkernel/internal/vfs/tty"

	"vkernel/internal/signal"
	"vkernel/internal/sock"
)

// world is the files of a container, without processes: what a Kernel saves of them.
type world struct {
	*registries
	ns     *vfs.Namespace
	ctx    *vfs.Context
	table  *fd.Table
	locks  *lock.Registry
	pts    *devfs.PTS
	tty    *tty.TTY
	stack  *sock.Stack
	anon   *memfs.FS
	extra  []state.Object
	pool   *pipe.Pool // given anew
	system *system    // given anew
}

// registries are those of a process table; they are told of the signals of terminals, too.
type registries struct {
	epolls  epoll.Registry
	inotify inotify.Registry
	sent    []linux.Signal
	now     time.Duration // of all clocks
	outside sync.RWMutex  // held while a world is saved
}

func (r *registries) Outside() *sync.RWMutex                { return &r.outside }
func (*registries) StateType() string                       { return "test.registries" }
func (r *registries) SaveState(e *state.Encoder)            { e.Duration(r.now) }
func (r *registries) LoadState(d *state.Decoder)            { r.now = d.Duration() }
func (r *registries) Epolls() *epoll.Registry               { return &r.epolls }
func (r *registries) Inotify() *inotify.Registry            { return &r.inotify }
func (r *registries) SignalGroup(_ int32, sig linux.Signal) { r.sent = append(r.sent, sig) }
func (*registries) Hangup(*tty.TTY, int32, int32)           {}
func (r *registries) Clock(int32) time.Duration             { return r.now }

func (*world) StateType() string { return "test.world" }

func (w *world) SaveState(e *state.Encoder) {
	state.Ref(e, w.registries)
	state.Ref(e, w.ns)
	state.Ref(e, w.ctx)
	state.Ref(e, w.table)
	state.Ref(e, w.locks)
	state.Ref(e, w.pts)
	state.Ref(e, w.tty)
	state.Ref(e, w.stack)
	state.Ref(e, w.anon)
	e.Len(len(w.extra))
	for _, o := range w.extra {
		state.RefAny(e, o)
	}
}

func (w *world) LoadState(d *state.Decoder) {
	w.registries = state.Need[*registries](d)
	w.ns = state.Need[*vfs.Namespace](d)
	w.ctx = state.Need[*vfs.Context](d)
	w.table = state.Need[*fd.Table](d)
	w.locks = state.Need[*lock.Registry](d)
	w.pts = state.Get[*devfs.PTS](d)
	w.tty = state.Get[*tty.TTY](d)
	w.stack = state.Need[*sock.Stack](d)
	w.anon = state.Need[*memfs.FS](d)
	for range d.Count(1) {
		w.extra = append(w.extra, state.Need[state.Object](d))
	}
	d.After(func() error {
		w.register()
		return nil
	})
}

func (w *world) register() {
	if w.pts != nil {
		devfs.Register(w.ns, w.tty, w.pts)
	}
	w.ns.Register(linux.S_IFIFO, 0, 0, pipe.Opener(w.pool))
}

var types = slices.Concat(
	[]state.Type{state.Of[world](1), state.Of[registries](1)},
	vfs.Types, fd.Types, lock.Types, memfs.Types, layerfs.Types, hostfs.Types, procfs.Types, devfs.Types, tty.Types, anon.Types,
	pipe.Types, sock.Types, epoll.Types, eventfd.Types, inotify.Types, signalfd.Types, timerfd.Types, signal.Types,
)

// chunks keeps contents.
type chunks map[state.Chunk][]byte

func (c chunks) Put(b []byte) (state.Chunk, error) {
	k := state.Chunk(sha256.Sum256(b))
	c[k] = bytes.Clone(b)
	return k, nil
}

func (c chunks) Get(k state.Chunk, _ int) ([]byte, error) {
	if b, ok := c[k]; ok {
		return b, nil
	}
	return nil, errors.New("no such chunk")
}

// mount is a file system of the configuration.
type mount struct {
	target string
	fs     vfs.FS
}

var cut = time.Now()

func save(t testing.TB, w *world, kept chunks) []byte {
	t.Helper()
	w.outside.Lock() // as a pause does
	defer w.outside.Unlock()
	e := state.NewEncoder(types, cut, kept)
	e.External("pipes", w.pool)
	e.External("system", w.system)
	for _, m := range w.ns.Mounts() {
		vfs.Externals(w.ctx.PathString(m.Root()), m.FS, e.External)
	}
	b, err := e.Save(w)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func load(b []byte, kept chunks, mounts ...mount) (*world, error) {
	d := state.NewDecoder(types, cut, kept)
	d.Limit(1 << 30)
	pool := pipe.NewPool(1 << 20)
	d.External("pipes", pool)
	sys := new(system)
	d.External("system", sys)
	for _, m := range mounts {
		vfs.Externals(m.target, m.fs, d.External)
	}
	o, err := d.Load(b)
	if err != nil {
		return nil, err
	}
	w := o.(*world)
	w.pool, w.system = pool, sys
	return w, nil
}

// reload saves and loads a world; what is loaded has to be saved as the same bytes.
func reload(t testing.TB, w *world, mounts ...mount) *world {
	t.Helper()
	kept := chunks{}
	b := save(t, w, kept)
	r, err := load(b, kept, mounts...)
	if err != nil {
		t.Fatal(err)
	}
	n := len(kept)
	if again := save(t, r, kept); !bytes.Equal(again, b) || len(kept) != n {
		t.Errorf("what was loaded is saved as other bytes: %d, %d; %d chunks, %d", len(b), len(again), n, len(kept))
	}
	return r
}

func check(t testing.TB, what string, e linux.Errno) {
	t.Helper()
	if e != 0 {
		t.Fatalf("%s: %v", what, e)
	}
}

func newWorld(t testing.TB, root vfs.FS) *world {
	t.Helper()
	w := &world{registries: new(registries), pool: pipe.NewPool(1 << 20), locks: new(lock.Registry), table: fd.NewTable(), system: new(system)}
	w.ns = vfs.NewNamespace(root, "root", 0)
	w.ctx = vfs.NewContext(w.ns, vfs.Root(), nil)
	w.stack = sock.NewStack(w.pool)
	var e linux.Errno
	w.anon, e = memfs.New(memfs.Options{Dev: 9})
	check(t, "memfs", e)
	w.register()
	return w
}

func newMem(t testing.TB, o memfs.Options) *memfs.FS {
	t.Helper()
	fs, e := memfs.New(o)
	check(t, "memfs", e)
	return fs
}

// open opens a name and gives it the lowest free number.
func (w *world) open(t testing.TB, name string, flags uint32) int32 {
	t.Helper()
	f, at, e := w.ctx.Open(vfs.Path{}, name, vfs.OpenHow{Flags: flags, Mode: 0o644})
	check(t, "open "+name, e)
	return w.install(t, fd.New(f, at, flags))
}

func (w *world) install(t testing.TB, d *fd.Description) int32 {
	t.Helper()
	n, e := w.table.Install(d, 0, false, fd.MaxFiles)
	check(t, "install", e)
	return n
}

func (w *world) get(t testing.TB, n int32) *fd.Description {
	t.Helper()
	d, e := w.table.GetAny(n)
	check(t, fmt.Sprint("descriptor ", n), e)
	d.UnrefUnlessLast()
	return d
}

func (w *world) write(t testing.TB, n int32, s string) {
	t.Helper()
	k, e := w.get(t, n).Write([]byte(s))
	if check(t, "write", e); k != len(s) {
		t.Fatalf("wrote %d of %d", k, len(s))
	}
}

// tree describes everything below a directory.
func (w *world) tree(t testing.TB, dir string, out *strings.Builder) {
	t.Helper()
	f, at, e := w.ctx.Open(vfs.Path{}, dir, vfs.OpenHow{Flags: linux.O_RDONLY | linux.O_DIRECTORY | linux.O_NOATIME})
	check(t, "open "+dir, e)
	d := fd.New(f, at, 0)
	defer d.Unref()
	var names []linux.Dirent
	check(t, "readdir", d.ReadDir(w.ctx, func(ent *linux.Dirent) bool {
		names = append(names, *ent)
		return true
	}))
	for _, ent := range names {
		name := dir + "/" + ent.Name
		st, e := w.ctx.Stat(vfs.Path{}, name, linux.AT_SYMLINK_NOFOLLOW)
		fmt.Fprintf(out, "%s %d %d %+v %v\n", name, ent.Ino, ent.Off, st, e)
		switch st.Mode & linux.S_IFMT {
		case linux.S_IFLNK:
			to, e := w.ctx.Readlink(vfs.Path{}, name)
			fmt.Fprintf(out, "-> %s %v\n", to, e)
		case linux.S_IFREG:
			w.content(t, name, out)
		case linux.S_IFDIR:
			if ent.Name != "." && ent.Name != ".." {
				w.tree(t, name, out)
			}
		}
	}
}

// content describes the runs of data of a file.
func (w *world) content(t testing.TB, name string, out *strings.Builder) {
	t.Helper()
	f, at, e := w.ctx.Open(vfs.Path{}, name, vfs.OpenHow{Flags: linux.O_RDONLY | linux.O_NOATIME})
	check(t, "open "+name, e)
	d := fd.New(f, at, 0)
	defer d.Unref()
	for off := int64(0); ; {
		lo, e := d.Lseek(off, linux.SEEK_DATA)
		if e != 0 {
			return
		}
		off, _ = d.Lseek(lo, linux.SEEK_HOLE)
		h := sha256.New()
		io.Copy(h, io.NewSectionReader(reader{d}, lo, off-lo))
		fmt.Fprintf(out, "  %d-%d %x\n", lo, off, h.Sum(nil)[:8])
	}
}

type reader struct{ d *fd.Description }

func (r reader) ReadAt(p []byte, off int64) (int, error) {
	n, e := r.d.ReadAt(p, off)
	if e != 0 {
		return n, e
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// sameTree compares what two worlds show.
func sameTree(t testing.TB, a, b *world) {
	t.Helper()
	var x, y strings.Builder
	a.tree(t, "/", &x)
	b.tree(t, "/", &y)
	if x.String() == y.String() {
		return
	}
	xs, ys := strings.Split(x.String(), "\n"), strings.Split(y.String(), "\n")
	for i := range min(len(xs), len(ys)) {
		if xs[i] != ys[i] {
			t.Fatalf("before:\n%s\nafter:\n%s", xs[i], ys[i])
		}
	}
	t.Fatalf("%d lines before, %d after", len(xs), len(ys))
}
