package trace

import (
	"fmt"
	"strings"

	"vkernel/internal/linux"
)

// bit is a flag and its name.
type bit struct {
	v    uint64
	name string
}

// flags shows a set of flags, and what is unknown in it as a number.
func flags(table []bit, v uint64) string {
	var all []string
	for _, b := range table {
		if b.v != 0 && v&b.v == b.v {
			all = append(all, b.name)
			v &^= b.v
		}
	}
	if v != 0 {
		all = append(all, hex(v))
	}
	if len(all) == 0 {
		for _, b := range table {
			if b.v == 0 {
				return b.name
			}
		}
		return "0"
	}
	return strings.Join(all, "|")
}

func flagged(table []bit) formatter {
	return func(v *view, i int) string { return flags(table, uint64(v.a.Uint(i))) }
}

func name(table map[int32]string, v int32) string {
	if n, ok := table[v]; ok {
		return n
	}
	return fmt.Sprintf("%#x", uint32(v))
}

func named(table map[int32]string) formatter {
	return func(v *view, i int) string { return name(table, v.a.Int(i)) }
}

func sigName(s linux.Signal) string {
	if s == 0 {
		return "0"
	}
	return s.String()
}

// codeName names the origin of a signal.
func codeName(sig linux.Signal, code int32) string {
	if n, ok := origins[code]; ok {
		return n
	}
	if sig == linux.SIGCHLD && code > 0 && int(code) < len(childCodes) {
		return childCodes[code]
	}
	return fmt.Sprint(code)
}

var origins = map[int32]string{
	linux.SI_USER: "SI_USER", linux.SI_KERNEL: "SI_KERNEL", linux.SI_QUEUE: "SI_QUEUE",
	linux.SI_TIMER: "SI_TIMER", linux.SI_TKILL: "SI_TKILL",
}

var childCodes = []string{"", "CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"}

func openFlags(v uint32) string {
	access := []string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"}[v&linux.O_ACCMODE]
	if v &^= linux.O_ACCMODE; v != 0 {
		return access + "|" + flags(openBits, uint64(v))
	}
	return access
}

var openBits = []bit{
	{linux.O_TMPFILE, "O_TMPFILE"},
	{linux.O_CREAT, "O_CREAT"},
	{linux.O_EXCL, "O_EXCL"},
	{linux.O_NOCTTY, "O_NOCTTY"},
	{linux.O_TRUNC, "O_TRUNC"},
	{linux.O_APPEND, "O_APPEND"},
	{linux.O_NONBLOCK, "O_NONBLOCK"},
	{linux.O_SYNC, "O_SYNC"},
	{linux.O_DSYNC, "O_DSYNC"},
	{linux.O_DIRECT, "O_DIRECT"},
	{linux.O_LARGEFILE, "O_LARGEFILE"},
	{linux.O_DIRECTORY, "O_DIRECTORY"},
	{linux.O_NOFOLLOW, "O_NOFOLLOW"},
	{linux.O_NOATIME, "O_NOATIME"},
	{linux.O_CLOEXEC, "O_CLOEXEC"},
	{linux.O_PATH, "O_PATH"},
}

