package fd_test

import (
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/devfs"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/procfs"
	"vkernel/internal/vfs/tty"
	"vkernel/internal/wait"
)

// withTerminals makes a world with /dev, /dev/pts, a console and an open pseudo terminal.
func withTerminals(t testing.TB) (w *world, master, slave int32) {
	t.Helper()
	w = newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	w.pts = devfs.NewPTS(6, w.registries)
	w.tty = tty.New(w.registries, linux.Makedev(5, 1), "/dev/console")
	w.register()
	dev, e := devfs.New(5, true)
	check(t, "devfs", e)
	mounts := []struct {
		at string
		fs vfs.FS
	}{{"/dev", dev}, {"/dev/pts", w.pts}}
	check(t, "mkdir", w.ctx.Mkdir(vfs.Path{}, "/dev", 0o755))
	for _, m := range mounts {
		at, e := w.ctx.Lookup(vfs.Path{}, m.at, 0)
		check(t, "lookup "+m.at, e)
		_, e = w.ns.Mount(at, m.fs, "x", 0)
		check(t, "mount", e)
	}
	master = w.open(t, "/dev/ptmx", linux.O_RDWR)
	w.get(t, master).File().(*tty.Master).Unlock()
	return w, master, w.open(t, "/dev/pts/0", linux.O_RDWR)
}

// reads gives what a descriptor has.
func (w *world) reads(t testing.TB, n int32) string {
	t.Helper()
	p := make([]byte, 4096)
	k, e := w.get(t, n).Read(p)
	if e != 0 {
		return e.Error()
	}
	return string(p[:k])
}

func TestSaveTerminal(t *testing.T) {
	w, master, slave := withTerminals(t)
	term := w.get(t, slave).File().(*tty.File).TTY()
	term.Control(7, 9)
	term.SetWinsize(linux.Winsize{Row: 40, Col: 120})
	w.write(t, master, "first\nsec\x16\x04ond\x04third, with an err\x7f\x7f")
	w.write(t, slave, "prompt\t$ ")
	console := w.open(t, "/dev/console", linux.O_RDWR)
	w.write(t, console, "on the console\n")
	null, zero := w.open(t, "/dev/null", linux.O_RDWR), w.open(t, "/dev/full", linux.O_RDWR)
	list := w.open(t, "/dev/pts", linux.O_RDONLY)

	r := reload(t, w)
	sameTree(t, w, r)
	for _, x := range []*world{w, r} {
		again := x.get(t, slave).File().(*tty.File).TTY()
		if again.Foreground() != 9 || again.Winsize() != (linux.Winsize{Row: 40, Col: 120}) || x.tty.Device() != linux.Makedev(5, 1) {
			t.Errorf("group %d, window %+v", again.Foreground(), again.Winsize())
		}
		for _, want := range []string{"first\n", "sec\x04ond"} {
			if got := x.reads(t, slave); got != want {
				t.Errorf("the slave reads %q, want %q", got, want)
			}
		}
		if got := x.reads(t, slave); got != linux.EAGAIN.Error() {
			t.Errorf("the slave reads %q of a line that has no end", got)
		}
		x.write(t, master, "or\n\x03")
		if got := x.reads(t, slave); got != "third, with an eor\n" && got != linux.EAGAIN.Error() {
			t.Errorf("the slave reads %q of the line that is complete", got)
		}
		if len(x.sent) == 0 || x.sent[len(x.sent)-1] != linux.SIGINT {
			t.Errorf("signals %v", x.sent)
		}
		if e := x.get(t, master).File().Poll(); e&wait.In == 0 {
			t.Errorf("the master has %x", e)
		}
	}
	if a, b := w.reads(t, master), r.reads(t, master); a != b {
		t.Errorf("the master reads\n%q, and\n%q where it was not saved", b, a)
	}
	if got := r.reads(t, null); got != "" {
		t.Errorf("/dev/null reads %q", got)
	}
	if _, e := r.get(t, zero).Write([]byte("x")); e != linux.ENOSPC {
		t.Errorf("/dev/full: %v", e)
	}
	n := 0
	r.get(t, list).ReadDir(r.ctx, func(*linux.Dirent) bool { n++; return true })
	if n != 4 {
		t.Errorf("/dev/pts has %d entries", n)
	}
	second := r.open(t, "/dev/pts/ptmx", linux.O_RDWR)
	if name := r.get(t, second).File().(*tty.Master).TTY().Name(); name != "/dev/pts/1" {
		t.Errorf("the next terminal is %s", name)
	}
	r.table.Close(master)
	if _, e := r.ctx.Stat(vfs.Path{}, "/dev/pts/0", 0); e != linux.ENOENT {
		t.Errorf("the slave outlives its master: %v", e)
	}
	if got := r.reads(t, slave); got != "" {
		t.Errorf("after the end of the master the slave reads %q", got)
	}
}

