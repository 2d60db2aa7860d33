package devfs

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

// Generation tells programs that what they have in memory was copied: their container was restored from a snapshot, or
// forked; or they were started from an image of another process. Who has made random numbers from what is in his memory
// makes them anew. It is what a VM generation ID is to a guest of a hypervisor: /dev/generation, major 10, minor 121.
//
//	read   16 random bytes, which are others after each such event
//	poll   there is something to read once that has happened since this file was opened or last read
//	ioctl  GenerationSignal with a signal's number: who has the file open then gets the signal; 0: none
type Generation struct {
	queue wait.Queue

	mu sync.Mutex

	// guarded by mu
	id    [16]byte
	count uint64
}

// GenerationSignal is _IOW('V', 1, int), whose argument is the number itself.
const GenerationSignal = 0x40045601

const generationMinor = 121

// NewGeneration makes the first one.
func NewGeneration() *Generation {
	g := new(Generation)
	rand.Read(g.id[:])
	return g
}

// Next makes another one.
func (g *Generation) Next() {
	g.mu.Lock()
	rand.Read(g.id[:])
	g.count++
	g.mu.Unlock()
	g.queue.Notify(wait.In)
}

// Register opens it for ns.
func (g *Generation) Register(ns *vfs.Namespace) {
	ns.Register(linux.S_IFCHR, 10, generationMinor, func(c *vfs.Context, _ vfs.Path, n vfs.Special, _ uint32) (vfs.File, linux.Errno) {
		f := &GenerationFile{base: base{node: n}, generation: g}
		if p, ok := c.Task().(interface{ Copied() uint64 }); ok {
			f.copied = p.Copied()
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		f.seen.Store(g.count)
		return f, 0
	})
}

// GenerationFile is an open /dev/generation.
type GenerationFile struct {
	base
	generation *Generation
	copied     uint64        // which copy of an image has opened it; 0: none
	seen       atomic.Uint64 // count at the last read
	signal     atomic.Int32
}

// Signal is what is sent to who has it open, 0 for nothing.
func (f *GenerationFile) Signal() linux.Signal { return linux.Signal(f.signal.Load()) }

// Read gives the id. A copy has one of its own.
func (f *GenerationFile) Read(p []byte, _ int64) (int, linux.Errno) {
	g := f.generation
	g.mu.Lock()
	id, count := g.id, g.count
	g.mu.Unlock()
	if len(p) < len(id) {
		return 0, linux.EINVAL
	}
	if f.copied != 0 {
		sum := sha256.Sum256(binary.LittleEndian.AppendUint64(id[:], f.copied))
		copy(id[:], sum[:])
	}
	f.seen.Store(count)
	return copy(p, id[:]), 0
}

// Write refuses.
func (*GenerationFile) Write([]byte, int64) (int, linux.Errno) { return 0, linux.EBADF }

// Poll tells whether there has been another since the last read.
func (f *GenerationFile) Poll() wait.Events {
	g := f.generation
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.count != f.seen.Load() {
		return wait.In
	}
	return 0
}

// Queue is told of the next.
func (f *GenerationFile) Queue() *wait.Queue { return &f.generation.queue }

// Ioctl sets the signal.
func (f *GenerationFile) Ioctl(_ *vfs.Context, _ guest.Memory, cmd, arg uint32) (int64, linux.Errno) {
	if cmd != GenerationSignal {
		return 0, linux.ENOTTY
	}
	if arg != 0 && !linux.Signal(arg).Valid() || arg > 64 {
		return 0, linux.EINVAL
	}
	f.signal.Store(int32(arg))
	return 0, 0
}

// StateType names the type.
func (*Generation) StateType() string { return "devfs.Generation" }

// SaveState writes it.
func (g *Generation) SaveState(e *state.Encoder) {
	e.Uint(g.count)
	e.Raw(g.id[:])
}

// LoadState reads it. Who loads it makes the next.
func (g *Generation) LoadState(d *state.Decoder) {
	g.count = d.Uint(1<<64 - 1)
	copy(g.id[:], d.Raw(len(g.id)))
}

// StateType names the type.
func (*GenerationFile) StateType() string { return "devfs.GenerationFile" }

// SaveState writes the open file.
func (f *GenerationFile) SaveState(e *state.Encoder) {
	f.base.SaveState(e)
	state.Ref(e, f.generation)
	e.Uint(f.copied)
	e.Uint(f.seen.Load())
	e.Uint(uint64(f.signal.Load()))
}

// LoadState reads it.
func (f *GenerationFile) LoadState(d *state.Decoder) {
	f.base.LoadState(d)
	if f.generation = state.Need[*Generation](d); f.generation == nil {
		d.Fail(errors.New("a generation's file without it"))
	}
	f.copied = d.Uint(1<<64 - 1)
	f.seen.Store(d.Uint(1<<64 - 1))
	f.signal.Store(int32(d.Uint(64)))
}