var atFlags = []bit{
	{linux.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
	{linux.AT_REMOVEDIR, "AT_REMOVEDIR"},
	{linux.AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"},
	{linux.AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
	{linux.AT_EMPTY_PATH, "AT_EMPTY_PATH"},
}

var accessModes = []bit{{linux.R_OK, "R_OK"}, {linux.W_OK, "W_OK"}, {linux.X_OK, "X_OK"}, {linux.F_OK, "F_OK"}}

var protections = []bit{
	{linux.PROT_READ, "PROT_READ"}, {linux.PROT_WRITE, "PROT_WRITE"}, {linux.PROT_EXEC, "PROT_EXEC"}, {linux.PROT_NONE, "PROT_NONE"},
}

var mapFlags = []bit{
	{linux.MAP_SHARED, "MAP_SHARED"},
	{linux.MAP_PRIVATE, "MAP_PRIVATE"},
	{linux.MAP_FIXED, "MAP_FIXED"},
	{linux.MAP_ANONYMOUS, "MAP_ANONYMOUS"},
	{linux.MAP_NORESERVE, "MAP_NORESERVE"},
	{linux.MAP_POPULATE, "MAP_POPULATE"},
	{linux.MAP_STACK, "MAP_STACK"},
	{linux.MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE"},
}

var waitOptions = []bit{
	{linux.WNOHANG, "WNOHANG"},
	{linux.WUNTRACED, "WUNTRACED"},
	{linux.WEXITED, "WEXITED"},
	{linux.WCONTINUED, "WCONTINUED"},
	{linux.WNOWAIT, "WNOWAIT"},
	{linux.WALL, "__WALL"},
	{linux.WCLONE, "__WCLONE"},
}

var actionFlags = []bit{
	{linux.SA_NOCLDSTOP, "SA_NOCLDSTOP"},
	{linux.SA_NOCLDWAIT, "SA_NOCLDWAIT"},
	{linux.SA_SIGINFO, "SA_SIGINFO"},
	{linux.SA_RESTORER, "SA_RESTORER"},
	{linux.SA_ONSTACK, "SA_ONSTACK"},
	{linux.SA_RESTART, "SA_RESTART"},
	{linux.SA_NODEFER, "SA_NODEFER"},
	{linux.SA_RESETHAND, "SA_RESETHAND"},
}

var cloneBits = []bit{
	{linux.CLONE_VM, "CLONE_VM"},
	{linux.CLONE_FS, "CLONE_FS"},
	{linux.CLONE_FILES, "CLONE_FILES"},
	{linux.CLONE_SIGHAND, "CLONE_SIGHAND"},
	{linux.CLONE_VFORK, "CLONE_VFORK"},
	{linux.CLONE_THREAD, "CLONE_THREAD"},
	{linux.CLONE_SETTLS, "CLONE_SETTLS"},
	{linux.CLONE_PARENT_SETTID, "CLONE_PARENT_SETTID"},
	{linux.CLONE_CHILD_CLEARTID, "CLONE_CHILD_CLEARTID"},
	{linux.CLONE_CHILD_SETTID, "CLONE_CHILD_SETTID"},
}

// cloneFlags shows the flags and the signal in their low byte.
func cloneFlags(v *view, i int) string {
	f := uint64(v.a.Uint(i))
	text := flags(cloneBits, f&^linux.CSIGNAL)
	if sig := linux.Signal(f & linux.CSIGNAL); sig != 0 {
		text = strings.TrimPrefix(text+"|"+sig.String(), "0|")
	}
	return text
}

func futexOp(v *view, i int) string {
	op := v.a.Uint(i)
	text := name(futexOps, int32(op&^uint32(linux.FUTEX_PRIVATE_FLAG|linux.FUTEX_CLOCK_REALTIME)))
	if op&linux.FUTEX_PRIVATE_FLAG != 0 {
		text += "_PRIVATE"
	}
	if op&linux.FUTEX_CLOCK_REALTIME != 0 {
		text += "|FUTEX_CLOCK_REALTIME"
	}
	return text
}

var futexOps = map[int32]string{
	linux.FUTEX_WAIT: "FUTEX_WAIT", linux.FUTEX_WAKE: "FUTEX_WAKE", linux.FUTEX_REQUEUE: "FUTEX_REQUEUE",
	linux.FUTEX_CMP_REQUEUE: "FUTEX_CMP_REQUEUE", linux.FUTEX_WAIT_BITSET: "FUTEX_WAIT_BITSET", linux.FUTEX_WAKE_BITSET: "FUTEX_WAKE_BITSET",
}

var clocks = map[int32]string{
	linux.CLOCK_REALTIME: "CLOCK_REALTIME", linux.CLOCK_MONOTONIC: "CLOCK_MONOTONIC",
	linux.CLOCK_PROCESS_CPUTIME_ID: "CLOCK_PROCESS_CPUTIME_ID", linux.CLOCK_THREAD_CPUTIME_ID: "CLOCK_THREAD_CPUTIME_ID",
	linux.CLOCK_MONOTONIC_RAW: "CLOCK_MONOTONIC_RAW", linux.CLOCK_BOOTTIME: "CLOCK_BOOTTIME",
}

var whences = map[int32]string{0: "SEEK_SET", 1: "SEEK_CUR", 2: "SEEK_END", 3: "SEEK_DATA", 4: "SEEK_HOLE"}

var sigHows = map[int32]string{linux.SIG_BLOCK: "SIG_BLOCK", linux.SIG_UNBLOCK: "SIG_UNBLOCK", linux.SIG_SETMASK: "SIG_SETMASK"}

var rlimits = map[int32]string{
	linux.RLIMIT_CPU: "RLIMIT_CPU", linux.RLIMIT_FSIZE: "RLIMIT_FSIZE", linux.RLIMIT_DATA: "RLIMIT_DATA",
	linux.RLIMIT_STACK: "RLIMIT_STACK", linux.RLIMIT_CORE: "RLIMIT_CORE", linux.RLIMIT_RSS: "RLIMIT_RSS",
	linux.RLIMIT_NPROC: "RLIMIT_NPROC", linux.RLIMIT_NOFILE: "RLIMIT_NOFILE", linux.RLIMIT_MEMLOCK: "RLIMIT_MEMLOCK",
	linux.RLIMIT_AS: "RLIMIT_AS", linux.RLIMIT_LOCKS: "RLIMIT_LOCKS", linux.RLIMIT_SIGPENDING: "RLIMIT_SIGPENDING",
	linux.RLIMIT_MSGQUEUE: "RLIMIT_MSGQUEUE", linux.RLIMIT_NICE: "RLIMIT_NICE", linux.RLIMIT_RTPRIO: "RLIMIT_RTPRIO",
	linux.RLIMIT_RTTIME: "RLIMIT_RTTIME",
}

var fcntls = map[int32]string{
	linux.F_DUPFD: "F_DUPFD", linux.F_GETFD: "F_GETFD", linux.F_SETFD: "F_SETFD", linux.F_GETFL: "F_GETFL",
	linux.F_SETFL: "F_SETFL", linux.F_GETLK: "F_GETLK", linux.F_SETLK: "F_SETLK", linux.F_SETLKW: "F_SETLKW",
	linux.F_DUPFD_CLOEXEC: "F_DUPFD_CLOEXEC", linux.F_SETPIPE_SZ: "F_SETPIPE_SZ", linux.F_GETPIPE_SZ: "F_GETPIPE_SZ",
}

var ioctls = map[int32]string{
	linux.TCGETS: "TCGETS", linux.TCSETS: "TCSETS", linux.TCSETSW: "TCSETSW", linux.TCSETSF: "TCSETSF",
	linux.TIOCGWINSZ: "TIOCGWINSZ", linux.TIOCSWINSZ: "TIOCSWINSZ", linux.TIOCGPGRP: "TIOCGPGRP",
	linux.TIOCSPGRP: "TIOCSPGRP", linux.TIOCSCTTY: "TIOCSCTTY", linux.TIOCNOTTY: "TIOCNOTTY", linux.FIONREAD: "FIONREAD",
}

var prctls = map[int32]string{
	linux.PR_SET_PDEATHSIG: "PR_SET_PDEATHSIG", linux.PR_GET_PDEATHSIG: "PR_GET_PDEATHSIG", linux.PR_SET_NAME: "PR_SET_NAME",
	linux.PR_GET_NAME: "PR_GET_NAME", linux.PR_SET_DUMPABLE: "PR_SET_DUMPABLE", linux.PR_GET_DUMPABLE: "PR_GET_DUMPABLE",
	linux.PR_SET_NO_NEW_PRIVS: "PR_SET_NO_NEW_PRIVS", linux.PR_GET_NO_NEW_PRIVS: "PR_GET_NO_NEW_PRIVS",
	linux.PR_SET_CHILD_SUBREAPER: "PR_SET_CHILD_SUBREAPER", linux.PR_CAPBSET_READ: "PR_CAPBSET_READ",
}
