package hostfs

import (
	"container/list"
	"sync"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// maxFDs is how many directories are kept open when nobody uses them.
const maxFDs = 256

// maxDepth bounds how many parents are opened again on the way to a directory.
const maxDepth = 1024

// fdCache keeps directories open, those that were used last.
type fdCache struct {
	mu sync.Mutex

	// guarded by mu, with fd, refs and elem of each directory but the root
	used list.List // of *dir, the last used first
}

// acquire gives a descriptor of d, to be used until release.
func (d *dir) acquire() (int, linux.Errno) { return d.acquireAt(0) }

func (d *dir) acquireAt(depth int) (int, linux.Errno) {
	c := &d.fs.fds
	if d == d.fs.root.Node() {
		return d.fs.place.fd, 0
	}
	if fd, ok := c.get(d); ok {
		return fd, 0
	}
	if depth == maxDepth {
		return -1, linux.ENAMETOOLONG
	}
	if d.entry.Removed() {
		return -1, linux.ENOENT
	}
	parent := d.entry.Parent().Node().(*dir)
	pfd, e := parent.acquireAt(depth + 1)
	if e != 0 {
		return -1, e
	}
	defer parent.release()
	fd, err := openAt(pfd, d.entry.Name(), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return -1, from(err)
	}
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil || !d.is(&s) {
		unix.Close(fd)
		return -1, linux.ESTALE
	}
	return c.put(d, fd), 0
}

// release ends the use of acquire's descriptor.
func (d *dir) release() {
	if d == d.fs.root.Node() {
		return
	}
	c := &d.fs.fds
	c.mu.Lock()
	defer c.mu.Unlock()
	d.refs--
	c.trimLocked()
}

// get gives the descriptor of d if it is open.
func (c *fdCache) get(d *dir) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.elem == nil {
		return -1, false
	}
	d.refs++
	c.used.MoveToFront(d.elem)
	return d.fd, true
}

// put keeps fd for d, or closes it if another goroutine was faster; it gives the one that
// is kept.
func (c *fdCache) put(d *dir, fd int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	d.refs++
	if d.elem != nil {
		unix.Close(fd)
		return d.fd
	}
	d.fd, d.elem = fd, c.used.PushFront(d)
	c.trimLocked()
	return fd
}

// trimLocked closes what is too much and not in use.
func (c *fdCache) trimLocked() {
	for el := c.used.Back(); el != nil && c.used.Len() > maxFDs; {
		d, prev := el.Value.(*dir), el.Prev()
		if d.refs == 0 {
			c.used.Remove(el)
			unix.Close(d.fd)
			d.fd, d.elem = -1, nil
		}
		el = prev
	}
}

func (c *fdCache) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for el := c.used.Front(); el != nil; el = el.Next() {
		d := el.Value.(*dir)
		unix.Close(d.fd)
		d.fd, d.elem = -1, nil
	}
	c.used.Init()
}
