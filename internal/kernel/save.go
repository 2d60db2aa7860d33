package kernel

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/mm"
	"vkernel/internal/proc"
	"vkernel/internal/signal"
	"vkernel/internal/sock"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/vfs/devfs"
	"vkernel/internal/vfs/epoll"
	"vkernel/internal/vfs/eventfd"
	"vkernel/internal/vfs/hostfs"
	"vkernel/internal/vfs/hostio"
	"vkernel/internal/vfs/inotify"
	"vkernel/internal/vfs/layerfs"
	"vkernel/internal/vfs/lock"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/vfs/procfs"
	"vkernel/internal/vfs/signalfd"
	"vkernel/internal/vfs/timerfd"
	"vkernel/internal/vfs/tty"
	"vkernel/internal/wasi"
)

// types are all objects that a container can have, but the kernel itself.
var types = slices.Concat(
	proc.Types, mm.Types, signal.Types, fd.Types, vfs.Types, lock.Types, memfs.Types, layerfs.Types, hostfs.Types,
	tty.Types, devfs.Types, procfs.Types, anon.Types, pipe.Types, sock.Types, epoll.Types, eventfd.Types, inotify.Types, signalfd.Types, timerfd.Types, wasi.Types,
)

// StateType names the type.
func (*Kernel) StateType() string { return "kernel.Kernel" }

// SaveState writes the container, the table of processes first.
func (k *Kernel) SaveState(e *state.Encoder) {
	k.table.SaveState(e)
	state.Ref(e, k.ns)
	state.Ref(e, k.console)
	state.Ref(e, k.pts)
	state.Ref(e, k.generation)
	k.host.SaveState(e)
}

// LoadState reads it into a kernel that was made of a new configuration, and has neither processes nor a tree of
// files. What follows from the configuration (code, warm, pools, streams) it has already, or makes when it is asked.
func (k *Kernel) LoadState(d *state.Decoder) {
	if k.table == nil || k.ns != nil {
		d.Fail(errors.New("there are two kernels"))
		return
	}
	k.table.LoadState(d)
	k.ns = state.Need[*vfs.Namespace](d)
	k.console = state.Get[*tty.TTY](d)
	k.pts = state.Need[*devfs.PTS](d)
	k.generation = state.Need[*devfs.Generation](d)
	k.host.LoadState(d)
	d.After(func() error {
		k.register()
		return nil
	})
}

// Saving is a container that is being saved.
type Saving struct{ e *state.Encoder }

// maxHeld is how much of what is large, but not memory of processes (files, buffers), BeginSave keeps for Finish; what is more it
// hands to the sink at once.
const maxHeld = 64 << 20

// BeginSave takes the container, which is paused, as it is. It may be resumed then: Finish writes what was taken, what is
// large as chunks into sink, all else into what it returns.
func (k *Kernel) BeginSave(sink state.Sink) (*Saving, error) {
	e := k.encoder(sink)
	if err := e.Begin(k, maxHeld); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	return &Saving{e}, nil
}

// Finish ends what BeginSave began. It has to be called, or Drop.
func (s *Saving) Finish() (root []byte, err error) {
	if root, err = s.e.Finish(); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	return root, nil
}

// Drop gives up what was taken.
func (s *Saving) Drop() { s.e.Drop() }

// Save is both, at once.
func (k *Kernel) Save(sink state.Sink) (root []byte, err error) {
	if root, err = k.encoder(sink).Save(k); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	return root, nil
}

func (k *Kernel) encoder(sink state.Sink) *state.Encoder {
	e := state.NewEncoder(kernelTypes(nil), time.Now(), sink)
	k.externals(e.External)
	at := vfs.NewContext(k.ns, vfs.Root(), nil)
	for _, m := range k.ns.Mounts() {
		vfs.Externals(at.PathString(m.Root()), m.FS, e.External)
	}
	return e
}

// Restore makes a container of what Save wrote. It is paused: Resume and Wait run it. The configuration is that of New, given
// anew; of Root and Mounts only what is the host's is used, since all else comes from what was saved. Each program
// that was running is asked for again (Decide): one that may not run any more is an error.
func Restore(c Config, root []byte, source state.Source) (*Kernel, error) {
	k, err := load(c, root, source)
	if err != nil {
		return nil, err
	}
	k.table.Revive()
	k.connect()
	k.nextGeneration()
	return k, nil
}

// load makes the container, whose threads do not run yet.
func load(c Config, root []byte, source state.Source) (*Kernel, error) {
	k, err := newKernel(c)
	if err != nil {
		return nil, err
	}
	d := state.NewDecoder(kernelTypes(k), time.Now(), source)
	d.Limit(int64(min(k.config.Limits.Memory, 1<<62)))
	k.externals(d.External)
	vfs.Externals("/", c.Root, d.External)
	for _, m := range c.Mounts {
		vfs.Externals(m.Target, m.FS, d.External)
	}
	if _, err := d.Load(root); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	k.leadOutside()
	k.table.Sockets().Severed()
	return k, nil
}

// externals names what both sides have.
func (k *Kernel) externals(give func(name string, o any)) {
	give("proc.Table", k.table)
	give("pipe.Pool", k.pipes)
	give("kernel.system", system{k})
	for i, p := range k.config.Code.Programs() {
		give(fmt.Sprintf("engine.Program/%d", i), p)
	}
}

// kernelTypes are all types. What is loaded as a kernel is k, and there is no second one.
func kernelTypes(k *Kernel) []state.Type {
	t := state.Of[Kernel](2)
	t.New = func() state.Object {
		made := k
		if k = new(Kernel); made == nil {
			made = k
		}
		return made
	}
	return append(slices.Clone(types), t)
}

// nextGeneration tells all who ask for it that there may be another container with the same memory.
func (k *Kernel) nextGeneration() {
	k.generation.Next()
	for _, p := range k.table.All() {
		told := linux.Signal(0)
		for _, n := range p.Files().Numbers() {
			d, e := p.Files().Get(n)
			if e != 0 {
				continue
			}
			if f, ok := d.File().(*devfs.GenerationFile); ok && f.Signal() != 0 && f.Signal() != told {
				told = f.Signal()
				p.Signal(linux.Info(told, linux.SI_KERNEL))
			}
			d.Unref()
		}
	}
}

// connect connects the streams of a container that was loaded with those of the configuration.
func (k *Kernel) connect() {
	c := &k.config
	read := func(name string) io.Reader {
		if name == nameStdin {
			return c.Stdin
		}
		return nil
	}
	write := func(name string) io.Writer {
		switch {
		case name == nameStdout && c.Stdout != nil:
			return c.Stdout
		case name == nameStderr && c.Stderr != nil:
			return c.Stderr
		case name == nameStdout, name == nameStderr:
			return io.Discard
		}
		return nil
	}
	console := func(name string) io.ReadWriter {
		if name == nameConsole && c.Console != nil {
			return c.Console
		}
		return nil
	}
	var consoles map[string]*hostio.Console
	k.streams.output, consoles = k.host.Connect(read, write, console)
	k.streams.console = consoles[nameConsole]
}

// Settle returns once the host has what the container, which is paused, has given by now.
func (k *Kernel) Settle() { k.host.Settle() }
