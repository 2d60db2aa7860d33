package proc

import (
	"log/slog"
	"testing"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
)

// forest is a table whose processes run nothing: they are moved by the tests.
type forest struct {
	*Table
	t  *testing.T
	ns *vfs.Namespace
}

func newForest(t *testing.T, max int) *forest {
	fs, e := memfs.New(memfs.Options{Dev: 1})
	if e != 0 {
		t.Fatal(e)
	}
	table := NewTable(Config{Processes: max, Log: slog.New(slog.DiscardHandler)})
	return &forest{table, t, vfs.NewNamespace(fs, "root", 0)}
}

// plant makes the first process.
func (f *forest) plant() *Process {
	pid, e := f.reserve(nil)
	if e != 0 {
		f.t.Fatal(e)
	}
	p := &Process{
		pid: pid, table: f.Table, files: fd.NewTable(), exitSignal: linux.SIGCHLD,
		sig: signal.New(maxSignals), limits: defaults(f.config.Processes),
	}
	p.fs = vfs.NewContext(f.ns, vfs.Root(), p)
	p.timers.owner = p
	p.SetCred(Cred{})
	p.lead(newThread(p, pid, 0, linux.Stack{Flags: linux.SS_DISABLE}))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.init, f.processes[pid], f.threads[pid] = p, p, p.Thread()
	f.living++
	f.joinLocked(p, pid, &Session{id: pid, leader: p})
	return p
}

// grow makes a child of parent.
func (f *forest) grow(parent *Process) *Process {
	f.t.Helper()
	p, e := parent.Thread().child(linux.SIGCHLD)
	if e == 0 {
		e = p.join(parent)
	}
	if e != 0 {
		f.t.Fatal(e)
	}
	return p
}

// end ends a process as its thread would.
func (f *forest) end(p *Process, code int) {
	p.Exit(code)
	p.Thread().exit()
}

func (p *Process) waitNow(which, id int, options uint32) (Waited, linux.Errno) {
	return p.Thread().WaitChild(which, id, options|linux.WNOHANG|linux.WEXITED)
}

func TestWait(t *testing.T) {
	f := newForest(t, 10)
	init := f.plant()
	if _, e := init.waitNow(linux.P_ALL, 0, 0); e != linux.ECHILD {
		t.Errorf("wait without children: %v, want ECHILD", e)
	}
	a, b := f.grow(init), f.grow(init)
	if w, e := init.waitNow(linux.P_ALL, 0, 0); e != 0 || w.PID != 0 {
		t.Errorf("wait for the living: %+v %v, want nothing", w, e)
	}
	f.end(b, 7)
	if w, e := init.waitNow(linux.P_PID, b.pid, linux.WNOWAIT); e != 0 || w.PID != b.pid || w.Status != 7<<8 {
		t.Errorf("wait that keeps: %+v %v", w, e)
	}
	if w, e := init.waitNow(linux.P_ALL, 0, 0); e != 0 || w.PID != b.pid || w.Value != 7 || w.Code != linux.CLD_EXITED {
		t.Errorf("wait: %+v %v", w, e)
	}
	if _, e := init.waitNow(linux.P_PID, b.pid, 0); e != linux.ECHILD {
		t.Errorf("second wait: %v, want ECHILD", e)
	}
	if _, ok := f.Find(b.pid); ok {
		t.Error("a process that was waited for is still there")
	}
	a.Kill(linux.SIGKILL)
	a.Thread().exit()
	if w, _ := init.waitNow(linux.P_PGID, 0, 0); w.PID != a.pid || w.Status != int(linux.SIGKILL) {
		t.Errorf("wait for the group: %+v", w)
	}
}

