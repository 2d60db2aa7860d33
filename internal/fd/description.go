// Package fd is file descriptors: the numbers of a process and the open file descriptions
// that they refer to.
//
// # Model
//
// A Description is what open(2) makes: a vfs.File with its access mode, status flags and
// offset. A Table maps numbers to descriptions; dup(2) and fork(2) give a description more
// numbers. Descriptions are counted: each number is one reference, and so is each operation
// that is under way, so that a file stays open under a read while another thread closes its
// number. The last reference closes the file.
//
// Looking a number up takes no lock: Table.Get reads an immutable-length array of atomic
// pointers and takes a reference only if there still is one.
//
// # Lock order
//
// Table.mu is above nothing but the runtime: files are closed and locks given up after it
// is released. Description.mu (the offset) is above the locks of files and is held over
// transfers that may fault in guest memory, so it is released by defer. A Watcher is told of a
// close without locks; the list of them is a leaf.
package fd

import (
	"math"
	"sync"
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/lock"
)

// settable are the status flags that F_SETFL changes, but for O_ASYNC, see SetAsync.
const settable = linux.O_APPEND | linux.O_DIRECT | linux.O_NOATIME | linux.O_NONBLOCK

// creation are the flags of open(2) that a description does not keep.
const creation = linux.O_CREAT | linux.O_EXCL | linux.O_NOCTTY | linux.O_TRUNC | linux.O_CLOEXEC

// Description is an open file description. Its fields but for those named below never change.
type Description struct {
	file   vfs.File
	path   vfs.Path
	stream bool
	flags  atomic.Uint32
	refs   atomic.Int32
	locks  atomic.Pointer[lock.Registry] // where it may hold locks of its own
	sealed atomic.Pointer[vfs.Sealed]    // what is read instead of file, see Seal
	watch  atomic.Pointer[watchers]      // who is told when it is closed
	async  atomic.Pointer[async]         // who gets signals; nil until one was asked for

	mu sync.Mutex

	// guarded by mu
	offset int64
}

// New makes the description of an open file, with one reference, which is the caller's.
// flags are those of open(2).
func New(file vfs.File, path vfs.Path, flags uint32) *Description {
	d := &Description{file: file, path: path}
	_, d.stream = file.(vfs.Stream)
	d.flags.Store(flags &^ creation)
	d.refs.Store(1)
	path.Opened()
	return d
}

// Ref takes a further reference for one that holds one.
func (d *Description) Ref() *Description {
	d.refs.Add(1)
	return d
}

