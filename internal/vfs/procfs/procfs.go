// Package procfs is /proc: processes and the system as files of text.
//
// # Model
//
// Everything is a row in a table: a kind says the name, the mode and how the content is
// made. A node is a kind, a process and a number (of a descriptor), compared by value, so
// that nothing is kept between two looks. Text is made when a file is read at offset 0, and
// later parts of it come from the same text. All open files together keep a bounded amount
// of text; beyond it a text is made for each read, as large files of Linux's are.
//
// What the files tell comes through two small interfaces, System and Process, which the
// kernel implements over its process table.
//
// # Rules
//
// What a process holds (descriptors, directories, memory, environment) is for its user and
// root only: EACCES. A process that has gone is ENOENT in a walk, ESRCH in an open file.
package procfs

import (
	"sync/atomic"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/sock"
	"vkernel/internal/vfs"
)

// System is the container as a whole.
type System interface {
	Find(pid int) (Process, bool)
	PIDs() []int                  // in any order
	Self(c *vfs.Context) int      // the process that asks, 0 if none
	Memory() (total, free uint64) // bytes
	Names() Names
	Boot() time.Time
	Born() uint64 // processes made since boot
	LastPID() int
	Sockets() *sock.Stack
	Load() [3]float64                   // average over 1, 5 and 15 minutes
	Busy() (user, system time.Duration) // CPU time of all processes, ended ones included
}

// Names are those of uname(2).
type Names struct{ Sysname, Node, Release, Version, Machine, Domain string }

// Process is one process.
type Process interface {
	Facts() Facts
	Files() *fd.Table
	FS() *vfs.Context
	Exe() vfs.Path // zero if it has none any more
	Argv() []string
	Env() []string
	Areas() []Area
	Limits() [linux.RLIM_NLIMITS]linux.Rlimit
	SetName(name string)
	Threads() []int                 // ids, in any order
	Thread(tid int) (Process, bool) // the process as one of its threads shows it
}

// Facts are what stat and status show.
type Facts struct {
	PID, Parent, Group, Session  int
	TID                          int    // of the thread that shows it
	TTY                          uint64 // device number of the controlling terminal, 0 if none
	Foreground                   int    // its foreground group, -1 if none
	Name                         string
	State                        byte      // R S T Z
	UID, GID                     [4]uint32 // real, effective, saved, file system
	Groups                       []uint32
	User, System                 time.Duration // CPU time
	ChildrenUser, ChildrenSystem time.Duration
	Started                      time.Time
	Nice                         int
	Threads                      int
	Virtual, Resident, Peak      uint64 // bytes
	Data                         uint64
	Pending, Private, Blocked    uint64 // signal sets
	Ignored, Caught              uint64
	Switches                     [2]int64 // voluntary and not
	NoNewPrivs                   bool
	ExitCode                     int
	ExitSignal                   int
}

// Area is a part of an address space.
type Area struct {
	Start, End uint64
	Prot       int
	Shared     bool
	Offset     int64
	Name       string
	Dev, Ino   uint64 // of a file
}

// FS is /proc of a container.
type FS struct {
	sys  System
	dev  uint64
	ns   *vfs.Namespace
	root *vfs.Entry
	boot linux.Timespec
	id   [16]byte     // boot_id
	kept atomic.Int64 // bytes of text that open files keep
}

// New makes it. dev is its st_dev, ns the tree whose mounts it lists, bootID random bytes.
func New(sys System, ns *vfs.Namespace, dev uint64, bootID [16]byte) *FS {
	t := sys.Boot()
	fs := &FS{
		sys: sys, dev: dev, ns: ns, id: bootID,
		boot: linux.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())},
	}
	fs.root = vfs.NewRoot(node{fs: fs, kind: rootKind}.wrap())
	return fs
}

// Root is the directory /proc.
func (fs *FS) Root() *vfs.Entry { return fs.root }

// Type is the file system's type.
func (fs *FS) Type() string { return "proc" }

// Statfs is statfs(2).
func (fs *FS) Statfs() (linux.Statfs, linux.Errno) {
	return linux.Statfs{Type: linux.PROC_SUPER_MAGIC, Bsize: 4096, Frsize: 4096, Namelen: linux.NAME_MAX}, 0
}