// TestSaveTerminalTimer: a read that waits for the next byte ends when it would have ended.
func TestSaveTerminalTimer(t *testing.T) {
	w, master, slave := withTerminals(t)
	term := w.get(t, slave).File().(*tty.File).TTY()
	raw := tty.Default()
	raw.Lflag, raw.Iflag = 0, 0
	raw.Cc[linux.VMIN], raw.Cc[linux.VTIME] = 5, 1
	term.SetAttr(raw, false)
	w.write(t, master, "ab")
	if got := w.reads(t, slave); got != linux.EAGAIN.Error() {
		t.Fatalf("two bytes of five: %q", got)
	}
	r := reload(t, w)
	waiter := wait.New()
	var entry wait.Entry
	r.get(t, slave).File().Queue().Add(&entry, waiter, wait.In)
	defer entry.Remove()
	end := time.Now().Add(10 * time.Second)
	got := r.reads(t, slave)
	for got == linux.EAGAIN.Error() && time.Now().Before(end) {
		waiter.Sleep(time.Second)
		got = r.reads(t, slave)
	}
	if got != "ab" {
		t.Errorf("after the time between bytes: %q", got)
	}
}

// system is a container without processes.
type system struct {
	procfs.System
	_ int // so that there are two
}

func (*system) Boot() time.Time                 { return time.Unix(100, 0) }
func (*system) Find(int) (procfs.Process, bool) { return nil, false }
func (*system) PIDs() []int                     { return nil }
func (*system) Memory() (total, free uint64)    { return 1 << 30, 1 << 29 }
func (*system) Names() procfs.Names             { return procfs.Names{Sysname: "Linux"} }
func (*system) Self(*vfs.Context) int           { return 0 }

func TestSaveProc(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	proc := procfs.New(w.system, w.ns, 4, [16]byte{1, 2, 3})
	check(t, "mkdir", w.ctx.Mkdir(vfs.Path{}, "/proc", 0o555))
	at, e := w.ctx.Lookup(vfs.Path{}, "/proc", 0)
	check(t, "lookup", e)
	_, e = w.ns.Mount(at, proc, "proc", 0)
	check(t, "mount", e)
	mem := w.open(t, "/proc/meminfo", linux.O_RDONLY)
	p := make([]byte, 20)
	if n, e := w.get(t, mem).Read(p); n != 20 || e != 0 {
		t.Fatal(n, e)
	}
	dir := w.open(t, "/proc/sys/kernel", linux.O_RDONLY)
	place := w.open(t, "/proc/version", linux.O_PATH)
	check(t, "chdir", w.ctx.Chdir(vfs.Path{}, "/proc/sys", 0))

	r := reload(t, w)
	if a, b := w.reads(t, mem), r.reads(t, mem); a != b || len(b) < 100 {
		t.Errorf("the rest of meminfo is %q, was %q", b, a)
	}
	if a, b := w.get(t, place).Path().Node(), r.get(t, place).Path().Node(); a.Perm() != b.Perm() {
		t.Errorf("%+v, was %+v", b.Perm(), a.Perm())
	}
	found, e := r.ctx.Lookup(vfs.Path{}, "/proc/version", 0)
	if e != 0 || found.Node() != r.get(t, place).Path().Node() {
		t.Errorf("the node that is found is another: %v", e)
	}
	n := 0
	check(t, "readdir", r.get(t, dir).ReadDir(r.ctx, func(*linux.Dirent) bool { n++; return true }))
	if cwd, e := r.ctx.Getcwd(); n < 5 || cwd != "/proc/sys" || e != 0 {
		t.Errorf("%d entries; %s %v", n, cwd, e)
	}
	a, b := w.open(t, "/proc/sys/kernel/random/boot_id", linux.O_RDONLY), r.open(t, "/proc/sys/kernel/random/boot_id", linux.O_RDONLY)
	if x, y := w.reads(t, a), r.reads(t, b); x != y {
		t.Errorf("boot_id %q, was %q", y, x)
	}
}