// tryRef takes a reference unless the last one is gone.
func (d *Description) tryRef() bool {
	for {
		n := d.refs.Load()
		if n == 0 {
			return false
		}
		if d.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Unref gives a reference back. The last one closes the file.
func (d *Description) Unref() {
	if d.refs.Add(-1) > 0 {
		return
	}
	if w := d.watch.Load(); w != nil {
		w.closed(d)
	}
	if a := d.async.Load(); a != nil {
		a.end()
	}
	if r := d.locks.Load(); r != nil {
		if k, e := d.LockKey(); e == 0 {
			r.Drop(k, d)
		}
	}
	if f := d.Flags(); f&linux.O_PATH == 0 {
		d.path.Tell(closeEvent(f))
	}
	d.file.Close()
	d.path.Closed()
}

// closeEvent is what inotify(7) calls the end of a file that was opened with flags.
func closeEvent(flags uint32) uint32 {
	if flags&linux.O_ACCMODE == linux.O_RDONLY {
		return linux.IN_CLOSE_NOWRITE
	}
	return linux.IN_CLOSE_WRITE
}

// File is the open file.
func (d *Description) File() vfs.File {
	if s := d.sealed.Load(); s != nil {
		return s
	}
	return d.file
}

// Seal has the description show f from now on: the content that execveat(2) with AT_EXECVE_CHECK has
// found to be executable. Whoever reads on reads what was checked.
func (d *Description) Seal(f *vfs.Sealed) { d.sealed.Store(f) }

// Path is where it was opened.
func (d *Description) Path() vfs.Path { return d.path }

// Flags are the access mode and the status flags (F_GETFL).
func (d *Description) Flags() uint32 { return d.flags.Load() }

// Nonblocking reports whether O_NONBLOCK is set.
func (d *Description) Nonblocking() bool { return d.flags.Load()&linux.O_NONBLOCK != 0 }

// Readable reports whether it is open for reading.
func (d *Description) Readable() bool {
	f := d.flags.Load()
	return f&linux.O_ACCMODE != linux.O_WRONLY && f&linux.O_PATH == 0
}

// Writable reports whether it is open for writing.
func (d *Description) Writable() bool {
	f := d.flags.Load()
	return f&linux.O_ACCMODE != linux.O_RDONLY && f&linux.O_PATH == 0
}

// SetFlags changes the status flags (F_SETFL); other bits are ignored.
func (d *Description) SetFlags(flags uint32) linux.Errno {
	for {
		old := d.flags.Load()
		now := old&^settable | flags&settable
		if !d.flags.CompareAndSwap(old, now) {
			continue
		}
		if s, ok := d.file.(vfs.FlagsSetter); ok && old != now {
			s.SetFlags(now)
		}
		return 0
	}
}

// LockKey names the inode to package lock.
func (d *Description) LockKey() (lock.Key, linux.Errno) {
	st, e := d.File().Stat()
	return lock.Key{Dev: st.Dev, Ino: st.Ino}, e
}

// HoldsLocks has the locks that d owns in r given up when d is closed.
func (d *Description) HoldsLocks(r *lock.Registry) { d.locks.Store(r) }

// Read reads at the offset and moves it.
func (d *Description) Read(p []byte) (n int, e linux.Errno) {
	if !d.Readable() {
		return 0, linux.EBADF
	}
	if d.stream {
		n, e = d.File().Read(p, 0)
	} else {
		n, e = d.readOffset(p)
	}
	if n > 0 {
		d.path.Tell(linux.IN_ACCESS)
	}
	return n, e
}

func (d *Description) readOffset(p []byte) (int, linux.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, e := d.File().Read(p, d.offset)
	d.offset += int64(n)
	return n, e
}

// Write writes at the offset, or at the end with O_APPEND, and moves the offset.
func (d *Description) Write(p []byte) (n int, e linux.Errno) {
	if !d.Writable() {
		return 0, linux.EBADF
	}
	if d.stream {
		n, e = d.File().Write(p, 0)
	} else {
		n, e = d.writeOffset(p)
	}
	if n > 0 {
		d.path.Tell(linux.IN_MODIFY)
	}
	return n, e
}

func (d *Description) writeOffset(p []byte) (int, linux.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a, ok := d.File().(vfs.Appender); ok && d.Flags()&linux.O_APPEND != 0 {
		n, end, e := a.Append(p)
		if e == 0 {
			d.offset = end
		}
		return n, e
	}
	if d.offset > math.MaxInt64-int64(len(p)) {
		return 0, linux.EFBIG
	}
	n, e := d.File().Write(p, d.offset)
	d.offset += int64(n)
	return n, e
}

// ReadAt is pread(2).
func (d *Description) ReadAt(p []byte, off int64) (int, linux.Errno) {
	if e := d.positioned(off, d.Readable()); e != 0 {
		return 0, e
	}
	n, e := d.File().Read(p, off)
	if n > 0 {
		d.path.Tell(linux.IN_ACCESS)
	}
	return n, e
}

// WriteAt is pwrite(2), which appends if O_APPEND is set, as on Linux.
func (d *Description) WriteAt(p []byte, off int64) (int, linux.Errno) {
	if e := d.positioned(off, d.Writable()); e != 0 {
		return 0, e
	}
	n, e := d.writeAt(p, off)
	if n > 0 {
		d.path.Tell(linux.IN_MODIFY)
	}
	return n, e
}

func (d *Description) writeAt(p []byte, off int64) (int, linux.Errno) {
	if a, ok := d.File().(vfs.Appender); ok && d.Flags()&linux.O_APPEND != 0 {
		n, _, e := a.Append(p)
		return n, e
	}
	if off > math.MaxInt64-int64(len(p)) {
		return 0, linux.EFBIG
	}
	return d.File().Write(p, off)
}

// positioned checks a transfer at an offset.
func (d *Description) positioned(off int64, allowed bool) linux.Errno {
	switch {
	case off < 0:
		return linux.EINVAL
	case d.stream:
		return linux.ESPIPE
	case !allowed:
		return linux.EBADF
	}
	return 0
}

// Stream reports whether the file has no positions.
func (d *Description) Stream() bool { return d.stream }

// Refs is how many references there are now.
func (d *Description) Refs() int { return int(d.refs.Load()) }
