package procfs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/sock"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/pipe"
)

// world is a container of made-up processes.
type world struct {
	processes map[int]*process
	boot      time.Time
}

type process struct {
	facts Facts
	files *fd.Table
	fs    *vfs.Context
	exe   vfs.Path
}

func (w *world) Find(pid int) (Process, bool) {
	p, ok := w.processes[pid]
	return p, ok
}

func (w *world) PIDs() (pids []int) {
	for pid := range w.processes {
		pids = append(pids, pid)
	}
	return pids
}

func (w *world) Self(c *vfs.Context) int {
	if c == nil {
		return 0
	}
	pid, _ := c.Task().(int)
	return pid
}

func (w *world) Memory() (total, free uint64) { return 8 << 30, 2 << 30 }
func (w *world) Names() Names                 { return Names{"Linux", "box", "6.1", "#1", "x86_64", ""} }
func (w *world) Boot() time.Time              { return w.boot }
func (w *world) Born() uint64                 { return 12 }
func (w *world) Load() [3]float64             { return [3]float64{0.5} }
func (w *world) LastPID() int                 { return 7 }
func (w *world) Sockets() *sock.Stack         { return sock.NewStack(pipe.NewPool(1 << 20)) }
func (w *world) Busy() (_, _ time.Duration)   { return time.Second, 0 }

func (p *process) Facts() Facts     { return p.facts }
func (p *process) Files() *fd.Table { return p.files }
func (p *process) FS() *vfs.Context { return p.fs }
func (p *process) Exe() vfs.Path    { return p.exe }
func (p *process) Argv() []string   { return []string{"cat", "a b"} }
func (p *process) Env() []string    { return []string{"A=1"} }
func (p *process) SetName(s string) { p.facts.Name = s }
func (p *process) Threads() []int   { return []int{p.facts.PID, p.facts.PID + 100} }

func (p *process) Thread(tid int) (Process, bool) {
	one := *p
	if one.facts.TID = tid; tid != p.facts.PID {
		one.facts.Name = "thread"
	}
	return &one, tid == p.facts.PID || tid == p.facts.PID+100
}

func (p *process) Areas() []Area {
	return []Area{
		{Start: 0x1000, End: 0x3000, Prot: linux.PROT_READ | linux.PROT_WRITE, Name: "[heap]"},
		{Start: 0x5000, End: 0x6000, Shared: true, Offset: 4096, Dev: 0x13, Ino: 77, Name: "/tmp/f"},
	}
}

func (p *process) Limits() (l [linux.RLIM_NLIMITS]linux.Rlimit) {
	l[linux.RLIMIT_NOFILE] = linux.Rlimit{Cur: 1024, Max: linux.RLIM_INFINITY}
	return l
}

// newWorld mounts /proc with process 1 of root and process 7 of user 1000, and gives the
// contexts of both.
func newWorld(t *testing.T) (w *world, root, user *vfs.Context) {
	t.Helper()
	fs, e := memfs.New(memfs.Options{Dev: 1})
	if e != 0 {
		t.Fatal(e)
	}
	ns := vfs.NewNamespace(fs, "root fs", 0)
	root = vfs.NewContext(ns, vfs.Root(), 1)
	user = vfs.NewContext(ns, &vfs.Cred{UID: 1000, FSUID: 1000, GID: 100, FSGID: 100}, 7)
	w = &world{processes: map[int]*process{}, boot: time.Now().Add(-90 * time.Second)}
	for pid, c := range map[int]*vfs.Context{1: root, 7: user} {
		id := c.Cred().UID
		w.processes[pid] = &process{
			facts: Facts{
				PID: pid, TID: pid, Parent: pid / 7, Group: pid, Session: 1, TTY: linux.Makedev(5, 1), Foreground: 7, Name: "c) at",
				State: 'S', UID: [4]uint32{id, id, id, id}, User: 2 * time.Second, Started: w.boot.Add(time.Second),
				Threads: 1, Virtual: 1 << 20, Resident: 40960,
			},
			files: fd.NewTable(), fs: c,
		}
	}
	if e := root.Mkdir(vfs.Path{}, "/proc", 0o755); e != 0 {
		t.Fatal(e)
	}
	at, _ := root.Lookup(vfs.Path{}, "/proc", 0)
	if _, e := ns.Mount(at, New(w, ns, 2, [16]byte{}), "proc", vfs.NoExec); e != 0 {
		t.Fatal(e)
	}
	return w, root, user
}

