package sandbox

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Attempts are made from inside a sandbox process, once before it is sealed and once after:
// what is forbidden must end differently. They are compiled into the tests' program only.

// attempt is one forbidden thing, and how it ends in a sealed process: killed, or an errno.
type attempt struct {
	try  func() error
	want string
	// always: it is refused before the seal as well, by what the constructor has done
	always bool
}

// is tells whether an outcome is the one that is wanted, or one of several.
func (a *attempt) is(got string) bool { return slices.Contains(strings.Split(a.want, "|"), got) }

const killed = "killed"

// do makes one system call.
func do(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, e := syscall.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); e != 0 {
		return errors.New(unix.ErrnoName(e))
	}
	return nil
}

// call makes an attempt of one system call.
func calling(want string, nr uintptr, args ...uintptr) attempt {
	return attempt{try: func() error { return do(nr, args...) }, want: want}
}

// text makes a pointer to a C string that stays where it is.
func text(s string) uintptr {
	b := append([]byte(s), 0)
	kept = append(kept, b)
	return uintptr(unsafe.Pointer(&b[0]))
}

// words makes a pointer to a structure.
func words(w ...uint64) uintptr {
	keptWords = append(keptWords, w)
	return uintptr(unsafe.Pointer(&w[0]))
}

var (
	kept      [][]byte
	keptWords [][]uint64
)

const (
	page    = 4096
	private = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
	atCwd   = ^uintptr(99) // AT_FDCWD
	none    = ^uintptr(0)  // no descriptor
)

// memory maps a page.
func memory(prot, flags int, fd uintptr) (uintptr, error) {
	at, _, e := syscall.RawSyscall6(unix.SYS_MMAP, 0, page, uintptr(prot), uintptr(flags), fd, 0)
	if e != 0 {
		return 0, errors.New(unix.ErrnoName(e))
	}
	return at, nil
}

// memfd makes a file in memory.
func memfd() uintptr {
	fd, _, _ := syscall.RawSyscall(unix.SYS_MEMFD_CREATE, text("x"), 0, 0)
	syscall.RawSyscall(unix.SYS_FTRUNCATE, fd, page, 0)
	return fd
}

// opening opens a path from a directory with openat2, without any restriction of its own.
func opening(want string, dir uintptr, path string, flags uint64) attempt {
	return attempt{
		try: func() error { return do(unix.SYS_OPENAT2, dir, text(path), words(flags, 0, 0), 24) }, want: want, always: true,
	}
}

// changing makes a page and changes its protection in two steps.
func changing(first, then int) error {
	at, err := memory(first, private, none)
	if err != nil {
		return err
	}
	return do(unix.SYS_MPROTECT, at, page, uintptr(then))
}

const (
	rw = unix.PROT_READ | unix.PROT_WRITE
	rx = unix.PROT_READ | unix.PROT_EXEC
)

