// Package wasi is the second ABI of guests: wasi_snapshot_preview1, and the import of
// wasi-threads, on the kernel's own descriptors, files, clocks and signals.
//
// # Model
//
// Table is the catalogue: name, type, the system call of Linux that a call is charged to,
// how a trace shows that, and the handler, one line each. Whoever may not make the system
// call may not make the call; a trace shows the system call. Where the arguments are
// Linux's in another order, the handler is that of package syscalls.
//
// A handler returns what the system call would, a result or an errno of Linux; Encode makes
// the guest's errno of it. A call that a signal interrupted is always done again: a program
// of this ABI has no handlers, so that it never sees EINTR.
//
// # Descriptors and paths
//
// Descriptors are those of Linux. What this ABI has beyond Linux is kept for each process
// and number, in a grant: rights, the name of a preopened directory, and O_NONBLOCK, which
// is here the process's own (Go sets it on standard input, which others share).
//
// A path leads from a directory descriptor and never out of it: neither by "..", nor by a
// link, nor by being absolute. A preopened directory stands for as much as is preopened
// around it: where the root is preopened, paths from any preopened directory are resolved as
// on Linux, since there is nothing outside.
//
// # Preopened directories
//
// They take the numbers from 3; what a process has there at execve moves up. Unless the
// manifest names others they are, in this order:
//
//	/      the root
//	.      the working directory
//	//dir  each directory of the root whose name the working directory does not have
//
// The last are for wasi-libc, which strips the slash of an absolute path before it looks for
// the longest preopened name that fits: with them "/etc/passwd" leads to /etc and "notes" to
// the working directory. Programs that tell the two apart (Go) use the first. Such a program
// learns its working directory from PWD, which is therefore always right here.
package wasi

import (
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/syscalls"
)

// Module and ThreadModule are the import modules.
const (
	Module       = "wasi_snapshot_preview1"
	ThreadModule = "wasi"
)

// Call is one line of the table.
type Call struct {
	Name string
	Sig  string // type, as in layout.Import.Type
	// Linux is the system call that it is charged to, empty for those that only tell a
	// process about itself.
	Linux string
	// Args is how a trace shows the system call's arguments: kinds of package trace, each
	// with the index of its first argument here, or =text.
	Args    string
	Handler proc.Handler
	Note    string
}