// read reads a file in small pieces.
func read(t *testing.T, c *vfs.Context, name string) string {
	t.Helper()
	f, at, e := c.Open(vfs.Path{}, name, vfs.OpenHow{})
	if e != 0 {
		t.Fatalf("open %s: %v", name, e)
	}
	d := fd.New(f, at, 0)
	defer d.Unref()
	var b strings.Builder
	p := make([]byte, 11)
	for {
		n, e := d.Read(p)
		if e != 0 {
			t.Fatalf("read %s: %v", name, e)
		}
		if n == 0 {
			return b.String()
		}
		b.Write(p[:n])
	}
}

func TestTexts(t *testing.T) {
	_, c, _ := newWorld(t)
	for _, tt := range []struct{ name, want string }{
		{"/proc/7/stat", "7 (c) at) S 1 7 1 1281 7 0 0 0 0 0 200 0 0 0 20 0 1 0 100 1048576 10 1844"},
		{"/proc/7/statm", "256 10 0 0 0 0 0\n"},
		{"/proc/7/cmdline", "cat\x00a b\x00"},
		{"/proc/7/comm", "c) at\n"},
		{"/proc/7/environ", "A=1\x00"},
		{"/proc/7/maps", "00001000-00003000 rw-p 00000000 00:00 0                                  [heap]\n00005000-00006000 ---s 00001000 00:13 77                                 /tmp/f\n"},
		{"/proc/7/limits", "Limit                     Soft Limit           Hard Limit           Units     \nMax cpu time"},
		{"/proc/7/task/7/comm", "c) at\n"},
		{"/proc/self/mounts", `root\040fs / tmpfs rw,relatime 0 0` + "\nproc /proc proc rw,noexec,relatime 0 0\n"},
		{"/proc/mounts", `root\040fs / tmpfs`},
		{"/proc/self/mountinfo", `1 0 0:1 / / rw,relatime - tmpfs root\040fs rw,relatime` + "\n2 1 0:2 / /proc rw,noexec,relatime - proc proc"},
		{"/proc/uptime", "90."},
		{"/proc/loadavg", "0.50 0.00 0.00 0/2 7\n"},
		{"/proc/meminfo", "MemTotal:        8388608 kB\nMemFree:         2097152 kB\n"},
		{"/proc/stat", "cpu  100 0 0 "},
		{"/proc/version", "Linux version 6.1 "},
		{"/proc/sys/kernel/hostname", "box\n"},
		{"/proc/sys/kernel/random/boot_id", "00000000-0000-4000-8000-000000000000\n"},
	} {
		if got := read(t, c, tt.name); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s:\n%q\nwant\n%q", tt.name, got, tt.want)
		}
	}
	status := read(t, c, "/proc/7/status")
	for _, want := range []string{"Name:\tc) at\n", "State:\tS (sleeping)\n", "\nPid:\t7\nPPid:\t1\n", "\nUid:\t1000\t1000\t1000\t1000\n", "\nVmRSS:\t      40 kB\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("status lacks %q:\n%s", want, status)
		}
	}
}

func TestLinks(t *testing.T) {
	w, root, user := newWorld(t)
	f, at, e := root.Open(vfs.Path{}, "/file", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_RDWR, Mode: 0o644})
	if e != 0 {
		t.Fatal(e)
	}
	p := w.processes[1]
	p.files.Install(fd.New(f, at, linux.O_RDWR), 3, true, 64)
	p.exe = at
	for name, want := range map[string]string{
		"/proc/self": "1", "/proc/thread-self": "1/task/1", "/proc/1/fd/3": "/file", "/proc/1/exe": "/file", "/proc/1/cwd": "/", "/proc/1/root": "/",
	} {
		if got, e := root.Readlink(vfs.Path{}, name); got != want || e != 0 {
			t.Errorf("%s -> %q, %v; want %q", name, got, e, want)
		}
	}
	root.Unlink(vfs.Path{}, "/file", 0)
	if got, _ := root.Readlink(vfs.Path{}, "/proc/self/fd/3"); got != "/file (deleted)" {
		t.Errorf("of a removed file: %q", got)
	}
	if _, got, e := root.Open(vfs.Path{}, "/proc/self/fd/3", vfs.OpenHow{}); e != 0 || got.Node() != at.Node() {
		t.Errorf("open through the link: %v", e)
	}
	if got := read(t, root, "/proc/1/fdinfo/3"); got != "pos:\t0\nflags:\t02000002\nmnt_id:\t1\n" {
		t.Errorf("fdinfo: %q", got)
	}
	for name, want := range map[string]linux.Errno{
		"/proc/1/fd/3": linux.EACCES, "/proc/1/cwd": linux.EACCES, "/proc/7/fd/3": linux.ENOENT,
		"/proc/8": linux.ENOENT, "/proc/01": linux.ENOENT, "/proc/7/task/1": linux.ENOENT, "/proc/7/exe": linux.ENOENT,
	} {
		if _, _, e := user.Open(vfs.Path{}, name, vfs.OpenHow{}); e != want {
			t.Errorf("user opens %s: %v, want %v", name, e, want)
		}
	}
	if _, _, e := user.Open(vfs.Path{}, "/proc/1/environ", vfs.OpenHow{}); e != linux.EACCES {
		t.Errorf("user reads another's environment: %v", e)
	}
}