var attempts = map[string]attempt{
	// Executable memory.
	"mmap anonymous":           {try: func() error { _, err := memory(rx, private, none); return err }, want: killed},
	"mmap write and execute":   {try: func() error { _, err := memory(rw|unix.PROT_EXEC, private, none); return err }, want: killed},
	"mmap a memfd":             {try: func() error { _, err := memory(rx, unix.MAP_SHARED, memfd()); return err }, want: killed},
	"mmap with high bits":      {try: func() error { _, err := memory(rx|1<<40, private, none); return err }, want: killed},
	"mprotect":                 {try: func() error { return changing(rw, rx) }, want: killed},
	"mprotect no access":       {try: func() error { return changing(unix.PROT_NONE, unix.PROT_EXEC) }, want: killed},
	"pkey_mprotect":            calling(killed, unix.SYS_PKEY_MPROTECT, 0, page, rx, none),
	"memfd for execution":      calling(killed, unix.SYS_MEMFD_CREATE, text("x"), mfdExec),
	"shmget":                   calling(killed, unix.SYS_SHMGET, 0, page, 0o700|unix.IPC_CREAT),
	"shmat":                    calling(killed, unix.SYS_SHMAT, 0, 0, 0o100000),
	"remap_file_pages":         calling(killed, unix.SYS_REMAP_FILE_PAGES, 0, page, 0, 0, 0),
	"modify_ldt":               calling(killed, unix.SYS_MODIFY_LDT, 0, 0, 0),
	"map_shadow_stack":         calling(killed, unix.SYS_MAP_SHADOW_STACK, 0, page, 0),
	"personality":              calling("EPERM", unix.SYS_PERSONALITY, 0x0400000),
	"prctl: undo MDWE":         {try: func() error { return do(unix.SYS_PRCTL, prSetMDWE, 0) }, want: "EPERM"},
	"prctl: keep capabilities": calling("EPERM", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1),
	"arch_prctl: set FS":       calling("EPERM", unix.SYS_ARCH_PRCTL, 0x1003, words(0)), // reading, since setting ends the thread
	"memfd_secret":             {try: func() error { return do(unix.SYS_MEMFD_SECRET, 0) }, want: "EPERM", always: true},

	// Other programs and processes.
	"execve":            {try: func() error { return do(unix.SYS_EXECVE, text("/proc/self/exe"), 0, 0) }, want: killed},
	"execveat a memfd":  {try: func() error { return do(unix.SYS_EXECVEAT, memfd(), text(""), 0, 0, unix.AT_EMPTY_PATH) }, want: killed},
	"execveat the code": calling(killed, unix.SYS_EXECVEAT, fdRoot, text("bin/busybox"), 0, 0, 0),
	"fork":              {try: func() error { return forking(unix.SYS_FORK) }, want: killed},
	"vfork by clone":    {try: func() error { return forking(unix.SYS_CLONE, uintptr(unix.SIGCHLD)) }, want: killed},
	"clone with memory": calling(killed, unix.SYS_CLONE, unix.CLONE_VM|unix.CLONE_NEWUSER|unix.CLONE_THREAD),
	"clone a namespace": calling(killed, unix.SYS_CLONE, unix.CLONE_NEWUSER|unix.CLONE_THREAD|unix.CLONE_VM|unix.CLONE_SIGHAND),
	"clone3":            {try: func() error { return do(unix.SYS_CLONE3, words(0, 0, 0, 0, 0, 0, 0, 0), 8) }, want: "ENOSYS"},
	"ptrace":            calling(killed, unix.SYS_PTRACE, unix.PTRACE_ATTACH, 1),
	"process_vm_readv":  calling(killed, unix.SYS_PROCESS_VM_READV, 1, 0, 0, 0, 0),
	"process_vm_writev": calling(killed, unix.SYS_PROCESS_VM_WRITEV, 1, 0, 0, 0, 0),
	"process_madvise":   calling(killed, unix.SYS_PROCESS_MADVISE, 0, 0, 0, 0, 0),
	"kcmp":              calling(killed, unix.SYS_KCMP, 1, 1, 0, 0, 1),
	"pidfd_open":        calling(killed, unix.SYS_PIDFD_OPEN, 1, 0),
	"pidfd_getfd":       calling(killed, unix.SYS_PIDFD_GETFD, 0, 0, 0),
	"kill":              calling("EPERM", unix.SYS_KILL, 1, 0),
	"tkill":             {try: func() error { return do(unix.SYS_TKILL, uintptr(unix.Gettid()), 0) }, want: "EPERM"},
	"tgkill another":    calling("EPERM", unix.SYS_TGKILL, 77777, 77777, 0),
	"rt_sigqueueinfo":   {try: func() error { return do(unix.SYS_RT_SIGQUEUEINFO, 1, 0, words(make([]uint64, 16)...)) }, want: "EPERM", always: true},
	"uselib":            calling(killed, unix.SYS_USELIB, text("/x")),
	"setpriority":       calling("EPERM", unix.SYS_SETPRIORITY, 0, 0, 0),
	"sched_setaffinity": calling("EPERM", unix.SYS_SCHED_SETAFFINITY, 0, 8, words(1)),
	"prlimit":           calling("EPERM", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, words(0, 0)),
	"wait4":             calling("EPERM", unix.SYS_WAIT4, none, 0, unix.WNOHANG, 0),

	// Files.
	"open":                     calling("EPERM", unix.SYS_OPEN, text("/"), 0, 0),
	"openat":                   {try: func() error { return do(unix.SYS_OPENAT, atCwd, text("/"), 0, 0) }, want: "EPERM"},
	"creat":                    calling("EPERM", unix.SYS_CREAT, text("/x"), 0o600),
	"openat2 /proc/self/mem":   opening("ENOENT|EACCES", atCwd, "/proc/self/mem", unix.O_RDWR),
	"openat2 /etc/passwd":      opening("ENOENT|EACCES", atCwd, "/etc/passwd", unix.O_RDONLY),
	"openat2 from the root":    opening("ENOENT|EACCES", fdRoot, "/etc/passwd", unix.O_RDONLY),
	"openat2 out of the root":  opening("ENOENT|EACCES", fdRoot, "../../../../../../../../proc/self/maps", unix.O_RDONLY),
	"openat2 to write content": opening("EROFS|EACCES", fdRoot, "bin/busybox", unix.O_RDWR),
	"openat2 a new file": {try: func() error {
		return do(unix.SYS_OPENAT2, fdRoot, text("new"), words(unix.O_CREAT|unix.O_WRONLY, 0o600, 0), 24)
	}, want: "EROFS", always: true},
	"openat2 below pagemap": opening("ENOTDIR", fdPagemap, "../mem", unix.O_RDWR),
	"stat":                  calling("EPERM", unix.SYS_STAT, text("/"), words(make([]uint64, 32)...)),
	"newfstatat":            {try: func() error { return do(unix.SYS_NEWFSTATAT, fdRoot, text("bin"), words(make([]uint64, 32)...), 0) }, want: "EPERM"},
	"readlink":              calling("EPERM", unix.SYS_READLINK, text("/proc/self/exe"), words(0), 8),
	"readlinkat":            calling("EPERM", unix.SYS_READLINKAT, fdRoot, text("bin/sh"), words(0), 8),
	"getdents64":            {try: func() error { return do(unix.SYS_GETDENTS64, fdRoot, words(make([]uint64, 64)...), 512) }, want: "EPERM"},
	"unlinkat":              calling("EPERM", unix.SYS_UNLINKAT, fdRoot, text("none"), 0),
	"chdir":                 calling("EPERM", unix.SYS_CHDIR, text("/")),
	"fchdir":                calling("EPERM", unix.SYS_FCHDIR, fdRoot),
	"mknodat":               calling(killed, unix.SYS_MKNODAT, fdRoot, text("null"), unix.S_IFCHR|0o666, 0x103),
	"fchmod with setuid":    {try: func() error { return do(unix.SYS_FCHMOD, memfd(), 0o4755) }, want: "EPERM"},
	"setxattr":              calling("EPERM", unix.SYS_FSETXATTR, fdRoot, text("user.x"), text("x"), 1, 0),
	"open_by_handle_at":     calling(killed, unix.SYS_OPEN_BY_HANDLE_AT, fdRoot, words(8, 0), 0),
	"name_to_handle_at":     calling(killed, unix.SYS_NAME_TO_HANDLE_AT, fdRoot, text("bin"), words(8, 0), words(0), 0),
	"fanotify_init":         calling(killed, unix.SYS_FANOTIFY_INIT, 0, 0),
	"inotify_init1":         calling("EPERM", unix.SYS_INOTIFY_INIT1, 0),
	"dup of control":        calling("EPERM", unix.SYS_DUP2, fdControl, 50),
	"ioctl: type ahead":     {try: func() error { return do(unix.SYS_IOCTL, memfd(), unix.TIOCSTI, text("x")) }, want: "EPERM"},
	"fcntl: owner":          {try: func() error { return do(unix.SYS_FCNTL, fdControl, unix.F_SETOWN, 1) }, want: "EPERM"},
	"fcntl: lease":          {try: func() error { return do(unix.SYS_FCNTL, fdControl, unix.F_SETLEASE, 0) }, want: "EPERM"},

	// Namespaces and mounts.
	"unshare":       calling(killed, unix.SYS_UNSHARE, unix.CLONE_NEWUSER),
	"setns":         calling(killed, unix.SYS_SETNS, fdRoot, 0),
	"mount":         calling(killed, unix.SYS_MOUNT, text("none"), text("/"), text("tmpfs"), 0, 0),
	"umount":        calling(killed, unix.SYS_UMOUNT2, text("/"), 0),
	"pivot_root":    calling(killed, unix.SYS_PIVOT_ROOT, text("/"), text("/")),
	"chroot":        calling(killed, unix.SYS_CHROOT, text("/")),
	"open_tree":     calling(killed, unix.SYS_OPEN_TREE, fdRoot, text(""), unix.AT_EMPTY_PATH),
	"fsopen":        calling(killed, unix.SYS_FSOPEN, text("proc"), 0),
	"move_mount":    calling(killed, unix.SYS_MOVE_MOUNT, fdRoot, text(""), atCwd, text("/"), 4),
	"mount_setattr": calling(killed, unix.SYS_MOUNT_SETATTR, fdRoot, text(""), unix.AT_EMPTY_PATH, words(0, 0, 0, 0), 32),

	// The host's kernel.
	"init_module":     calling(killed, unix.SYS_INIT_MODULE, 0, 0, text("")),
	"finit_module":    calling(killed, unix.SYS_FINIT_MODULE, fdRoot, text(""), 0),
	"delete_module":   calling(killed, unix.SYS_DELETE_MODULE, text("x"), 0),
	"kexec_load":      calling(killed, unix.SYS_KEXEC_LOAD, 0, 0, 0, 0),
	"bpf":             calling(killed, unix.SYS_BPF, 0, words(make([]uint64, 16)...), 128),
	"perf_event_open": calling(killed, unix.SYS_PERF_EVENT_OPEN, words(make([]uint64, 16)...), 0, none, none, 0),
	"io_uring_setup":  calling(killed, unix.SYS_IO_URING_SETUP, 1, words(make([]uint64, 16)...)),
	"userfaultfd":     calling(killed, unix.SYS_USERFAULTFD, 0),
	"add_key":         calling(killed, unix.SYS_ADD_KEY, text("user"), text("x"), text("x"), 1, none),
	"request_key":     calling(killed, unix.SYS_REQUEST_KEY, text("user"), text("x"), 0, 0),
	"keyctl":          calling(killed, unix.SYS_KEYCTL, 0, none),
	"seccomp":         calling(killed, unix.SYS_SECCOMP, 2, 0, words(0)),
	"iopl":            calling(killed, unix.SYS_IOPL, 3),
	"ioperm":          calling(killed, unix.SYS_IOPERM, 0, 1, 1),
	"reboot":          calling(killed, unix.SYS_REBOOT, 0, 0, 0, 0),
	"swapon":          calling(killed, unix.SYS_SWAPON, text("/x"), 0),
	"acct":            calling(killed, unix.SYS_ACCT, text("/x")),
	"syslog":          calling(killed, unix.SYS_SYSLOG, 10, 0, 0),
	"settimeofday":    {try: func() error { return do(unix.SYS_SETTIMEOFDAY, 0, words(0)) }, want: "EPERM", always: true},
	"sethostname":     {try: func() error { return do(unix.SYS_SETHOSTNAME, text("x"), 1) }, want: "EPERM", always: true},
	"setuid":          {try: func() error { return do(unix.SYS_SETUID, uintptr(os.Getuid())) }, want: "EPERM"},
	"setresuid":       calling("EPERM", unix.SYS_SETRESUID, none, none, none),
	"capset":          calling("EPERM", unix.SYS_CAPSET, words(0x20080522), words(0, 0, 0)),

	// The network.
	"socket":                  calling(killed, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0),
	"socket: netlink":         calling(killed, unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, 0),
	"socketpair":              calling(killed, unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM, 0, words(0)),
	"connect":                 calling(killed, unix.SYS_CONNECT, fdControl, words(0), 2),
	"bind":                    calling(killed, unix.SYS_BIND, fdControl, words(0), 2),
	"sendto":                  calling(killed, unix.SYS_SENDTO, fdControl, text("x"), 0, unix.MSG_NOSIGNAL, words(0), 0),
	"sendmsg elsewhere":       calling(killed, unix.SYS_SENDMSG, 0, 0, 0),
	"recvmsg elsewhere":       calling(killed, unix.SYS_RECVMSG, 0, 0, 0),
	"another interface (x32)": calling(killed, x32+unix.SYS_GETPID),
	"a number of the future":  calling("EPERM", 100000),
}

// forking ends the child, should there be one, and is done then.
func forking(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	pid, _, e := syscall.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if e != 0 {
		return errors.New(unix.ErrnoName(e))
	}
	if pid == 0 {
		syscall.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
	}
	return nil
}
