package vfs

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// File is an open file: what a file description refers to. The access mode is checked by
// the caller (package fd), which also keeps the offset and calls Close exactly once.
type File interface {
	Stat() (linux.Stat, linux.Errno)
	// Read and Write transfer at off; a Stream ignores off, and returns EAGAIN when it
	// cannot proceed. They return 0 at the end of a file, and may transfer less than asked.
	Read(p []byte, off int64) (int, linux.Errno)
	Write(p []byte, off int64) (int, linux.Errno)
	// Poll gives the events that hold now; Queue is notified when they may have changed,
	// nil if they never do.
	Poll() wait.Events
	Queue() *wait.Queue
	Close()
}

// Stream is a File without positions (pipe, socket, terminal): lseek and pread are ESPIPE.
type Stream interface {
	File
	Stream()
}

// Appender writes at the end of the file, atomically, for O_APPEND; end is the position
// after the written bytes. A File without it is a stream or ignores O_APPEND.
type Appender interface {
	Append(p []byte) (n int, end int64, e linux.Errno)
}

// Truncater is a File that ftruncate(2) can resize.
type Truncater interface {
	Truncate(size int64) linux.Errno
}

// Allocater serves fallocate(2): mode is 0 or FALLOC_FL_KEEP_SIZE, PUNCH_HOLE|KEEP_SIZE,
// ZERO_RANGE with or without KEEP_SIZE; others are EOPNOTSUPP.
type Allocater interface {
	Allocate(mode uint32, off, n int64) linux.Errno
}

// HoleSeeker serves lseek(2) with SEEK_DATA and SEEK_HOLE; ENXIO beyond the end.
type HoleSeeker interface {
	SeekHole(off int64, whence int) (int64, linux.Errno)
}

// Seeker is a File with rules of its own for lseek(2): it gets everything.
type Seeker interface {
	Lseek(off int64, whence int, current int64) (int64, linux.Errno)
}

// Syncer serves fsync(2) and fdatasync(2); a File without it has nothing to do, if it is a
// regular file or directory.
type Syncer interface {
	Sync() linux.Errno
}

// DirReader is an open directory.
type DirReader interface {
	File
	// ReadDir calls emit with the entries after the cookie, "." and ".." included, until
	// emit refuses one or all were given. 0 is the start; Dirent.Off is the cookie that
	// continues after an entry. A cookie stays good while entries come and go. emit is
	// called without locks that a fault could leave behind.
	ReadDir(c *Context, cookie int64, emit func(*linux.Dirent) bool) linux.Errno
}

// Ioctler serves ioctl(2). mem is the memory in which arg may be an address. Requests that
// it does not know are ENOTTY.
type Ioctler interface {
	Ioctl(c *Context, mem guest.Memory, cmd, arg uint32) (int64, linux.Errno)
}

// PendingOpen is a File whose open(2) has to wait (a FIFO without a peer): the caller
// waits on Queue until Opened no longer says EAGAIN, or gives up and closes it.
type PendingOpen interface {
	File
	Opened() linux.Errno
}

// FlagsSetter is told when F_SETFL changes O_NONBLOCK, O_APPEND and the like.
type FlagsSetter interface {
	SetFlags(flags uint32)
}

// HostFile is a File backed by a descriptor of the host.
type HostFile interface {
	HostFD() int
}

// Versioned identifies content, so that a hash of it can be kept. Two calls that give the
// same id and version, the second one stable, prove that the content has not changed in
// between. Where stable is false nothing may be concluded.
type Versioned interface {
	Version() (id [2]uint64, version uint64, stable bool)
}

// Unchanged is a File that may know the SHA-256 of its content: that of a tree of verified files, in which nobody
// has changed it since.
type Unchanged interface {
	Digest() (sum [32]byte, known bool)
}

// Personal is a File that shows each thread something else: a signalfd, and an epoll set, which
// may watch one. who is the thread's *signal.Thread; Poll is for nobody.
type Personal interface {
	File
	PollFor(who any) wait.Events
	QueueFor(who any) *wait.Queue
}

// PollFor gives the events that hold for who.
func PollFor(f File, who any) wait.Events {
	if p, ok := f.(Personal); ok {
		return p.PollFor(who)
	}
	return f.Poll()
}

// QueueFor is where changes of PollFor are told.
func QueueFor(f File, who any) *wait.Queue {
	if p, ok := f.(Personal); ok {
		return p.QueueFor(who)
	}
	return f.Queue()
}

// Sealer is a File of memory, which may be sealed: F_GET_SEALS and F_ADD_SEALS of fcntl(2).
type Sealer interface {
	Seals() uint32
	AddSeals(seals uint32) linux.Errno
}

// Informer has lines of its own in /proc/PID/fdinfo.
type Informer interface {
	Info() []byte
}

// BaseFile can be embedded in a File: reads and writes are EINVAL, it is always ready.
type BaseFile struct{}

// Read refuses.
func (BaseFile) Read([]byte, int64) (int, linux.Errno) { return 0, linux.EINVAL }

// Write refuses.
func (BaseFile) Write([]byte, int64) (int, linux.Errno) { return 0, linux.EINVAL }

// Poll says ready.
func (BaseFile) Poll() wait.Events { return wait.In | wait.Out }

// Queue is none.
func (BaseFile) Queue() *wait.Queue { return nil }

// Close does nothing.
func (BaseFile) Close() {}