func TestDirectories(t *testing.T) {
	w, root, _ := newWorld(t)
	w.processes[7].files.Install(fd.New(emptyFile{}, vfs.Path{}, 0), 5, false, 64)
	list := func(name string) (got []string) {
		f, at, e := root.Open(vfs.Path{}, name, vfs.OpenHow{})
		if e != 0 {
			t.Fatal(e)
		}
		d := fd.New(f, at, 0)
		defer d.Unref()
		for more := true; more; {
			more = false
			d.ReadDir(root, func(ent *linux.Dirent) bool {
				if more {
					return false
				}
				got, more = append(got, ent.Name), true
				return true
			})
		}
		return got
	}
	got := list("/proc")
	if i := slices.Index(got, "1"); i < 0 || got[i+1] != "7" || slices.Index(got, "self") > i {
		t.Errorf("/proc: %q", got)
	}
	if got := list("/proc/7/fd"); !slices.Equal(got, []string{".", "..", "5"}) {
		t.Errorf("/proc/7/fd: %q", got)
	}
	if got := list("/proc/7/task"); !slices.Equal(got, []string{".", "..", "7", "107"}) {
		t.Errorf("/proc/7/task: %q", got)
	}
}

func TestInodesAreUnique(t *testing.T) {
	_, root, _ := newWorld(t)
	seen := map[uint64]string{}
	var visit func(name string)
	visit = func(name string) {
		st, e := root.Stat(vfs.Path{}, name, linux.AT_SYMLINK_NOFOLLOW)
		if e != 0 {
			t.Fatalf("%s: %v", name, e)
		}
		if st.Dev == 2 {
			if other := seen[st.Ino]; other != "" {
				t.Errorf("%s and %s have inode %d", name, other, st.Ino)
			}
			seen[st.Ino] = name
		}
		if st.Mode&linux.S_IFMT != linux.S_IFDIR || strings.Contains(name, "/task/") {
			return
		}
		f, at, _ := root.Open(vfs.Path{}, name, vfs.OpenHow{})
		d := fd.New(f, at, 0)
		defer d.Unref()
		d.ReadDir(root, func(ent *linux.Dirent) bool {
			if ent.Name != "." && ent.Name != ".." {
				visit(name + "/" + ent.Name)
			}
			return true
		})
	}
	visit("/proc")
	if len(seen) < 80 {
		t.Errorf("only %d files", len(seen))
	}
}

func TestStore(t *testing.T) {
	w, root, user := newWorld(t)
	write := func(c *vfs.Context, name string) linux.Errno {
		f, _, e := c.Open(vfs.Path{}, name, vfs.OpenHow{Flags: linux.O_WRONLY | linux.O_TRUNC})
		if e != 0 {
			return e
		}
		_, e = f.Write([]byte("new\n"), 0)
		return e
	}
	if e := write(root, "/proc/self/comm"); e != 0 || w.processes[1].facts.Name != "new" {
		t.Errorf("comm: %v, %q", e, w.processes[1].facts.Name)
	}
	if e := write(root, "/proc/7/comm"); e != linux.EINVAL {
		t.Errorf("comm of another: %v", e)
	}
	if e := write(user, "/proc/1/oom_score_adj"); e != linux.EACCES {
		t.Errorf("another user's oom_score_adj: %v", e)
	}
	if e := write(root, "/proc/version"); e != linux.EACCES && e != linux.EINVAL {
		t.Errorf("version: %v", e)
	}
}

type emptyFile struct{ vfs.BaseFile }

func (emptyFile) Stat() (linux.Stat, linux.Errno) { return linux.Stat{}, 0 }

func TestTasks(t *testing.T) {
	_, root, _ := newWorld(t)
	if s := read(t, root, "/proc/7/task/107/stat"); !strings.HasPrefix(s, "107 (thread) ") {
		t.Errorf("stat of a thread: %q", s)
	}
	if s := read(t, root, "/proc/7/task/107/status"); !strings.Contains(s, "Tgid:\t7\n") || !strings.Contains(s, "\nPid:\t107\n") {
		t.Errorf("status of a thread: %q", s)
	}
	if _, _, e := root.Open(vfs.Path{}, "/proc/7/task/8/stat", vfs.OpenHow{}); e != linux.ENOENT {
		t.Errorf("no such thread: %v, want ENOENT", e)
	}
}
