package sandbox

import (
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The filter is a list of what the process may ask of Linux once it is sealed. What is not in
// it is EPERM, and what nothing of ours ever asks for, but an attacker would, ends the process.
// The list was made by measuring: with any entry taken out, a test fails or a guest does.

// call is a system call that may be made if its arguments pass all checks.
type call struct {
	nr     uint32
	checks []check
	deny   uint32 // what becomes of it otherwise
}

// check holds if the low half of an argument, masked, is one of the values. Linux looks at no
// more than that half of any argument that is checked here.
type check struct {
	arg    uint32
	mask   uint32
	values []uint32
}

// What a filter says.
const (
	allow = 0x7fff0000 // SECCOMP_RET_ALLOW
	kill  = 0x80000000 // SECCOMP_RET_KILL_PROCESS
	errno = 0x00050000 // SECCOMP_RET_ERRNO, with the number
	eperm = errno | 1  // EPERM
	nosys = errno | 38 // ENOSYS
	x32   = 0x40000000 // bit of the numbers of another interface
	arch  = unix.AUDIT_ARCH_X86_64
)

const (
	mfdExec       = 0x10
	pagemapScan   = 0xc0606610
	archSetGS     = 0x1001
	threadFlags   = 0x003d0f00 // of glibc's and musl's pthread_create, besides:
	threadIgnored = 0x00400000 // CLONE_DETACHED
	sysFchmodat2  = 452
)

// is makes a check for an argument that has to be one of some values.
func is(arg uint32, values ...uint32) check { return check{arg, ^uint32(0), values} }

// without makes a check for an argument that must not have some bits.
func without(arg, bits uint32) check { return check{arg, bits, []uint32{0}} }

// checked are the calls that are looked at by their arguments, those that are frequent first.
func checked(pid uint32) []call {
	const exec = unix.PROT_EXEC
	return []call{
		{unix.SYS_MPROTECT, []check{without(2, exec)}, kill},                                      // engine: pages of guests; stacks of threads
		{unix.SYS_MMAP, []check{without(2, exec)}, kill},                                          // engine; Go's heap; stacks of threads
		{unix.SYS_IOCTL, []check{is(1, pagemapScan)}, eperm},                                      // engine: which pages are dirty
		{unix.SYS_TGKILL, []check{is(0, pid)}, eperm},                                             // engine and Go: preemption, own threads only
		{unix.SYS_ARCH_PRCTL, []check{is(0, archSetGS)}, eperm},                                   // engine: entering a guest on a host without FSGSBASE
		{unix.SYS_MEMFD_CREATE, []check{without(1, mfdExec)}, kill},                               // engine: memory that processes share
		{unix.SYS_MEMBARRIER, []check{is(0, 1<<3, 1<<4)}, eperm},                                  // engine: the guests' membarrier
		{unix.SYS_CLONE, []check{{0, ^uint32(threadIgnored), []uint32{threadFlags}}}, kill},       // threads, nothing else
		{unix.SYS_FCNTL, []check{is(1, unix.F_GETFL, unix.F_SETFL, unix.F_DUPFD_CLOEXEC)}, eperm}, // Go: files
		{unix.SYS_SENDMSG, []check{is(0, fdControl)}, kill},                                       // to the launcher
		{unix.SYS_RECVMSG, []check{is(0, fdControl)}, kill},                                       // from the launcher
	}
}

// plainCalls are the calls that may be made with any arguments: they reach memory, time, threads and
// descriptors that the process has, and nothing else.
var plainCalls = []uint32{
	// Descriptors: files of the container, memory files, streams.
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_PREAD64, unix.SYS_PWRITE64, unix.SYS_CLOSE,
	unix.SYS_FSTAT,     // content, by what it is now
	unix.SYS_LSEEK,     // content, and holes in files
	unix.SYS_FTRUNCATE, // memory files, files of mounts
	unix.SYS_FALLOCATE, // giving memory back

	// Content of the root file system and files of mounts; where it may look is Landlock's and
	// the mount's. Without these the process has no path at all.
	unix.SYS_OPENAT2,

	// Memory.
	unix.SYS_MUNMAP, unix.SYS_MADVISE, unix.SYS_MREMAP,
	unix.SYS_BRK, // the C library's heap

	// Threads.
	unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_NANOSLEEP, unix.SYS_GETTID, unix.SYS_GETPID,
	unix.SYS_SET_ROBUST_LIST, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_SCHED_GETAFFINITY, // the C library: attributes of a new thread
	unix.SYS_RESTART_SYSCALL,   // Linux's own, after a stop

	// Signals: preemption and faults.
	unix.SYS_RT_SIGRETURN, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGACTION, unix.SYS_SIGALTSTACK,

	// Streams that do not block.
	unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT,

	// What the kernel tells guests of the host.
	unix.SYS_GETRUSAGE, unix.SYS_SYSINFO,
	unix.SYS_CLOCK_GETTIME, // where the vDSO has no clock
	unix.SYS_GETRANDOM,     // where the vDSO has none
}

// mountCalls are those that only a sandbox with host mounts may make (package hostfs), and
// never with setuid bits.
var mountCalls = []call{
	{unix.SYS_NEWFSTATAT, nil, 0},
	{unix.SYS_GETDENTS64, nil, 0},
	{unix.SYS_READLINKAT, nil, 0},
	{unix.SYS_FSTATFS, nil, 0},
	{unix.SYS_RENAMEAT2, nil, 0},
	{unix.SYS_LINKAT, nil, 0},
	{unix.SYS_SYMLINKAT, nil, 0},
	{unix.SYS_UNLINKAT, nil, 0},
	{unix.SYS_UTIMENSAT, nil, 0},
	{unix.SYS_FCHOWNAT, nil, 0},
	{unix.SYS_FSYNC, nil, 0},
	{unix.SYS_PWRITEV2, nil, 0}, // appending
	{unix.SYS_MKDIRAT, []check{without(2, setIDs)}, eperm},
	{unix.SYS_FCHMOD, []check{without(1, setIDs)}, eperm},
	{unix.SYS_FCHMODAT, []check{without(2, setIDs)}, eperm},
	{sysFchmodat2, []check{without(2, setIDs)}, eperm},
}

// netCalls are those that only a sandbox with connections to outside may make.
var netCalls = []call{
	{unix.SYS_SHUTDOWN, nil, 0}, // what was dialled for it
}

const setIDs = unix.S_ISUID | unix.S_ISGID

// deadly end the process: what an attacker needs, and nothing of ours asks for.
var deadly = []uint32{
	// Other code, other processes.
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_PTRACE,
	unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_KCMP,
	unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_USELIB,
	// Executable memory by other ways.
	unix.SYS_PKEY_MPROTECT, unix.SYS_SHMAT, unix.SYS_SHMGET, unix.SYS_REMAP_FILE_PAGES, unix.SYS_MODIFY_LDT,
	unix.SYS_USERFAULTFD, unix.SYS_MAP_SHADOW_STACK,
	// The host's kernel.
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL,
	unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_SYSLOG, unix.SYS_SECCOMP,
	// Namespaces and mounts.
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
	unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_FSCONFIG,
	unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_FANOTIFY_INIT,
	// Nodes and the network of the host.
	unix.SYS_MKNOD, unix.SYS_MKNODAT, unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND,
	unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4, unix.SYS_SENDTO, unix.SYS_SENDMMSG,
}

// program is the filter of a process, in front of which nothing is trusted.
func program(pid int, mounts, network bool) ([]bpf.Instruction, error) {
	calls := checked(uint32(pid))
	for _, nr := range plainCalls {
		calls = append(calls, call{nr: nr})
	}
	if mounts {
		calls = append(calls, mountCalls...)
	}
	if network {
		calls = append(calls, netCalls...)
	}
	a := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 4, Size: 4}, // the architecture
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arch, SkipTrue: 1},
		bpf.RetConstant{Val: kill},
		bpf.LoadAbsolute{Off: 0, Size: 4}, // the number
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: x32, SkipTrue: 1},
		bpf.RetConstant{Val: kill},
	}
	for _, c := range calls {
		a = append(a, c.assemble()...)
	}
	for _, nr := range deadly {
		a = append(a, when(nr, []bpf.Instruction{bpf.RetConstant{Val: kill}})...)
	}
	// The C library asks for it first, and then for clone.
	a = append(a, when(unix.SYS_CLONE3, []bpf.Instruction{bpf.RetConstant{Val: nosys}})...)
	return append(a, bpf.RetConstant{Val: eperm}), nil
}

// when does body if the call, whose number is in the accumulator, is nr. The body returns in
// the end, so that nothing else in the accumulator is ever taken for a number.
func when(nr uint32, body []bpf.Instruction) []bpf.Instruction {
	return append([]bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpEqual, Val: nr, SkipFalse: uint8(len(body))}}, body...)
}

func (c *call) assemble() []bpf.Instruction {
	var body []bpf.Instruction
	for _, k := range c.checks {
		body = append(body, bpf.LoadAbsolute{Off: 16 + 8*k.arg, Size: 4})
		if k.mask != ^uint32(0) {
			body = append(body, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: k.mask})
		}
		for i, v := range k.values {
			body = append(body, bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(len(k.values) - i)})
		}
		body = append(body, bpf.RetConstant{Val: c.deny})
	}
	return when(c.nr, append(body, bpf.RetConstant{Val: allow}))
}
