package imports

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/policy"
	"vkernel/internal/proc"
	"vkernel/internal/syscalls"
	"vkernel/internal/wasi"
)

// held is the policy of an entry.
func held(t *testing.T, e manifest.Entry) *policy.Policy {
	t.Helper()
	e.ID, e.Name, e.Export = "p", "p", "_start"
	s, err := policy.New(&manifest.Manifest{Entries: []manifest.Entry{e}})
	if err != nil {
		t.Fatal(err)
	}
	return s.Entry("p")
}

func TestBind(t *testing.T) {
	var log strings.Builder
	program := &layout.Program{Name: "p", Imports: []layout.Import{
		{Module: "wali", Name: "SYS_getpid"},
		{Module: "wali", Name: "SYS_nothing"},
		{Module: "wali", Name: "__init"},
		{Module: wasi.Module, Name: "sock_open"},
		{Module: wasi.Module, Name: "fd_sync"},
	}}
	calls := Bind(program, Options{Policy: held(t, manifest.Entry{Syscalls: []string{"getpid", "nothing"}}), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if slices.ContainsFunc(calls, func(h proc.Handler) bool { return h == nil }) {
		t.Fatal("an import is not bound")
	}
	if _, e := calls[1](nil, proc.Args{}); e != linux.ENOSYS {
		t.Errorf("an unknown call: %v, want ENOSYS", e)
	}
	if n, e := calls[2](nil, proc.Args{}); n != 0 || e != 0 {
		t.Errorf("__init: %d %v", n, e)
	}
	if n, e := calls[3](nil, proc.Args{}); n != 52 || e != 0 {
		t.Errorf("an unknown call of WASI: %d %v, want its ENOSYS, 52", n, e)
	}
	if n, e := calls[4](nil, proc.Args{}); n != 63 || e != 0 {
		t.Errorf("a denied call of WASI: %d %v, want its EPERM, 63", n, e)
	}
	if got := Syscall("wali", "__wasm_thread_spawn"); got != "clone" {
		t.Errorf("wali.__wasm_thread_spawn is charged to %q", got)
	}
	if strings.Count(log.String(), "wali.SYS_nothing") != 1 || strings.Contains(log.String(), "getpid") {
		t.Errorf("log %q", log.String())
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		module, name, sig string
		known             bool
		want              string // part of the error, "" for none
	}{
		{"wali", "SYS_read", "iii:l", true, ""},
		{"wali", "SYS_io_uring_setup", "ii:l", false, ""},
		{wasi.Module, "fd_read", "iiii:i", true, ""},
		{wasi.Module, "proc_exit", "i:", true, ""},
		{wasi.Module, "fd_read", "iiii:l", true, "type iiii:l, want iiii:i"},
		{wasi.Module, "sock_open", "iii:i", false, ""},
		{wasi.Module, "sock_open", "iii:l", false, "returns i32"},
		{"wasi_unstable", "fd_read", "iiii:i", false, "unknown module"},
		{"env", "puts", "i:i", false, "unknown module"},
	} {
		known, err := Check(layout.Import{Module: tt.module, Name: tt.name, Type: tt.sig})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s.%s %s: %v, want %q", tt.module, tt.name, tt.sig, err, tt.want)
		}
		if err == nil && known != tt.known {
			t.Errorf("%s.%s: known %v", tt.module, tt.name, known)
		}
	}
}

// TestSyscall: what a call is charged to is a call that a manifest can list.
func TestSyscall(t *testing.T) {
	for _, c := range wasi.Table {
		if _, ok := syscalls.Lookup(c.Linux); !ok && c.Linux != "" {
			t.Errorf("%s is charged to %q, which is no system call", c.Name, c.Linux)
		}
		if got := Syscall(wasi.Module, c.Name); got != c.Linux {
			t.Errorf("%s: %q, want %q", c.Name, got, c.Linux)
		}
	}
	if got := Syscall("wali", "SYS_read"); got != "read" {
		t.Errorf("wali.SYS_read: %q", got)
	}
	if got := Syscall("wali", "SYS_newfstatat"); got != "fstatat" {
		t.Errorf("wali.SYS_newfstatat: %q, want the one name of the call", got)
	}
	if got := Syscall("wali", "__init"); got != "" {
		t.Errorf("wali.__init: %q", got)
	}
}

// TestProfilesNameCalls: a profile names no call that nobody has heard of, and none that exists
// is forgotten by all of them unless it is meant to be.
func TestProfilesNameCalls(t *testing.T) {
	later := strings.Fields(`accept accept4 arch_prctl bind clone3 connect epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2
		epoll_wait eventfd eventfd2 getpeername getsockname getsockopt listen newfstatat recvfrom recvmmsg recvmsg sendmmsg sendmsg sendto
		setsockopt shutdown signalfd4 socket socketpair tee timerfd_create timerfd_gettime timerfd_settime`)
	never := strings.Fields(`capget capset chroot clock_settime mount personality pidfd_getfd reboot sched_setscheduler setdomainname setfsgid setfsuid
		process_vm_readv process_vm_writev ptrace setgid setgroups sethostname setregid setresgid setresuid setreuid settimeofday setuid syslog umount2`)
	shell, err := policy.FindProfile("shell")
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range shell.Calls() {
		if _, ok := syscalls.Lookup(call); !ok && !slices.Contains(later, call) {
			t.Errorf("the profile shell names %s, which is no system call", call)
		}
	}
	for _, c := range syscalls.Table {
		_, found := slices.BinarySearch(shell.Calls(), c.Name)
		if denied := slices.Contains(never, c.Name); found == denied {
			t.Errorf("%s: in the profile shell: %v, meant to be denied: %v", c.Name, found, denied)
		}
	}
}

// TestConditions: argument rules hold for WASI by the numbers that Linux would see, and what
// cannot be looked at is denied.
func TestConditions(t *testing.T) {
	imports := []layout.Import{
		{Module: "wali", Name: "SYS_ioctl"},
		{Module: "wali", Name: "__wasm_thread_spawn"},
		{Module: wasi.Module, Name: "fd_fdstat_get"},
		{Module: wasi.Module, Name: "fd_fdstat_set_flags"},
		{Module: "wali", Name: "SYS_sendmmsg"},
	}
	for _, tt := range []struct {
		name  string
		index int
		rule  manifest.Rule
		args  proc.Args
		deny  bool
	}{
		{"another value", 0, manifest.Rule{Syscall: "ioctl", Arg: 1, Allow: []uint64{1}}, proc.Args{0, 2}, true},
		{"another bit above", 0, manifest.Rule{Syscall: "ioctl", Arg: 1, Allow: []uint64{1}}, proc.Args{0, 1 << 32}, true},
		{"a thread where only processes are", 1, manifest.Rule{Syscall: "clone", Mask: linux.CLONE_THREAD, Allow: []uint64{0}}, proc.Args{}, true},
		{"F_GETFL", 2, manifest.Rule{Syscall: "fcntl", Arg: 1, Allow: []uint64{linux.F_SETFL}}, proc.Args{}, true},
		{"translated", 3, manifest.Rule{Syscall: "fcntl", Arg: 1, Allow: []uint64{linux.F_SETFL}}, proc.Args{}, true},
		{"addresses that no handler asks about", 4, manifest.Rule{Syscall: "sendmmsg", Addresses: []string{"127.0.0.1:1"}}, proc.Args{}, true},
		{"another size", 4, manifest.Rule{Syscall: "sendmmsg", Arg: 2, Allow: []uint64{16}}, proc.Args{0, 0, 17}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := held(t, manifest.Entry{Syscalls: []string{"clone", "fcntl", "ioctl", "sendmmsg"}, Rules: []manifest.Rule{tt.rule}})
			calls := Bind(&layout.Program{Imports: imports}, Options{Policy: p, Log: slog.New(slog.DiscardHandler)})
			n, e := calls[tt.index](nil, tt.args)
			if denied := e == linux.EPERM || n == 63 && e == 0; denied != tt.deny {
				t.Errorf("%d, %v; want denied %v", n, e, tt.deny)
			}
		})
	}
}

// TestListed: what an entry lists neither as allowed nor as withheld, its program may not import.
func TestListed(t *testing.T) {
	program := &layout.Program{Imports: []layout.Import{{Module: "wali", Name: "SYS_read"}, {Module: "wali", Name: "SYS_open"}, {Module: "wali", Name: "__init"}}}
	if err := Listed(program, held(t, manifest.Entry{Syscalls: []string{"read"}, Withheld: []string{"open"}})); err != nil {
		t.Error(err)
	}
	if err := Listed(program, held(t, manifest.Entry{Syscalls: []string{"read"}})); err == nil || !strings.Contains(err.Error(), "wali.SYS_open") {
		t.Errorf("an import that is not listed: %v", err)
	}
}