func TestOrphansGoToInit(t *testing.T) {
	f := newForest(t, 10)
	init := f.plant()
	parent := f.grow(init)
	living, dead := f.grow(parent), f.grow(parent)
	f.end(dead, 1)
	f.end(parent, 0)
	if living.Parent() != init.pid || dead.Parent() != init.pid {
		t.Errorf("parents are %d and %d, want %d", living.Parent(), dead.Parent(), init.pid)
	}
	seen := map[int]bool{}
	for range 2 {
		w, e := init.waitNow(linux.P_ALL, 0, 0)
		if e != 0 {
			t.Fatal(e)
		}
		seen[w.PID] = true
	}
	if !seen[parent.pid] || !seen[dead.pid] {
		t.Errorf("init waited for %v", seen)
	}
}

func TestSubreaper(t *testing.T) {
	f := newForest(t, 10)
	init := f.plant()
	reaper := f.grow(init)
	reaper.Subreaper().Store(true)
	parent := f.grow(reaper)
	kid := f.grow(parent)
	f.end(parent, 0)
	if kid.Parent() != reaper.pid {
		t.Errorf("parent is %d, want the subreaper %d", kid.Parent(), reaper.pid)
	}
}

func TestIgnoredChildrenAreReaped(t *testing.T) {
	for name, a := range map[string]signal.Action{
		"ignored": {Handler: linux.SIG_IGN},
		"no wait": {Handler: 5, Flags: linux.SA_NOCLDWAIT},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForest(t, 10)
			init := f.plant()
			init.sig.SetAction(linux.SIGCHLD, a)
			f.end(f.grow(init), 0)
			if _, e := init.waitNow(linux.P_ALL, 0, 0); e != linux.ECHILD {
				t.Errorf("wait: %v, want ECHILD", e)
			}
		})
	}
}

func TestStopAndContinue(t *testing.T) {
	f := newForest(t, 10)
	init := f.plant()
	p := f.grow(init)
	p.Thread().stop(linux.SIGSTOP, p.continued())
	if w, e := init.waitNow(linux.P_ALL, 0, linux.WUNTRACED); e != 0 || w.Status != int(linux.SIGSTOP)<<8|0x7f {
		t.Errorf("wait for a stop: %+v %v", w, e)
	}
	if w, _ := init.waitNow(linux.P_ALL, 0, linux.WUNTRACED); w.PID != 0 {
		t.Errorf("the stop was told twice: %+v", w)
	}
	p.Signal(linux.Info(linux.SIGCONT, linux.SI_USER))
	if p.Thread().sig.Work.Load()&workStop != 0 {
		t.Error("still stopped after SIGCONT")
	}
	if w, e := init.waitNow(linux.P_ALL, 0, linux.WCONTINUED); e != 0 || w.Status != 0xffff {
		t.Errorf("wait for a continue: %+v %v", w, e)
	}
	// A stop that was taken before the last continue has no effect.
	stale := p.continued()
	p.Signal(linux.Info(linux.SIGCONT, linux.SI_USER))
	p.Thread().stop(linux.SIGSTOP, stale)
	if p.State() != Running {
		t.Error("an old stop stopped the process")
	}
}

func TestOrphanedGroupIsHungUp(t *testing.T) {
	f := newForest(t, 10)
	shell := f.grow(f.plant())
	if e := shell.SetSession(); e != 0 {
		t.Fatal(e)
	}
	job := f.grow(shell)
	if e := job.SetGroup(0, 0); e != 0 {
		t.Fatal(e)
	}
	job.Thread().stop(linux.SIGSTOP, job.continued())
	f.end(shell, 0)
	if job.State() != Running {
		t.Error("the job was not continued")
	}
	if pending, _, _ := job.sig.Sets(); !pending.Has(linux.SIGHUP) {
		t.Errorf("pending %#x, want SIGHUP in it", uint64(pending))
	}
}

