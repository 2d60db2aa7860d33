package hostfs

import (
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// contentStep is how much of a file's content is a chunk.
const contentStep = 64 << 10

// StateType names the type.
func (*file) StateType() string { return "hostfs.file" }

// SaveState writes the file. What is open is opened again by its handles; but if it has no name any more,
// its content is written, since only this container has it.
func (f *file) SaveState(e *state.Encoder) {
	if f.fresh >= 0 {
		e.Fail(fmt.Errorf("%s was made and is not open yet", f.node.place()))
	}
	f.node.saveNode(e)
	e.Int(f.Writers.Count())
	fd, readable := f.anyFD()
	nameless := f.entry.Removed() && fd >= 0
	if e.Bool(nameless); nameless {
		f.saveContent(e, fd, readable)
	}
}

// anyFD gives a descriptor of some handle or mapping, one that can be read if there is any, else -1. What nobody has
// open for reading nobody will read.
func (f *file) anyFD() (best int, readable bool) {
	best = -1
	for fd := range f.open {
		mode, err := accessMode(fd)
		if reads := err == nil && mode != unix.O_WRONLY; reads || !readable {
			best, readable = fd, reads
		}
	}
	if f.uses != nil {
		for _, m := range f.uses.by {
			if m != nil {
				best, readable = m.fd, true
			}
		}
	}
	return best, readable
}

func accessMode(fd int) (int, error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return flags & unix.O_ACCMODE, err
}

// saveContent writes size and time of the file behind fd, and its runs of data if they can be read.
func (f *file) saveContent(e *state.Encoder, fd int, readable bool) {
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		e.Fail(fmt.Errorf("%s: %w", f.node.place(), err))
		return
	}
	e.Int(s.Size)
	e.Int(s.Mtim.Sec)
	e.Int(s.Mtim.Nsec)
	buf := make([]byte, contentStep)
	for at := int64(0); readable && at < s.Size && !e.Failed(); at += contentStep {
		if next, err := unix.Seek(fd, at, unix.SEEK_DATA); err == unix.ENXIO {
			break
		} else if err == nil {
			at = next / contentStep * contentStep
		}
		n, err := unix.Pread(fd, buf[:min(contentStep, s.Size-at)], at)
		if err != nil || n == 0 {
			e.Fail(fmt.Errorf("%s at %d: %d bytes, %w", f.node.place(), at, n, err))
			return
		}
		e.Bool(true)
		e.Int(at)
		e.Chunk(buf[:n])
	}
	e.Bool(false)
}

// LoadState reads it.
func (f *file) LoadState(d *state.Decoder) {
	f.fresh, f.open = -1, map[int]bool{}
	f.node.loadNode(d, func(typ uint32) bool { return typ == linux.S_IFREG })
	f.Writers.Restore(d.Int(math.MinInt32, math.MaxInt32))
	if d.Bool() {
		f.loadContent(d)
	}
}

// loadContent makes a file in memory that nobody else has, and that is open while the container is loaded.
func (f *file) loadContent(d *state.Decoder) {
	size, sec, nsec := d.Int(0, math.MaxInt64), d.Int(math.MinInt64, math.MaxInt64), d.Int(0, 999_999_999)
	if d.Failed() {
		return
	}
	fd, err := unix.MemfdCreate("deleted", unix.MFD_CLOEXEC)
	if err != nil {
		d.Fail(err)
		return
	}
	f.content = os.NewFile(uintptr(fd), "deleted")
	done := func() { f.content.Close() }
	d.Undo(done)
	if err := unix.Ftruncate(fd, size); err != nil {
		d.Fail(err)
	}
	for d.Bool() {
		at := d.Int(0, max(0, size-1))
		if b := d.Chunk(); int64(len(b)) > size-at {
			d.Failf("%d bytes at %d of %d", len(b), at, size)
		} else if _, err := f.content.WriteAt(b, at); err != nil {
			d.Fail(err)
		}
	}
	unix.Fchmod(fd, f.Perm().Mode&linux.S_IRWXUGO)
	unix.UtimesNanoAt(fd, "", []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Sec: sec, Nsec: nsec}}, unix.AT_EMPTY_PATH)
	d.After(func() error {
		done()
		f.content = nil
		return nil
	})
}

