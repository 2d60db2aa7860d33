package kernel

import (
	"log/slog"
	"sync"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/imports"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/signal"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/devfs"
)

// A maker runs a program up to its call of vkernel.ready and freezes it. The process is in a table of
// its own, as nobody, with the container's files below read-only mounts, /dev/null for standard streams,
// a minimal environment, and only those calls that its policy allows and that
// leave nothing behind: with any other there is no image.
type maker struct {
	kernel *Kernel
	warmth *warmth
	table  *proc.Table
	seen   *vfs.Witness // of all that it looks at
	again  bool         // why there is no image may not hold for long; set when run returns

	mu      sync.Mutex
	asked   signal.Set // guarded by mu: signals about whose action it has asked
	refused string     // guarded by mu: why there is no image
	image   *proc.Warm // guarded by mu
}

// makeTime is how long a program may take until it is ready; makeNice is its nice value meanwhile.
const (
	makeTime = 30 * time.Second
	makeNice = 5
)

// nobody is who runs it: an image holds nothing that not everybody may read.
const nobody = 65534

// makerEnv is what everybody who makes an image gives the program. By VKERNEL_IMAGE it can tell that there will be
// nothing else to do than to get ready.
var makerEnv = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "VKERNEL_IMAGE=1"}

// run makes an image of the content at a path, or says why not.
func (m *maker) run(name string) (*proc.Warm, string) {
	k := m.kernel
	ns, err := k.sealedTree()
	if err != nil {
		return nil, err.Error()
	}
	m.seen = ns.Witness()
	quiet := slog.New(slog.DiscardHandler)
	m.table = proc.NewTable(proc.Config{
		Programs: m, Processes: 1, Pipes: k.pipes, Log: quiet, Memory: k.memory,
		UTS: proc.NewUTS(k.config.Hostname, "(none)"), Sched: k.table.Scheduler(), Ready: m.freeze,
	})
	context := vfs.NewContext(ns, vfs.Root(), nil)
	files := fd.NewTable()
	for n := range int32(3) {
		f, path, e := context.Open(vfs.Path{}, "/dev/null", vfs.OpenHow{Flags: linux.O_RDWR})
		if e != 0 {
			return nil, "/dev/null: " + e.Error()
		}
		files.Replace(fd.New(f, path, linux.O_RDWR), n, false, fd.MaxFiles)
	}
	if !k.warm.running(m.table.Kill) {
		return nil, "the container has ended"
	}
	defer k.warm.running(nil)
	cred := proc.Cred{UID: nobody, EUID: nobody, SUID: nobody, FSUID: nobody, GID: nobody, EGID: nobody, SGID: nobody, FSGID: nobody}
	p, e := m.table.Start(proc.First{Files: files, Namespace: ns, Cred: cred, Argv: []string{name}, Env: makerEnv})
	if e != 0 {
		return nil, "it does not start: " + e.Error()
	}
	p.SetNice(makeNice)
	late := time.AfterFunc(makeTime, func() { m.refuse("it was not ready in time"); m.table.Kill() })
	defer late.Stop()
	if _, err := m.table.Wait(); err != nil {
		m.refuse(err.Error())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.image == nil && m.refused == "" {
		m.refused, m.again = "it ended before it was ready", true
	}
	if m.image != nil && !m.seen.Same() {
		m.image.Release()
		m.image, m.refused, m.again = nil, m.seen.Lost(), true
	}
	return m.image, m.refused
}

// sealedTree is the container's tree as a maker sees it: nothing in it can be changed, and there
// are no processes, pipes or terminals.
func (k *Kernel) sealedTree() (*vfs.Namespace, error) {
	ns := vfs.NewNamespace(k.config.Root, "root", vfs.ReadOnly)
	devfs.Register(ns, nil, devfs.NewPTS(devPts, k.table))
	devfs.NewGeneration().Register(ns)
	dev, e := devfs.New(devDev, false)
	if e != 0 {
		return nil, e
	}
	context := vfs.NewContext(ns, vfs.Root(), nil)
	for _, m := range append([]Mount{{"/dev", dev, "dev", vfs.NoSUID | vfs.NoExec}}, k.config.Mounts...) {
		p, e := context.Lookup(vfs.Path{}, m.Target, 0)
		if e == 0 {
			_, e = ns.Mount(p, m.FS, m.Source, m.Flags|vfs.ReadOnly)
		}
		if e != 0 {
			return nil, e
		}
	}
	return ns, nil
}

// Decide lets the maker's process start the content that the image is of, and nothing else. A content that
// has been revoked meanwhile it does not start, either.
func (m *maker) Decide(r proc.Request) (proc.Target, string) {
	code, key := m.kernel.code, m.warmth.key
	if r.From != nil || r.Digest != key.digest {
		return proc.Target{}, "not the content of the image"
	}
	if code.revoked != nil && code.revoked(r.Digest) {
		return proc.Target{}, reasonRevoked
	}
	from := m.warmth.program
	t, ok := code.target(&m.warmth.entry, key.held)
	if !ok {
		return proc.Target{}, reasonNoCode
	}
	calls := imports.Bind(from.Code.Meta, imports.Options{Policy: from.Policy, Around: m.seal, Log: slog.New(slog.DiscardHandler)})
	t.Program = &proc.Program{Code: from.Code, Calls: calls, Policy: from.Policy}
	t.Warmth = nil
	return t, ""
}

// freeze is vkernel.ready in the maker's process, which ends with it.
func (m *maker) freeze(t *proc.Thread) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused == "" && m.image == nil {
		m.image, m.refused = t.Freeze(m.asked)
	}
	t.Process().Exit(0)
}

