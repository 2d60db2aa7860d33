// Package inotify is inotify(7): events of files and directories, as a file that is read.
//
// # Model
//
// A File has a watch (vfs.Mark) for each node that it was asked to watch, and a queue of events.
// What is done through this kernel is told (vfs.Marks); what the host does to a directory that is
// mounted from it is not. An event that equals the last one in the queue is that one. A queue that
// is full, or all queues of a container together, end in IN_Q_OVERFLOW.
//
// # Lock order
//
//	File.change         (adding and removing watches)
//	vfs.Marks.mu
//	File.mu             held while guest memory is written, so released by defer
//	wait.Queue
package inotify

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/wait"
)

// Limits of a container (fs.inotify), and of the bytes that all of its queues hold.
const (
	MaxInstances = 128
	MaxWatches   = 1 << 16
	MaxQueued    = 16384
	maxBytes     = 16 << 20
)

// Home is the container of an instance.
type Home interface {
	Inotify() *Registry
}

// Registry is what the files of a container have in common. The zero value is ready.
type Registry struct {
	instances, watches, bytes atomic.Int64
}

// event is one that waits to be read.
type event struct {
	wd           int32
	mask, cookie uint32
	name         string
}

// size is how many bytes it is in a read.
func (e *event) size() int {
	if e.name == "" {
		return linux.SizeofInotifyEvent
	}
	return linux.SizeofInotifyEvent + (len(e.name)/16+1)*16
}

// File is an inotify instance.
type File struct {
	anon.File
	home     Home
	registry *Registry // home's
	ns       *vfs.Namespace
	marks    *vfs.Marks // its
	queue    wait.Queue

	change sync.Mutex

	mu sync.Mutex

	// guarded by mu
	watches map[int32]*vfs.Mark
	last    int32 // the watch descriptor given last
	events  []event
	bytes   int
	closed  bool
}

// New makes an instance: EMFILE if there are too many.
func New(h Home, ns *vfs.Namespace) (*File, linux.Errno) {
	r := h.Inotify()
	if r.instances.Add(1) > MaxInstances {
		r.instances.Add(-1)
		return nil, linux.EMFILE
	}
	return &File{home: h, registry: r, ns: ns, marks: ns.Marks(), watches: map[int32]*vfs.Mark{}}, 0
}

// Watch is inotify_add_watch(2) for a node.
func (f *File) Watch(n vfs.Node, mask uint32) (wd int32, e linux.Errno) {
	f.change.Lock()
	defer f.change.Unlock()
	kept := mask & (linux.IN_ALL_EVENTS | linux.IN_ONESHOT | linux.IN_EXCL_UNLINK)
	if k := f.marks.Find(n, f); k != nil {
		if mask&linux.IN_MASK_CREATE != 0 {
			return 0, linux.EEXIST
		}
		f.marks.Change(k, kept, mask&linux.IN_MASK_ADD != 0)
		return k.ID, 0
	}
	if f.registry.watches.Add(1) > MaxWatches {
		f.registry.watches.Add(-1)
		return 0, linux.ENOSPC
	}
	k := &vfs.Mark{Node: n, Listener: f, ID: f.number()}
	f.mu.Lock()
	f.watches[k.ID] = k
	f.mu.Unlock()
	f.marks.Add(k, kept)
	return k.ID, 0
}

// number gives a watch descriptor: the next that is free.
func (f *File) number() int32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if f.last++; f.last <= 0 {
			f.last = 1
		}
		if f.watches[f.last] == nil {
			return f.last
		}
	}
}

// Unwatch is inotify_rm_watch(2).
func (f *File) Unwatch(wd int32) linux.Errno {
	f.change.Lock()
	defer f.change.Unlock()
	f.mu.Lock()
	k := f.watches[wd]
	f.mu.Unlock()
	if k == nil {
		return linux.EINVAL
	}
	if f.marks.Remove(k) {
		f.Ignored(k)
	}
	return 0
}

// Heard queues an event.
func (f *File) Heard(k *vfs.Mark, mask, cookie uint32, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pushLocked(event{k.ID, mask, cookie, name})
}

