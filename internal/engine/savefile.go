package engine

import (
	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// Views are the instances that show this memory, the one that it was made with first.
func (i *Instance) Views() []*Instance {
	m := i.memory.Load()
	if m == nil {
		return []*Instance{i}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]*Instance(nil), m.views...)
}

// OpenMemory makes a file of the size of a memory in the host's memory, for what several processes share.
func (c *Code) OpenMemory() (fd int, e linux.Errno) {
	return c.files.make("shared", c.files.forThreads())
}

// CloseMemory closes it.
func (c *Code) CloseMemory(fd int) { c.files.close(fd) }

// SaveFilePages writes what a range that MapFile mapped privately has that is not the file's: in the form of
// SavePages, with pages of zeros.
func (i *Instance) SaveFilePages(e *state.Encoder, addr, length uint64) (errno linux.Errno) {
	if _, errno = i.within(addr, length); errno != 0 {
		return errno
	}
	m := i.memory.Load()
	list := i.list()
	for _, r := range list.within(addr, addr+length) {
		switch {
		case errno != 0:
		case r.from == 0 && m != nil: // it was taken into the memory
			errno = m.saveAll(e, r.start, r.end)
		case r.from != 0 && r.private && m == nil:
			errno = i.saveWritten(e, &r)
		}
	}
	e.Bool(false)
	return errno
}

// saveAll writes a range of a memory with threads.
func (m *sharedMemory) saveAll(e *state.Encoder, start, end uint64) linux.Errno {
	buf := make([]byte, chunkSize)
	for start < end && !e.Failed() {
		to := min(end, start&^(chunkSize-1)+chunkSize)
		b := buf[:to-start]
		if errno := m.read(address(b), uintptr(len(b)), start); errno != 0 {
			return errno
		}
		savePiece(e, start, b)
		start = to
	}
	return 0
}

// saveWritten writes the private pages of a file's mapping.
func (i *Instance) saveWritten(e *state.Encoder, r *vma) linux.Errno {
	var run []byte
	var start uint64
	flush := func() {
		if len(run) > 0 {
			savePiece(e, start, run)
		}
		run = run[:0]
	}
	errno := i.eachWritten(r, func(addr uint64, page []byte) linux.Errno {
		if next := start + uint64(len(run)); len(run) == 0 || addr != next || addr%chunkSize == 0 {
			flush()
			start = addr
		}
		run = append(run, page...)
		return 0
	})
	flush()
	return errno
}

func savePiece(e *state.Encoder, at uint64, b []byte) {
	e.Bool(true)
	e.Uint(at / pageSize)
	e.Chunk(b)
}

// SaveSharedPages writes the pages of a range of shared memory, which is readable, that are not zero.
func (i *Instance) SaveSharedPages(e *state.Encoder, addr, length uint64) linux.Errno {
	if _, errno := i.within(addr, length); errno != 0 {
		return errno
	}
	for at, end := addr, addr+length; at < end && !e.Failed(); {
		to := min(end, at&^(chunkSize-1)+chunkSize)
		eachUsed(i.base+uintptr(at), uintptr(to-at), func(at, size uintptr) { savePiece(e, uint64(at-i.base), bytesAt(at, size)) })
		at = to
	}
	e.Bool(false)
	return 0
}

// Pages are pages of a memory whose content is still to be read.
type Pages struct {
	at     uint64
	stored state.Stored
}

// LoadFilePages reads what SaveFilePages wrote for a range, without the contents: the file that they lie over is to be
// mapped first.
func LoadFilePages(d *state.Decoder, addr, length uint64) (list []Pages) {
	for at := addr; d.Bool(); {
		p := Pages{d.Uint(memorySize/pageSize) * pageSize, d.Stored()}
		size := uint64(p.stored.Size)
		if p.at < at || size == 0 || size%pageSize != 0 || p.at > addr+length || size > addr+length-p.at {
			d.Failf("%d bytes of memory at %#x, in %#x to %#x", size, p.at, at, addr+length)
			return nil
		}
		at = p.at + size
		list = append(list, p)
	}
	return list
}

// PutPages puts them into memory, which is writable. What cannot be written lies beyond the end of the file.
func (i *Instance) PutPages(d *state.Decoder, list []Pages) {
	for _, p := range list {
		b := d.Fetch(p.stored)
		for k := 0; k < len(b); k += pageSize {
			i.Memory().Write(uint32(p.at)+uint32(k), b[k:k+pageSize])
		}
	}
}