func TestGroups(t *testing.T) {
	f := newForest(t, 10)
	init := f.plant()
	a, b := f.grow(init), f.grow(init)
	for _, tt := range []struct {
		name    string
		p       *Process
		pid, id int
		want    linux.Errno
	}{
		{"own group", a, 0, 0, 0},
		{"a child into another's group", init, b.pid, a.pid, 0},
		{"a group that is none", a, 0, 99, linux.EPERM},
		{"a process that is no child", a, b.pid, 0, linux.ESRCH},
		{"a negative group", a, 0, -1, linux.EINVAL},
		{"a session leader", init, 0, 0, linux.EPERM},
	} {
		if e := tt.p.SetGroup(tt.pid, tt.id); e != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, e, tt.want)
		}
	}
	if b.Group() != int32(a.pid) {
		t.Errorf("group is %d, want %d", b.Group(), a.pid)
	}
	if e := a.SetSession(); e != linux.EPERM {
		t.Errorf("setsid by a group leader: %v, want EPERM", e)
	}
	f.mu.Lock()
	b.execed = true
	f.mu.Unlock()
	if e := init.SetGroup(b.pid, 0); e != linux.EACCES {
		t.Errorf("setpgid after exec: %v, want EACCES", e)
	}
}

func TestProcessLimit(t *testing.T) {
	f := newForest(t, 3)
	init := f.plant()
	f.grow(init)
	last := f.grow(init)
	if _, e := init.Thread().child(linux.SIGCHLD); e != linux.EAGAIN {
		t.Errorf("one too many: %v, want EAGAIN", e)
	}
	f.end(last, 0)
	if _, e := init.Thread().child(linux.SIGCHLD); e != linux.EAGAIN {
		t.Errorf("a zombie counts: %v, want EAGAIN", e)
	}
	init.waitNow(linux.P_ALL, 0, 0)
	next := f.grow(init)
	if next.pid == last.pid {
		t.Errorf("pid %d was used again at once", next.pid)
	}
	if e := init.restrict(1000, 1); e != 0 {
		t.Fatal(e)
	}
	if _, e := init.Thread().child(linux.SIGCHLD); e != linux.EAGAIN {
		t.Errorf("RLIMIT_NPROC: %v, want EAGAIN", e)
	}
}

// restrict makes p a user's, with a limit on processes.
func (p *Process) restrict(uid uint32, n uint64) linux.Errno {
	p.SetCred(Cred{UID: uid, EUID: uid, SUID: uid, FSUID: uid})
	_, e := p.SetLimit(linux.RLIMIT_NPROC, linux.Rlimit{Cur: n, Max: n}, false)
	return e
}

func TestInitTakesAllWithIt(t *testing.T) {
	f := newForest(t, 10)
	init := f.plant()
	p := f.grow(init)
	f.end(init, 5)
	if p.Thread().sig.Work.Load()&signal.Pending == 0 {
		t.Fatal("the other process was not killed")
	}
	p.Kill(linux.SIGKILL)
	p.Thread().exit()
	status, err := f.Wait()
	if err != nil || status != 5<<8 {
		t.Errorf("status %#x, %v, want 0x500", status, err)
	}
}

func TestParseScript(t *testing.T) {
	long := "#!/bin/" + string(make([]byte, 300))
	for _, tt := range []struct {
		head, interpreter, arg string
		hasArg                 bool
		want                   linux.Errno
	}{
		{head: "#!/bin/sh\n", interpreter: "/bin/sh"},
		{head: "#! /bin/sh -e  x \nmore", interpreter: "/bin/sh", arg: "-e  x", hasArg: true},
		{head: "#!/bin/sh", interpreter: "/bin/sh"},
		{head: "#!\n", want: linux.ENOEXEC},
		{head: "#! \t \n", want: linux.ENOEXEC},
		{head: "echo hi\n", want: linux.ENOEXEC},
		{head: long[:headSize], interpreter: "/bin/"},
		{head: "#!" + string(bytesOf('x', headSize-2)), want: linux.ENOEXEC},
	} {
		interpreter, arg, hasArg, e := parseScript([]byte(tt.head))
		if interpreter != tt.interpreter || arg != tt.arg || hasArg != tt.hasArg || e != tt.want {
			t.Errorf("%.20q: %q %q %v %v", tt.head, interpreter, arg, hasArg, e)
		}
	}
}

func bytesOf(c byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = c
	}
	return b
}
