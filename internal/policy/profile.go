package policy

import (
	"fmt"
	"slices"
	"strings"

	"vkernel/internal/linux"
	"vkernel/internal/manifest"
)

// Profile is a policy to start from: what programs of a kind need. It names calls that a
// program may not have; of those that it has, it keeps these.
type Profile struct {
	Name  string
	About string

	groups []string // of calls; nil: all
	rules  []manifest.Rule
	starts []string // as Entry.Starts
}

// Calls by what they are for. A profile is made of some.
const (
	callsBasic = `arch_prctl brk clock_getres clock_gettime close exit exit_group fadvise fstat futex get_robust_list
		getcpu getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getrandom getresgid getresuid getrlimit
		getrusage getsid gettid gettimeofday getuid lseek madvise membarrier mincore mlock mlock2 mlockall mmap mprotect
		mremap msync munlock munlockall munmap pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readv
		rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn sched_get_priority_max sched_get_priority_min
		sched_getaffinity sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_yield set_robust_list
		set_tid_address sigaltstack sysinfo time times tkill tgkill uname write writev`
	callsThreads = `clone clone3`
	callsWait    = `alarm clock_nanosleep close_range dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait
		epoll_pwait2 epoll_wait eventfd eventfd2 fcntl getitimer ioctl nanosleep pause pipe pipe2 poll ppoll prctl pselect6
		readahead rt_sigsuspend rt_sigtimedwait select sendfile setitimer signalfd signalfd4 splice tee timer_create timer_delete
		timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime umask vmsplice`
	callsLook = `access chdir faccessat faccessat2 fchdir fgetxattr flistxattr fstatat fstatfs getcwd getdents getdents64
		getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch lgetxattr listxattr llistxattr lstat newfstatat open openat openat2 readlink readlinkat stat statfs statx`
	callsFiles = `chmod chown copy_file_range creat fallocate fchmod fchmodat fchmodat2 fchown fchownat fdatasync flock
		fremovexattr fsetxattr fsync ftruncate futimesat lchown link linkat lremovexattr lsetxattr memfd_create mkdir
		mkdirat removexattr rename renameat renameat2 rmdir setxattr symlink symlinkat sync sync_file_range syncfs
		truncate unlink unlinkat utime utimensat utimes`
	callsProcesses = `execve execveat fork getpriority kill mknod mknodat pidfd_open pidfd_send_signal prlimit64 rt_sigqueueinfo rt_tgsigqueueinfo
		setpgid setpriority setrlimit setsid vfork wait4 waitid`
	callsLocal = `accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmsg recvmmsg sendto
		sendmsg sendmmsg setsockopt shutdown socket socketpair`
)

// Values of rules.
var (
	onlyThreads = manifest.Rule{Syscall: "clone", Mask: linux.CLONE_THREAD, Allow: []uint64{linux.CLONE_THREAD}}
	onlyUnix    = manifest.Rule{Syscall: "socket", Allow: []uint64{1}}
	pairsUnix   = manifest.Rule{Syscall: "socketpair", Allow: []uint64{1}}
	askTerminal = manifest.Rule{Syscall: "ioctl", Arg: 1, Allow: []uint64{
		linux.TCGETS, linux.TCGETS2, linux.TIOCGWINSZ, linux.FIONREAD, linux.FIONBIO, linux.FIONCLEX, linux.FIOCLEX,
	}}
	useTerminal = manifest.Rule{Syscall: "ioctl", Arg: 1, Allow: []uint64{
		linux.TCGETS, linux.TCSETS, linux.TCSETSW, linux.TCSETSF, linux.TCSBRK, linux.TCXONC, linux.TCFLSH, linux.TCGETS2, linux.TCSETS2,
		linux.TCSETSW2, linux.TCSETSF2, linux.TIOCSCTTY, linux.TIOCGPGRP, linux.TIOCSPGRP, linux.TIOCOUTQ, linux.TIOCGWINSZ,
		linux.TIOCSWINSZ, linux.FIONREAD, linux.FIONBIO, linux.TIOCNOTTY, linux.TIOCGSID, linux.FIONCLEX, linux.FIOCLEX,
	}}
	nameThread = manifest.Rule{Syscall: "prctl", Allow: []uint64{linux.PR_SET_NAME, linux.PR_GET_NAME, linux.PR_GET_DUMPABLE, linux.PR_GET_NO_NEW_PRIVS, linux.PR_SET_NO_NEW_PRIVS, linux.PR_GET_SECUREBITS}}
	readAll    = manifest.Rule{Paths: []string{"/"}}
	writeNull  = manifest.Rule{Paths: []string{"/dev/null"}, Write: true}
	writeTmp   = manifest.Rule{Paths: []string{"/dev/null", "/dev/tty", "/tmp"}, Write: true}
)