// openAgain opens the file as it was open, with the access mode of open(2).
func (f *file) openAgain(mode int) (int, error) {
	if f.content != nil {
		fd, err := unix.FcntlInt(f.content.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		return fd, err
	}
	if err := f.node.find(); err != nil {
		return -1, err
	}
	if f.entry.Removed() {
		return -1, fmt.Errorf("%s has neither a name nor a content", f.node.place())
	}
	fd, e := f.openHost(mode)
	if e != 0 {
		return -1, fmt.Errorf("%s cannot be opened again: %w", f.node.place(), e)
	}
	return fd, nil
}

// StateType names the type.
func (*handle) StateType() string { return "hostfs.handle" }

// SaveState writes the handle, and what it sees of the file.
func (h *handle) SaveState(e *state.Encoder) {
	state.Ref(e, h.f)
	e.Bool(h.writes)
	mode, err := accessMode(h.fd)
	if err != nil {
		e.Fail(err)
	}
	e.Uint(uint64(mode))
	var s unix.Stat_t
	if err := unix.Fstat(h.fd, &s); err != nil {
		e.Fail(err)
	}
	e.Int(s.Size)
	e.Int(s.Mtim.Sec)
	e.Int(s.Mtim.Nsec)
}

// LoadState reads it, and opens the file again. The file has counted it.
func (h *handle) LoadState(d *state.Decoder) {
	h.fd = -1
	h.f = state.Need[*file](d)
	h.writes = d.Bool()
	mode := int(d.Uint(unix.O_RDWR))
	size, sec, nsec := d.Int(0, math.MaxInt64), d.Int(math.MinInt64, math.MaxInt64), d.Int(0, 999_999_999)
	d.Complete(func() error {
		fd, err := h.f.openAgain(mode)
		if err != nil {
			return err
		}
		h.fd = fd
		h.f.open[fd] = true
		d.Undo(func() { unix.Close(fd) })
		var s unix.Stat_t
		err = unix.Fstat(fd, &s)
		if l := h.f.fs.loading; err == nil && l != nil && l.moved && (s.Size != size || s.Mtim.Sec != sec || s.Mtim.Nsec != nsec) {
			err = fmt.Errorf("%s has %d bytes, of another time than the %d that it had", h.f.node.place(), s.Size, size)
		}
		return err
	})
}

// StateType names the type.
func (*mapping) StateType() string { return "hostfs.mapping" }

// SaveState writes the mapping.
func (m *mapping) SaveState(e *state.Encoder) {
	state.Ref(e, m.f)
	e.Bool(m.writes)
	e.Uint(uint64(m.holds))
}

// LoadState reads it, and opens the file again. The file has counted it.
func (m *mapping) LoadState(d *state.Decoder) {
	m.fd = -1
	m.f = state.Need[*file](d)
	m.writes = d.Bool()
	m.holds = int(d.Uint(math.MaxInt32))
	d.Complete(func() error {
		f := m.f
		if f.uses == nil {
			f.uses = new(uses)
		}
		mode, slot := unix.O_RDONLY, 0
		if m.writes {
			mode, slot = unix.O_RDWR, 1
		}
		if f.uses.by[slot] != nil || m.holds == 0 {
			return errors.New("a file of the host is mapped twice, or not at all")
		}
		fd, err := f.openAgain(mode)
		if err != nil {
			return err
		}
		m.fd = fd
		d.Undo(func() { unix.Close(fd) })
		f.uses.by[slot] = m
		f.uses.held.Add(int64(m.holds))
		f.fs.mapped.Add(1)
		return nil
	})
}