// Table is sorted by name.
var Table = []Call{
	{"args_get", "ii:i", "", "", argsGet, ""},
	{"args_sizes_get", "ii:i", "", "", argsSizesGet, ""},
	{"clock_res_get", "ii:i", "clock_getres", "clock@0 ptr@1", clockResGet, ""},
	{"clock_time_get", "ili:i", "clock_gettime", "clock@0 ptr@2", clockTimeGet, "the precision is the clock's"},
	{"environ_get", "ii:i", "", "", environGet, "PWD is the working directory"},
	{"environ_sizes_get", "ii:i", "", "", environSizesGet, ""},
	{"fd_advise", "illi:i", "fadvise", "fd@0 long@1 long@2 int@3", fdAdvise, ""},
	{"fd_allocate", "ill:i", "fallocate", "fd@0 =0 long@1 long@2", fdAllocate, ""},
	{"fd_close", "i:i", "close", "fd@0", fdClose, ""},
	{"fd_datasync", "i:i", "fdatasync", "fd@0", fdDatasync, ""},
	{"fd_fdstat_get", "ii:i", "fcntl", "fd@0 =F_GETFL", fdFdstatGet, ""},
	{"fd_fdstat_set_flags", "ii:i", "fcntl", "fd@0 =F_SETFL fdflags@1", fdFdstatSetFlags, "NONBLOCK is the process's own"},
	{"fd_fdstat_set_rights", "ill:i", "fcntl", "fd@0 =F_SETFL =0", fdFdstatSetRights, "Linux has no such rights; they are kept here"},
	{"fd_filestat_get", "ii:i", "fstat", "fd@0 ptr@1", fdFilestatGet, ""},
	{"fd_filestat_set_size", "il:i", "ftruncate", "fd@0 long@1", fdFilestatSetSize, ""},
	{"fd_filestat_set_times", "illi:i", "utimensat", "fd@0 =NULL hex@1 hex@2 =0", fdFilestatSetTimes, ""},
	{"fd_pread", "iiili:i", "preadv", "fd@0 riov@1 int@2 long@3", fdPread, ""},
	{"fd_prestat_dir_name", "iii:i", "", "", fdPrestatDirName, ""},
	{"fd_prestat_get", "ii:i", "", "", fdPrestatGet, ""},
	{"fd_pwrite", "iiili:i", "pwritev", "fd@0 wiov@1 int@2 long@3", fdPwrite, ""},
	{"fd_read", "iiii:i", "readv", "fd@0 riov@1 int@2", fdRead, ""},
	{"fd_readdir", "iiili:i", "getdents64", "fd@0 ptr@1 size@2", fdReaddir, ""},
	{"fd_renumber", "ii:i", "dup3", "fd@0 fd@1 =0", fdRenumber, ""},
	{"fd_seek", "ilii:i", "lseek", "fd@0 long@1 whence@2", fdSeek, ""},
	{"fd_sync", "i:i", "fsync", "fd@0", fdSync, ""},
	{"fd_tell", "ii:i", "lseek", "fd@0 =0 =SEEK_CUR", fdTell, ""},
	{"fd_write", "iiii:i", "writev", "fd@0 wiov@1 int@2", fdWrite, ""},
	{"path_create_directory", "iii:i", "mkdirat", "fd@0 pathn@1 =0777", pathCreateDirectory, ""},
	{"path_filestat_get", "iiiii:i", "fstatat", "fd@0 pathn@2 ptr@4 lookup@1", pathFilestatGet, ""},
	{"path_filestat_set_times", "iiiilli:i", "utimensat", "fd@0 pathn@2 hex@4 hex@5 lookup@1", pathFilestatSetTimes, ""},
	{"path_link", "iiiiiii:i", "linkat", "fd@0 pathn@2 fd@4 pathn@5 =0", pathLink, ""},
	{"path_open", "iiiiillii:i", "openat", "fd@0 pathn@2 wasiopen@4 =0666", pathOpen, ""},
	{"path_readlink", "iiiiii:i", "readlinkat", "fd@0 pathn@1 rbuf@3 size@4", pathReadlink, ""},
	{"path_remove_directory", "iii:i", "unlinkat", "fd@0 pathn@1 =AT_REMOVEDIR", pathRemoveDirectory, ""},
	{"path_rename", "iiiiii:i", "renameat", "fd@0 pathn@1 fd@3 pathn@4", pathRename, ""},
	{"path_symlink", "iiiii:i", "symlinkat", "pathn@0 fd@2 pathn@3", pathSymlink, ""},
	{"path_unlink_file", "iii:i", "unlinkat", "fd@0 pathn@1 =0", pathUnlinkFile, ""},
	{"poll_oneoff", "iiii:i", "ppoll", "ptr@0 int@2", pollOneoff, "timers on the clocks of CPU time are ENOTSUP"},
	{"proc_exit", "i:", "exit_group", "int@0", exitGroup, "the low 8 bits of the status, as on Linux"},
	{"proc_raise", "i:i", "tkill", "int@0", procRaise, ""},
	{"random_get", "ii:i", "getrandom", "ptr@0 size@1 =0", randomGet, ""},
	{"sched_yield", ":i", "sched_yield", "", schedYield, ""},
	{"sock_accept", "iii:i", "accept4", "fd@0 =NULL =NULL hex@1", sockAccept, ""},
	{"sock_recv", "iiiiii:i", "recvmsg", "fd@0 ptr@1 hex@3", sockRecv, ""},
	{"sock_send", "iiiii:i", "sendmsg", "fd@0 ptr@1 hex@3", sockSend, ""},
	{"sock_shutdown", "ii:i", "shutdown", "fd@0 int@1", sockShutdown, ""},
}

// threads is the one import of wasi-threads. Its result is a thread id, or negative.
var threads = Call{
	"thread-spawn", "i:i", "clone", "=CLONE_VM|CLONE_THREAD ptr@0", threadSpawn,
	"calls the export wasi_thread_start(tid, arg) in a new thread",
}

// Lookup finds a call by the names of an import.
func Lookup(module, name string) (*Call, bool) {
	if module == ThreadModule && name == threads.Name {
		return &threads, true
	}
	if module != Module {
		return nil, false
	}
	c, ok := byName[name]
	return c, ok
}

var byName map[string]*Call

func init() {
	byName = make(map[string]*Call, len(Table))
	for i := range Table {
		byName[Table[i].Name] = &Table[i]
	}
}

// linuxCall is the handler of a system call.
func linuxCall(name string) proc.Handler {
	c, ok := syscalls.Lookup(name)
	if !ok {
		panic("wasi: no system call " + name)
	}
	return c.Handler
}

// System calls that do the work here.
var (
	exitGroup  = linuxCall("exit_group")
	schedYield = linuxCall("sched_yield")
	fallocate  = linuxCall("fallocate")
	fadvise    = linuxCall("fadvise")
	fdatasync  = linuxCall("fdatasync")
	fsync      = linuxCall("fsync")
	ftruncate  = linuxCall("ftruncate")
	getrandom  = linuxCall("getrandom")
	lseek      = linuxCall("lseek")
	preadv     = linuxCall("preadv")
	pwritev    = linuxCall("pwritev")
	tkill      = linuxCall("tkill")
)

// Encode makes a handler of this ABI out of one that returns what Linux would: the guest
// gets an errno and nothing else.
func Encode(h proc.Handler) proc.Handler {
	return func(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
		_, e := h(t, a)
		if e >= proc.ERESTARTSYS {
			return 0, proc.ERESTARTNOINTR
		}
		return int64(errnoOf(e)), 0
	}
}
