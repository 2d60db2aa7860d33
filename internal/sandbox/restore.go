package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/kernel"
	"vkernel/internal/packet"
	"vkernel/internal/state"
)

// From is what a container begins with: a snapshot that has been authenticated, or the memory of a copy.
type From struct {
	Root   []byte       // the stream of objects
	Chunks state.Source // what it refers to, verified when it is asked for

	Memory *os.File // instead: what Save has written
}

// handover is a From on its way into a sandbox.
type handover struct {
	theirs, owned []*os.File
	ours          *os.File
	source        state.Source

	mu  sync.Mutex
	err error // guarded by mu: the first chunk that could not be given
}

// connect makes the descriptors of a From.
func (f *From) connect(start *Start) (*handover, error) {
	h := &handover{}
	switch {
	case f == nil:
		return h, nil
	case f.Memory != nil:
		if err := packet.Sealed(f.Memory); err != nil { // it will be mapped
			return nil, fmt.Errorf("the memory of the copy: %w", err)
		}
		start.Restore = FromMemory
		h.theirs = []*os.File{f.Memory}
		return h, nil
	}
	start.Restore = FromSnapshot
	root, err := packet.Seal("root", f.Root)
	if err != nil {
		return nil, err
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("socketpair: %w", err)
	}
	h.ours, h.source = os.NewFile(uintptr(fds[0]), "chunks"), f.Chunks
	h.theirs = []*os.File{root, os.NewFile(uintptr(fds[1]), "chunks")}
	h.owned = h.theirs
	return h, nil
}

// begin lets go of what was sent, and begins to answer.
func (h *handover) begin() {
	closeAll(h.owned)
	h.owned = nil
	if h.ours == nil {
		return
	}
	go func() {
		answerChunks(h.ours, h.source, func(err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.err == nil {
				h.err = err
			}
		})
	}()
}

func (h *handover) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

func (h *handover) close() {
	closeAll(h.owned)
	if h.ours != nil {
		h.ours.Close()
	}
}

// restore makes the kernel of what a start has brought.
func restore(c *kernel.Config, s *Start, st *streams) (*kernel.Kernel, error) {
	defer st.chunks.Close()
	if s.Restore == FromMemory {
		from := &copied{file: st.chunks, fd: int(st.chunks.Fd())}
		root, err := from.root()
		if err != nil {
			return nil, err
		}
		return kernel.Restore(*c, root, from)
	}
	root, err := packet.ReadSealed(st.root, maxHandover)
	if err != nil {
		return nil, err
	}
	return kernel.Restore(*c, root, &asker{rw: st.chunks})
}

// settleTime is how long the host may take to read what the container has written before it is saved.
const settleTime = 3 * time.Second

var errUnread = errors.New("the container's output is not read, so it cannot be saved with all of it written: read it, or redirect it to a file")

// save saves the container. One that was not paused goes on as soon as it is saved.
func (l *live) save(r *request) (any, error) {
	var a SaveArgument
	if err := readMemory(r.argument, &a); err != nil || len(r.files) != 1 {
		return nil, errors.Join(errors.New("a request to save needs a descriptor to write to"), err)
	}
	was, err := l.beginSave()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	saved := &Saved{}
	var w saver = newRecords(r.files[0], a.Known, saved)
	if a.Memory {
		w = &memoryWriter{f: r.files[0], saved: saved}
	}
	saving, err := l.take(w)
	l.endSave(was)
	if !was {
		saved.Paused = time.Since(began)
	}
	if err != nil {
		return nil, err
	}
	root, err := saving.Finish() // the container runs on
	if err != nil {
		return nil, err
	}
	saved.Root = len(root)
	return saved, w.finish(root)
}

// take takes the kernel, which stands, as it is.
func (l *live) take(to state.Sink) (*kernel.Saving, error) {
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		l.kernel.Settle()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	select {
	case <-settled:
		return l.kernel.BeginSave(to)
	case <-ctx.Done():
		return nil, errUnread
	}
}

// beginSave pauses the container, and tells whether it was paused before.
func (l *live) beginSave() (was bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy {
		return false, errBusy
	}
	if was = l.paused; !was {
		if err := l.pauseLocked(); err != nil {
			return false, err
		}
	}
	l.busy = true
	return was, nil
}

// endSave lets the container go on, if it was not paused before.
func (l *live) endSave(was bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy = false; !was || l.killed {
		l.resumeLocked()
	}
}