// Ignored is the end of a watch.
func (f *File) Ignored(k *vfs.Mark) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watches[k.ID] != k {
		return
	}
	delete(f.watches, k.ID)
	f.registry.watches.Add(-1)
	f.pushLocked(event{wd: k.ID, mask: linux.IN_IGNORED})
}

func (f *File) pushLocked(e event) {
	if f.closed {
		return
	}
	n := len(f.events)
	if n > 0 {
		last := &f.events[n-1]
		if last.mask == linux.IN_Q_OVERFLOW || last.wd == e.wd && last.mask == e.mask && last.name == e.name {
			return
		}
	}
	size := int64(e.size())
	if n >= MaxQueued || f.registry.bytes.Add(size) > maxBytes {
		if n < MaxQueued {
			f.registry.bytes.Add(-size)
		}
		e = event{wd: -1, mask: linux.IN_Q_OVERFLOW} // one more than fits: at most one a file
		size = int64(e.size())
		f.registry.bytes.Add(size)
	}
	f.events = append(f.events, e)
	f.bytes += int(size)
	f.queue.Notify(wait.In)
}

// Read gives the oldest events, as many as fit: EINVAL if the first does not.
func (f *File) Read(p []byte, _ int64) (n int, e linux.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		return 0, linux.EAGAIN
	}
	for len(f.events) > 0 && f.events[0].size() <= len(p)-n {
		ev := &f.events[0]
		size := ev.size()
		ev.put(p[n : n+size])
		n += size
		f.dropLocked()
	}
	if n == 0 {
		return 0, linux.EINVAL
	}
	return n, 0
}

// put writes the event; the name is padded with zeros.
func (e *event) put(p []byte) {
	binary.LittleEndian.PutUint32(p, uint32(e.wd))
	binary.LittleEndian.PutUint32(p[4:], e.mask)
	binary.LittleEndian.PutUint32(p[8:], e.cookie)
	binary.LittleEndian.PutUint32(p[12:], uint32(len(p)-linux.SizeofInotifyEvent))
	clear(p[linux.SizeofInotifyEvent+copy(p[linux.SizeofInotifyEvent:], e.name):])
}

// dropLocked takes the oldest event off the queue.
func (f *File) dropLocked() {
	size := f.events[0].size()
	f.bytes -= size
	f.registry.bytes.Add(-int64(size))
	f.events[0] = event{}
	if f.events = f.events[1:]; len(f.events) == 0 {
		f.events = nil
	}
}

// Poll gives In if there are events.
func (f *File) Poll() wait.Events {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) > 0 {
		return wait.In
	}
	return 0
}

// Queue is told of events.
func (f *File) Queue() *wait.Queue { return &f.queue }

// Ioctl serves FIONREAD.
func (f *File) Ioctl(_ *vfs.Context, mem guest.Memory, cmd, arg uint32) (int64, linux.Errno) {
	if cmd != linux.FIONREAD {
		return 0, linux.ENOTTY
	}
	f.mu.Lock()
	n := int32(f.bytes)
	f.mu.Unlock()
	return 0, guest.Put(mem, arg, &n)
}

// Close ends all watches.
func (f *File) Close() {
	f.change.Lock()
	defer f.change.Unlock()
	f.mu.Lock()
	f.closed = true
	all := f.watches
	f.watches = map[int32]*vfs.Mark{}
	for len(f.events) > 0 {
		f.dropLocked()
	}
	f.mu.Unlock()
	for _, k := range all {
		f.marks.Remove(k)
	}
	f.registry.watches.Add(-int64(len(all)))
	f.registry.instances.Add(-1)
}

// Info is for /proc/PID/fdinfo.
func (f *File) Info() []byte {
	f.mu.Lock()
	all := make([]*vfs.Mark, 0, len(f.watches))
	for _, k := range f.watches {
		all = append(all, k)
	}
	f.mu.Unlock()
	var text []byte
	for _, k := range all {
		st, _ := k.Node.Stat()
		text = fmt.Appendf(text, "inotify wd:%x ino:%x sdev:%x mask:%x ignored_mask:0\n", k.ID, st.Ino, st.Dev, f.marks.Mask(k)&^linux.IN_ONESHOT)
	}
	return text
}