// refuse notes the first reason why there will be no image.
func (m *maker) refuse(reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused == "" && m.image == nil {
		m.refused = reason
	}
}

// seal gives a call of the maker's process its handler.
func (m *maker) seal(call, _ string, h proc.Handler) proc.Handler {
	check, ok := harmless[call]
	return func(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
		if !ok || check != nil && !check(&a) {
			m.refuse("it calls " + call + " before it is ready")
			t.Process().Kill(linux.SIGKILL)
			return 0, linux.EPERM
		}
		if call == "rt_sigaction" && a.Signal(0).Valid() {
			m.mu.Lock()
			m.asked |= signal.Of(a.Signal(0))
			m.mu.Unlock()
		}
		return h(t, a)
	}
}

// harmless are the calls that leave nothing behind but memory, which is frozen, and open files, which
// are closed or it is not; and nothing in memory that would be another thing in another process, or
// what a program asks again that has called vkernel.ready. The function looks at arguments.
var harmless = map[string]func(a *proc.Args) bool{
	"access": nil, "faccessat": nil, "faccessat2": nil, "open": nil, "openat": nil, "openat2": nil, "close": nil, "close_range": nil,
	"read": nil, "readv": nil, "pread64": nil, "preadv": nil, "lseek": nil, "getdents": nil, "getdents64": nil,
	"stat": nil, "lstat": nil, "fstat": nil, "newfstatat": nil, "statx": nil, "statfs": nil, "fstatfs": nil,
	"readlink": nil, "readlinkat": nil, "getcwd": nil, "dup": nil, "dup2": nil, "dup3": nil,
	"fcntl": func(a *proc.Args) bool {
		switch a.Int(1) {
		case linux.F_GETFD, linux.F_SETFD, linux.F_GETFL, linux.F_DUPFD, linux.F_DUPFD_CLOEXEC:
			return true
		}
		return false
	},
	"ioctl": func(a *proc.Args) bool {
		return a.Uint(1) == linux.TCGETS || a.Uint(1) == linux.TIOCGWINSZ || a.Uint(1) == linux.FIOCLEX
	},
	"poll": nil, "ppoll": nil, "select": nil, "pselect6": nil, "epoll_create": nil, "epoll_create1": nil,
	"brk": nil, "mmap": nil, "mprotect": nil, "mremap": nil, "munmap": nil, "madvise": nil,
	"rt_sigaction": nil, "rt_sigprocmask": nil, "sigaltstack": nil, "set_tid_address": nil, "set_robust_list": nil, "futex": nil,
	"getpid": nil, "gettid": nil, "getppid": nil, "getpgid": nil, "getpgrp": nil, "getsid": nil,
	"getuid": nil, "geteuid": nil, "getgid": nil, "getegid": nil, "getresuid": nil, "getresgid": nil, "getgroups": nil,
	"getrlimit": nil, "prlimit64": func(a *proc.Args) bool { return a.Addr(2) == 0 }, "getrusage": nil, "times": nil,
	"clock_gettime": nil, "clock_getres": nil, "gettimeofday": nil, "time": nil, "nanosleep": nil, "clock_nanosleep": nil,
	"prctl":     func(a *proc.Args) bool { return a.Int(0) == linux.PR_GET_SECUREBITS || a.Int(0) == linux.PR_GET_NAME },
	"getrandom": nil, "uname": nil, "sysinfo": nil, "sched_getaffinity": nil, "sched_yield": nil, "getcpu": nil, "getpriority": nil,
	"exit": nil, "exit_group": nil,
}