// Profiles are all, from the narrowest to the widest.
var Profiles = []Profile{
	{
		"compute", "memory, time, threads, and the descriptors it is started with; it opens nothing and starts nothing",
		[]string{callsBasic, callsThreads},
		[]manifest.Rule{onlyThreads, {Paths: []string{}}},
		[]string{},
	},
	{
		"filter", "as compute, and what a program in a pipe does: poll, pipes, timers, asking whether it has a terminal",
		[]string{callsBasic, callsThreads, callsWait},
		[]manifest.Rule{onlyThreads, askTerminal, nameThread, {Paths: []string{}}},
		[]string{},
	},
	{
		"files-read", "as filter, and it may read every file and write none but /dev/null; --read and --write name others",
		[]string{callsBasic, callsThreads, callsWait, callsLook},
		[]manifest.Rule{onlyThreads, askTerminal, nameThread, readAll, writeNull},
		[]string{},
	},
	{
		"files-write", "as files-read, and it may change what is in /tmp; --read and --write name other places",
		[]string{callsBasic, callsThreads, callsWait, callsLook, callsFiles},
		[]manifest.Rule{onlyThreads, askTerminal, nameThread, readAll, writeTmp},
		[]string{},
	},
	{
		"shell", "all files, processes, job control and local sockets; no change of user, root directory, host name or mounts",
		[]string{callsBasic, callsThreads, callsWait, callsLook, callsFiles, callsProcesses, callsLocal},
		[]manifest.Rule{useTerminal, onlyUnix, pairsUnix},
		nil,
	},
	{"all", "what the builder wrote: every call that the program imports, without rules", nil, nil, nil},
}

// Calls lists the system calls of a profile, sorted; nil: all.
func (p *Profile) Calls() (calls []string) {
	for _, g := range p.groups {
		calls = append(calls, strings.Fields(g)...)
	}
	slices.Sort(calls)
	return calls
}

// FindProfile finds one by its name.
func FindProfile(name string) (*Profile, error) {
	known := make([]string, len(Profiles))
	for i := range Profiles {
		if Profiles[i].Name == name {
			return &Profiles[i], nil
		}
		known[i] = Profiles[i].Name
	}
	return nil, fmt.Errorf("there is no profile %q: there are %s", name, strings.Join(known, ", "))
}

// Apply makes the profile an entry's policy, in place of what it had: calls, rules and starts.
// Limits, preopened directories and inherit stay. imported are the calls that the program
// imports. An entry with inherit gets calls of the profile that it does not import, too: they
// are for what it starts; where the profile has all, they are those of known.
func (p *Profile) Apply(e *manifest.Entry, imported, known []string) {
	e.Syscalls, e.Withheld, e.Rules, e.Starts = slices.Clone(imported), nil, nil, nil
	beyond := known
	if calls := p.Calls(); calls != nil {
		Withhold(e, func(call string) bool {
			_, found := slices.BinarySearch(calls, call)
			return !found
		})
		beyond = calls
	}
	if e.Inherit {
		e.Syscalls = append(e.Syscalls, beyond...)
	}
	slices.Sort(e.Syscalls)
	e.Syscalls = slices.Compact(e.Syscalls)
	for _, r := range p.rules {
		if r.Syscall == "" || slices.Contains(e.Syscalls, r.Syscall) {
			e.Rules = append(e.Rules, r)
		}
	}
	if p.starts != nil && !e.Inherit {
		e.Starts = append([]string{}, p.starts...)
	}
}

// Withhold takes the calls of which f says so from an entry, and the rules on them.
func Withhold(e *manifest.Entry, f func(call string) bool) {
	var keep []string
	for _, call := range e.Syscalls {
		if f(call) {
			e.Withheld = append(e.Withheld, call)
		} else {
			keep = append(keep, call)
		}
	}
	slices.Sort(e.Withheld)
	e.Syscalls = keep
	if keep == nil {
		e.Syscalls = []string{}
	}
	e.Rules = slices.DeleteFunc(e.Rules, func(r manifest.Rule) bool {
		return r.Syscall != "" && !slices.Contains(e.Syscalls, r.Syscall)
	})
	if len(e.Rules) == 0 {
		e.Rules = nil
	}
}

// Return gives calls back that were withheld. It gives those that were not.
func Return(e *manifest.Entry, calls []string) (others []string) {
	for _, call := range calls {
		i, found := slices.BinarySearch(e.Withheld, call)
		switch {
		case found:
			e.Withheld = slices.Delete(e.Withheld, i, i+1)
			Add(e, call)
		case !slices.Contains(e.Syscalls, call):
			others = append(others, call)
		}
	}
	if len(e.Withheld) == 0 {
		e.Withheld = nil
	}
	return others
}

// Add allows calls that are not withheld.
func Add(e *manifest.Entry, calls ...string) {
	e.Syscalls = append(e.Syscalls, calls...)
	slices.Sort(e.Syscalls)
	e.Syscalls = slices.Compact(e.Syscalls)
}
