// Package syscalls is the system call layer: the table of all calls, the dispatch of a
// guest's imports, and one small handler per call.
//
// # Model
//
// Table is the catalogue: number, name, signature, argument kinds, handler, support level
// and note of every call, one line each. Dispatch, strace output, the builder's check of
// imports, the documentation and the coverage report derive from it. What is not in the
// table, or has no handler, answers ENOSYS.
//
// A handler decodes, checks and delegates: the work is done in the packages of the objects
// (fd, vfs, signal, proc, mm). It returns a result or an Errno; proc makes the guest's word
// of them. Handlers of a family share a file: process_*.go, signal_*.go, time_*.go, mem*.go,
// identity*.go; those on files are fs_*.go, fd_*.go, poll.go and ioctl.go.
//
// # Rules
//
// A handler that may sleep does it by proc.Thread.Block or Sleep and by nothing else. It
// takes nothing global and allocates nothing on its common path. Guest memory is reached
// only through t.Mem().
package syscalls

import (
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// Args are the arguments of a call.
type Args = proc.Args

// Handler is the body of a call.
type Handler = proc.Handler

// Level tells how much of Linux's behaviour a call has.
type Level uint8

// Levels.
const (
	Full    Level = iota // what programs can observe, but for what the note says
	Partial              // the note names the missing part
	Denied               // answers an error by design; the note says why
)

// Call is one line of the table.
type Call struct {
	Num  int    // number on x86-64
	Name string // imported as wali.SYS_<Name>
	// Sig is the import's type (layout.Import.Type): i for int, pointers, size_t, mode_t
	// and ids; l for off_t and long. Several, with blanks between, are all accepted: the
	// first is ours, others occur in published programs.
	Sig     string
	Args    string // kind of each argument, for traces: package trace lists them
	Handler Handler
	Level   Level
	Note    string
}

// Table is sorted by number.
var Table = []Call{
	{0, "read", "iii:l", "fd rbuf size", read, Full, ""},
	{1, "write", "iii:l", "fd wbuf size", write, Full, ""},
	{2, "open", "iii:l", "path oflags mode", open, Full, ""},
	{3, "close", "i:l", "fd", closeFD, Full, ""},
	{4, "stat", "ii:l", "path stat", stat, Full, ""},
	{5, "fstat", "ii:l", "fd stat", fstat, Full, ""},
	{6, "lstat", "ii:l", "path stat", lstat, Full, ""},
	{7, "poll", "ili:l iii:l", "pollfds long int", poll, Full, ""},
	{8, "lseek", "ili:l", "fd long whence", lseek, Full, ""},
	{9, "mmap", "iiiiil:l", "ptr size prot mapflags fd long", mmap, Partial, "no shared file mappings that write back; PROT_EXEC is EACCES"},
	{10, "mprotect", "iii:l", "ptr size prot", mprotect, Full, "PROT_EXEC is EACCES"},
	{11, "munmap", "ii:l", "ptr size", munmap, Full, ""},
	{12, "brk", "i:l", "ptr", brk, Full, "memory.grow moves the same break"},
	{13, "rt_sigaction", "iiii:l", "sig sigaction osigaction size", rtSigaction, Full, "a handler is an index into table 0"},
	{14, "rt_sigprocmask", "iiii:l", "sighow sigset osigset size", rtSigprocmask, Full, ""},
	{15, "rt_sigreturn", "l:l :l", "", rtSigreturn, Denied, "a handler that returns has returned"},
	{16, "ioctl", "iii:l", "fd ioctl ptr", ioctl, Partial, "terminals, FIONREAD, FIONBIO, FIOASYNC, FIOCLEX"},
	{17, "pread64", "iiil:l", "fd rbuf size long", pread64, Full, ""},
	{18, "pwrite64", "iiil:l", "fd wbuf size long", pwrite64, Full, ""},
	{19, "readv", "iii:l", "fd riov int", readv, Full, ""},
	{20, "writev", "iii:l", "fd wiov int", writev, Full, ""},
	{21, "access", "ii:l", "path amode", access, Full, ""},
	{22, "pipe", "i:l", "fdpair", pipe, Full, ""},
	{23, "select", "iiiii:l", "int ptr ptr ptr timeval", selectFDs, Full, ""},
	{24, "sched_yield", ":l", "", schedYield, Full, ""},
	{25, "mremap", "iiiii:l", "ptr size size hex ptr", mremap, Full, ""},
	{26, "msync", "iii:l", "ptr size hex", msync, Full, ""},
	{27, "mincore", "iii:l", "ptr size ptr", mincore, Partial, "every mapped page is resident"},
	{28, "madvise", "iii:l", "ptr size int", madvise, Full, ""},
	{32, "dup", "i:l", "fd", dup, Full, ""},
	{33, "dup2", "ii:l", "fd fd", dup2, Full, ""},
	{34, "pause", ":l", "", pause, Full, ""},
	{35, "nanosleep", "ii:l", "timespec otimespec", nanosleep, Full, ""},
	{36, "getitimer", "ii:l", "int ptr", getitimer, Full, ""},
	{37, "alarm", "i:l", "uint", alarm, Full, ""},
	{38, "setitimer", "iii:l", "int itimerval ptr", setitimer, Full, ""},
	{39, "getpid", ":l", "", getpid, Full, ""},
	{40, "sendfile", "iiii:l", "fd fd ptr size", sendfile, Full, ""},
	{41, "socket", "iii:l", "int hex int", socket, Partial, "UNIX, and TCP and UDP over IPv4 and IPv6"},
	{42, "connect", "iii:l", "fd ptr size", connect, Partial, "Internet addresses are those of the loopback, others ENETUNREACH"},
	{43, "accept", "iii:l", "fd ptr ptr", accept, Full, ""},
	{44, "sendto", "iiiiii:l", "fd wbuf size hex ptr size", sendto, Full, "as connect"},
	{45, "recvfrom", "iiiiii:l", "fd rbuf size hex ptr ptr", recvfrom, Full, ""},
	{46, "sendmsg", "iii:l", "fd ptr hex", sendmsg, Full, "SCM_RIGHTS, SCM_CREDENTIALS"},
	{47, "recvmsg", "iii:l", "fd ptr hex", recvmsg, Full, ""},
	{48, "shutdown", "ii:l", "fd int", shutdown, Full, ""},
	{49, "bind", "iii:l", "fd ptr size", bind, Full, ""},
	{50, "listen", "ii:l", "fd int", listen, Full, ""},
	{51, "getsockname", "iii:l", "fd ptr ptr", getsockname, Full, ""},
	{52, "getpeername", "iii:l", "fd ptr ptr", getpeername, Full, ""},
	{53, "socketpair", "iiii:l", "int hex int fdpair", socketpair, Full, ""},
	{54, "setsockopt", "iiiii:l", "fd int int ptr size", setsockopt, Partial, "no multicast; options without meaning on a loopback are kept"},
	{55, "getsockopt", "iiiii:l", "fd int int ptr ptr", getsockopt, Partial, "as setsockopt"},
	{56, "clone", "liiil:l iiiii:l liiii:l", "cloneflags ptr ptr ptr hex", clone, Partial, "as fork, or as vfork (CLONE_VM|CLONE_VFORK), with CLONE_PIDFD; stack is ignored"},
	{57, "fork", ":l", "", fork, Full, ""},
	{58, "vfork", ":l", "", vfork, Full, ""},
	{59, "execve", "iii:l", "path argv envp", execve, Full, "only files that the manifest lists"},
	{60, "exit", "i:l i:", "int", exit, Full, ""},
	{61, "wait4", "iiii:l", "int status waitopts ptr", wait4, Full, ""},
	{62, "kill", "ii:l", "int sig", kill, Full, ""},
	{63, "uname", "i:l", "ptr", uname, Full, ""},
	{72, "fcntl", "iii:l iil:l", "fd fcntl hex", fcntl, Partial, "descriptors, flags, pipe size, advisory locks, seals, signals of pipes, sockets, terminals and directories; no leases"},
	{73, "flock", "ii:l", "fd hex", flock, Full, ""},
	{74, "fsync", "i:l", "fd", fsync, Full, ""},
	{75, "fdatasync", "i:l", "fd", fsync, Full, ""},
	{76, "truncate", "il:l", "path long", truncate, Full, ""},
	{77, "ftruncate", "il:l", "fd long", ftruncate, Full, ""},
	{78, "getdents", "iii:l", "fd ptr size", getdents, Full, ""},
	{79, "getcwd", "ii:l", "rstr size", getcwd, Full, ""},
	{80, "chdir", "i:l", "path", chdir, Full, ""},
	{81, "fchdir", "i:l", "fd", fchdir, Full, ""},
	{82, "rename", "ii:l", "path path", rename, Full, ""},
	{83, "mkdir", "ii:l", "path mode", mkdir, Full, ""},
	{84, "rmdir", "i:l", "path", rmdir, Full, ""},
	{85, "creat", "ii:l", "path mode", creat, Full, ""},
	{86, "link", "ii:l", "path path", link, Full, ""},
	{87, "unlink", "i:l", "path", unlink, Full, ""},
	{88, "symlink", "ii:l", "path path", symlink, Full, ""},
	{89, "readlink", "iii:l", "path rbuf size", readlink, Full, ""},
	{90, "chmod", "ii:l", "path mode", chmod, Full, ""},
	{91, "fchmod", "ii:l", "fd mode", fchmod, Full, ""},
	{92, "chown", "iii:l", "path int int", chown, Full, ""},
	{93, "fchown", "iii:l", "fd int int", fchown, Full, ""},
	{94, "lchown", "iii:l", "path int int", lchown, Full, ""},
	{95, "umask", "i:l", "mode", umask, Full, ""},
	{96, "gettimeofday", "ii:l", "ptr ptr", gettimeofday, Full, ""},
	{97, "getrlimit", "ii:l", "rlimit ptr", getrlimit, Full, ""},
	{98, "getrusage", "ii:l", "int ptr", getrusage, Partial, "times, maximum resident size and switches"},
	{99, "sysinfo", "i:l", "ptr", sysinfo, Full, ""},
	{100, "times", "i:l", "ptr", times, Full, ""},
	{101, "ptrace", "liii:l iiii:l", "int int ptr ptr", ptrace, Denied, "EPERM: nobody touches another process"},
	{102, "getuid", ":l", "", getuid, Full, ""},
	{103, "syslog", "iii:l", "int ptr int", denied, Denied, "EPERM: the host's log is not the guest's"},
	{104, "getgid", ":l", "", getgid, Full, ""},
	{105, "setuid", "i:l", "int", setuid, Full, ""},
	{106, "setgid", "i:l", "int", setgid, Full, ""},
	{107, "geteuid", ":l", "", geteuid, Full, ""},
	{108, "getegid", ":l", "", getegid, Full, ""},
	{109, "setpgid", "ii:l", "int int", setpgid, Full, ""},
	{110, "getppid", ":l", "", getppid, Full, ""},
	{111, "getpgrp", ":l", "", getpgrp, Full, ""},
	{112, "setsid", ":l", "", setsid, Full, ""},
	{113, "setreuid", "ii:l", "int int", setreuid, Full, ""},
	{114, "setregid", "ii:l", "int int", setregid, Full, ""},
	{115, "getgroups", "ii:l", "int ptr", getgroups, Full, ""},
	{116, "setgroups", "ii:l", "int ptr", setgroups, Full, ""},
	{117, "setresuid", "iii:l", "int int int", setresuid, Full, ""},
	{118, "getresuid", "iii:l", "ptr ptr ptr", getresuid, Full, ""},
	{119, "setresgid", "iii:l", "int int int", setresgid, Full, ""},
	{120, "getresgid", "iii:l", "ptr ptr ptr", getresgid, Full, ""},
	{121, "getpgid", "i:l", "int", getpgid, Full, ""},
	{122, "setfsuid", "i:l", "int", setfsuid, Full, ""},
	{123, "setfsgid", "i:l", "int", setfsgid, Full, ""},
	{124, "getsid", "i:l", "int", getsid, Full, ""},
	{125, "capget", "ii:l", "ptr ptr", capget, Partial, "root has all capabilities, others none"},
	{126, "capset", "ii:l", "ptr ptr", capset, Partial, "a set that root has, or the empty one"},
	{127, "rt_sigpending", "ii:l", "osigset size", rtSigpending, Full, ""},
	{128, "rt_sigtimedwait", "iiii:l", "sigset ptr timespec size", rtSigtimedwait, Full, ""},
	{129, "rt_sigqueueinfo", "iii:l", "int sig ptr", rtSigqueueinfo, Full, ""},
	{130, "rt_sigsuspend", "ii:l", "sigset size", rtSigsuspend, Full, ""},
	{131, "sigaltstack", "ii:l", "ptr ptr", sigaltstack, Full, "for the guest's own stack; frames of the native stack stay where they are"},
	{132, "utime", "ii:l", "path ptr", utime, Full, ""},
	{133, "mknod", "iil:l iii:l", "path mode hex", mknod, Partial, "FIFOs, sockets and regular files; devices are EPERM"},
	{135, "personality", "l:l i:l", "hex", personality, Partial, "PER_LINUX only; READ_IMPLIES_EXEC is EPERM"},
	{137, "statfs", "ii:l", "path ptr", statfs, Full, ""},
	{138, "fstatfs", "ii:l", "fd ptr", fstatfs, Full, ""},
	{140, "getpriority", "ii:l", "int int", getpriority, Full, ""},
	{141, "setpriority", "iii:l", "int int int", setpriority, Partial, "the value is kept; the scheduler is the host's"},
	{143, "sched_getparam", "ii:l", "int ptr", schedGetparam, Full, ""},
	{144, "sched_setscheduler", "iii:l", "int int ptr", schedSetscheduler, Partial, "SCHED_OTHER only"},
	{145, "sched_getscheduler", "i:l", "int", schedGetscheduler, Full, ""},
	{146, "sched_get_priority_max", "i:l", "int", schedGetPriorityMax, Full, ""},
	{147, "sched_get_priority_min", "i:l", "int", schedGetPriorityMin, Full, ""},
	{148, "sched_rr_get_interval", "ii:l", "int ptr", schedRRGetInterval, Full, ""},
	{149, "mlock", "ii:l", "ptr size", mlock, Full, "checks the range; guest memory is as resident as the host keeps it"},
	{150, "munlock", "ii:l", "ptr size", mlock, Full, ""},
	{151, "mlockall", "i:l", "hex", mlockall, Full, ""},
	{152, "munlockall", ":l", "", munlockall, Full, ""},
	{157, "prctl", "illll:l iiiii:l", "prctl hex hex hex hex", prctl, Partial, "names, parent death signal, dumpable, no_new_privs, securebits of execution and what programs probe"},
	{160, "setrlimit", "ii:l", "rlimit ptr", setrlimit, Full, ""},
	{161, "chroot", "i:l", "path", chroot, Full, ""},
	{162, "sync", ":l", "", syncAll, Full, ""},
	{164, "settimeofday", "ii:l", "ptr ptr", denied, Denied, "EPERM: the clock is the host's"},
	{165, "mount", "iiili:l", "path path str hex ptr", mount, Denied, "EPERM"},
	{166, "umount2", "ii:l", "path hex", umount2, Denied, "EPERM"},
	{169, "reboot", "iiii:l", "hex hex hex ptr", denied, Denied, "EPERM"},
	{170, "sethostname", "ii:l", "wbuf size", sethostname, Full, ""},
	{171, "setdomainname", "ii:l", "wbuf size", setdomainname, Full, ""},
	{186, "gettid", ":l", "", gettid, Full, ""},
	{187, "readahead", "ili:l", "fd long size", readahead, Full, ""},
	{188, "setxattr", "iiiii:l", "path str wbuf size hex", xattrNone, Partial, "EOPNOTSUPP: no file system has extended attributes"},
	{189, "lsetxattr", "iiiii:l", "path str wbuf size hex", lxattrNone, Partial, "as setxattr"},
	{190, "fsetxattr", "iiiii:l", "fd str wbuf size hex", fxattrNone, Partial, "as setxattr"},
	{191, "getxattr", "iiii:l", "path str ptr size", xattrNone, Partial, "as setxattr"},
	{192, "lgetxattr", "iiii:l", "path str ptr size", lxattrNone, Partial, "as setxattr"},
	{193, "fgetxattr", "iiii:l", "fd str ptr size", fxattrNone, Partial, "as setxattr"},
	{194, "listxattr", "iii:l", "path ptr size", listxattr, Full, "the list is empty"},
	{195, "llistxattr", "iii:l", "path ptr size", llistxattr, Full, "the list is empty"},
	{196, "flistxattr", "iii:l", "fd ptr size", flistxattr, Full, "the list is empty"},
	{197, "removexattr", "ii:l", "path str", xattrNone, Partial, "as setxattr"},
	{198, "lremovexattr", "ii:l", "path str", lxattrNone, Partial, "as setxattr"},
	{199, "fremovexattr", "ii:l", "fd str", fxattrNone, Partial, "as setxattr"},
	{200, "tkill", "ii:l", "int sig", tkill, Full, ""},
	{201, "time", "i:l", "ptr", timeCall, Full, ""},
	{202, "futex", "iiiiii:l", "ptr futex int timespec ptr int", futexCall, Partial, "WAIT, WAKE, their BITSET forms, WAKE_OP, REQUEUE, CMP_REQUEUE, locks; not the REQUEUE_PI pair"},
	{203, "sched_setaffinity", "iii:l", "int size ptr", schedSetaffinity, Partial, "kept and inherited; where threads run is the host's decision"},
	{204, "sched_getaffinity", "iii:l", "int size ptr", schedGetaffinity, Full, ""},
	{213, "epoll_create", "i:l", "int", epollCreate, Full, ""},
	{217, "getdents64", "iii:l", "fd ptr size", getdents64, Full, ""},
	{218, "set_tid_address", "i:l", "ptr", setTidAddress, Full, ""},
	{221, "fadvise", "illi:l", "fd long long int", fadvise, Full, ""},
	{222, "timer_create", "iii:l", "clock ptr ptr", timerCreate, Full, ""},
	{223, "timer_settime", "iiii:l", "int hex itimerspec ptr", timerSettime, Full, ""},
	{224, "timer_gettime", "ii:l", "int ptr", timerGettime, Full, ""},
	{225, "timer_getoverrun", "i:l", "int", timerGetoverrun, Partial, "counts periods missed by a late timer, not those of a pending signal"},
	{226, "timer_delete", "i:l", "int", timerDelete, Full, ""},
	{227, "clock_settime", "ii:l", "clock timespec", denied, Denied, "EPERM: the clock is the host's"},
	{228, "clock_gettime", "ii:l", "clock otimespec", clockGettime, Full, ""},
	{229, "clock_getres", "ii:l", "clock otimespec", clockGetres, Full, ""},
	{230, "clock_nanosleep", "iiii:l", "clock hex timespec otimespec", clockNanosleep, Full, ""},
	{231, "exit_group", "i:l i:", "int", exitGroup, Full, ""},
	{232, "epoll_wait", "iiii:l", "fd ptr int int", epollWait, Full, ""},
	{233, "epoll_ctl", "iiii:l", "fd int fd ptr", epollCtl, Full, ""},
	{234, "tgkill", "iii:l", "int int sig", tgkill, Full, ""},
	{235, "utimes", "ii:l", "path ptr", utimes, Full, ""},
	{247, "waitid", "iiiii:l", "int int ptr waitopts ptr", waitid, Full, ""},
	{253, "inotify_init", ":l", "", inotifyInit, Full, "events of what is done through this kernel"},
	{254, "inotify_add_watch", "iii:l", "fd path hex", inotifyAddWatch, Full, ""},
	{255, "inotify_rm_watch", "ii:l", "fd int", inotifyRmWatch, Full, ""},
	{257, "openat", "iiii:l", "atfd path oflags mode", openat, Full, ""},
	{258, "mkdirat", "iii:l", "atfd path mode", mkdirat, Full, ""},
	{259, "mknodat", "iiil:l iiii:l", "atfd path mode hex", mknodat, Partial, "FIFOs, sockets and regular files; devices are EPERM"},
	{260, "fchownat", "iiiii:l", "atfd path int int atflags", fchownat, Full, ""},
	{261, "futimesat", "iii:l", "atfd path ptr", futimesat, Full, ""},
	{262, "fstatat", "iiii:l", "atfd path stat atflags", newfstatat, Full, ""},
	{263, "unlinkat", "iii:l", "atfd path atflags", unlinkat, Full, ""},
	{264, "renameat", "iiii:l", "atfd path atfd path", renameat, Full, ""},
	{265, "linkat", "iiiii:l", "atfd path atfd path atflags", linkat, Full, ""},
	{266, "symlinkat", "iii:l", "path atfd path", symlinkat, Full, ""},
	{267, "readlinkat", "iiii:l", "atfd path rbuf size", readlinkat, Full, ""},
	{268, "fchmodat", "iiii:l iii:l", "atfd path mode atflags", fchmodat, Full, ""},
	{269, "faccessat", "iiii:l iii:l", "atfd path amode atflags", faccessat, Full, ""},
	{270, "pselect6", "iiiiii:l", "int ptr ptr ptr timespec ptr", pselect6, Full, ""},
	{271, "ppoll", "iliii:l iiiii:l", "pollfds long timespec sigset size", ppoll, Full, ""},
	{273, "set_robust_list", "ii:l", "ptr size", setRobustList, Full, ""},
	{274, "get_robust_list", "iii:l", "int ptr ptr", getRobustList, Full, ""},
	{275, "splice", "iiiiii:l", "fd ptr fd ptr size hex", splice, Full, "copies"},
	{276, "tee", "iiii:l", "fd fd size hex", tee, Full, "copies"},
	{277, "sync_file_range", "illi:l", "fd long long hex", syncFileRange, Full, ""},
	{278, "vmsplice", "iiii:l", "fd wiov int hex", vmsplice, Full, "copies"},
	{280, "utimensat", "iiii:l", "atfd path ptr atflags", utimensat, Full, ""},
	{281, "epoll_pwait", "iiiiii:l", "fd ptr int int sigset size", epollPwait, Full, ""},
	{282, "signalfd", "iii:l", "fd sigset size", signalFD, Full, ""},
	{283, "timerfd_create", "ii:l", "clock oflags", timerfdCreate, Full, ""},
	{284, "eventfd", "i:l", "uint", eventFD, Full, ""},
	{285, "fallocate", "iill:l", "fd hex long long", fallocate, Full, ""},
	{286, "timerfd_settime", "iiii:l", "fd hex itimerspec ptr", timerfdSettime, Full, "the clock is never set, so TFD_TIMER_CANCEL_ON_SET never cancels"},
	{287, "timerfd_gettime", "ii:l", "fd ptr", timerfdGettime, Full, ""},
	{288, "accept4", "iiii:l", "fd ptr ptr hex", accept4, Full, ""},
	{289, "signalfd4", "iiii:l", "fd sigset size oflags", signalFD4, Full, ""},
	{290, "eventfd2", "ii:l", "uint hex", eventFD2, Full, ""},
	{291, "epoll_create1", "i:l", "oflags", epollCreate1, Full, ""},
	{292, "dup3", "iii:l", "fd fd oflags", dup3, Full, ""},
	{293, "pipe2", "ii:l", "fdpair oflags", pipe2, Full, ""},
	{294, "inotify_init1", "i:l", "oflags", inotifyInit1, Full, ""},
	{295, "preadv", "iiil:l", "fd riov int long", preadv, Full, "the offset is whole in argument 4"},
	{296, "pwritev", "iiil:l", "fd wiov int long", pwritev, Full, ""},
	{297, "rt_tgsigqueueinfo", "iiii:l", "int int sig ptr", rtTgsigqueueinfo, Full, ""},
	{299, "recvmmsg", "iiiii:l", "fd ptr uint hex timespec", recvmmsg, Full, ""},
	{302, "prlimit64", "iiii:l", "int rlimit ptr ptr", prlimit64, Full, ""},
	{306, "syncfs", "i:l", "fd", syncfs, Full, ""},
	{307, "sendmmsg", "iiii:l", "fd ptr uint hex", sendmmsg, Full, ""},
	{309, "getcpu", "iii:l", "ptr ptr ptr", getcpu, Full, ""},
	{310, "process_vm_readv", "iilill:l", "int ptr long ptr long hex", processVM, Denied, "EPERM"},
	{311, "process_vm_writev", "iilill:l", "int ptr long ptr long hex", processVM, Denied, "EPERM"},
	{316, "renameat2", "iiiii:l", "atfd path atfd path hex", renameat2, Full, ""},
	{318, "getrandom", "iii:l", "ptr size hex", getrandom, Full, ""},
	{319, "memfd_create", "ii:l", "str hex", memfdCreate, Full, "huge pages are EINVAL"},
	{322, "execveat", "iiiii:l", "atfd path argv envp atflags", execveat, Full, "AT_EXECVE_CHECK pins what a descriptor shows"},
	{324, "membarrier", "iii:l", "int hex int", membarrier, Full, ""},
	{325, "mlock2", "iii:l", "ptr size hex", mlock2, Full, ""},
	{326, "copy_file_range", "iiiiii:l", "fd ptr fd ptr size hex", copyFileRange, Full, ""},
	{327, "preadv2", "iiilli:l", "fd riov int long long hex", preadv2, Full, ""},
	{328, "pwritev2", "iiilli:l", "fd wiov int long long hex", pwritev2, Full, ""},
	{332, "statx", "iiiii:l", "atfd path atflags hex ptr", statx, Full, ""},
	{424, "pidfd_send_signal", "iiii:l", "fd sig ptr hex", pidfdSendSignal, Full, ""},
	{434, "pidfd_open", "ii:l", "int oflags", pidfdOpen, Partial, "processes, not threads"},
	{436, "close_range", "iii:l", "uint uint hex", closeRange, Partial, "CLOSE_RANGE_UNSHARE does not take the table from the other threads"},
	{437, "openat2", "iiii:l", "atfd path ptr size", openat2, Full, ""},
	{438, "pidfd_getfd", "iii:l", "fd fd hex", pidfdGetfd, Full, "between processes under the same policy"},
	{439, "faccessat2", "iiii:l", "atfd path amode atflags", faccessat2, Full, ""},
	{441, "epoll_pwait2", "iiiiii:l", "fd ptr int timespec sigset size", epollPwait2, Full, ""},
	{452, "fchmodat2", "iiii:l", "atfd path mode atflags", fchmodat, Full, ""},
}

// aliases are further names of a call: those of the kernel's headers where WALI's differ.
var aliases = map[string]string{
	"fadvise64":  "fadvise",
	"newfstatat": "fstatat",
	"prlimit":    "prlimit64",
}

// denied is EPERM: what a container may not do.
func denied(*proc.Thread, Args) (int64, linux.Errno) { return 0, linux.EPERM }
