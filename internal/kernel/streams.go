package kernel

import (
	"context"
	"fmt"
	"io"
	"os"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/hostio"
)

// streams is what carries bytes between the host and a container.
type streams struct {
	output  []<-chan struct{} // closed when all of a stream is written
	console *hostio.Console
}

// Names of the streams of the first process: see hostio.Host.
const (
	nameStdin   = "stdin"
	nameStdout  = "stdout"
	nameStderr  = "stderr"
	nameConsole = "console"
)

// drain waits until all output has reached the host, or ctx is done. It is called when
// every process has ended.
func (s *streams) drain(ctx context.Context) {
	if s.console != nil {
		s.console.Close()
	}
	for _, done := range s.output {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
}

// openStreams opens descriptors 0, 1 and 2 of the first process.
func (k *Kernel) openStreams(files *fd.Table) error {
	if k.console != nil {
		return k.openConsole(files)
	}
	var in *fd.Description
	if r := k.config.Stdin; r != nil {
		end, path := k.host.Input(k.pipes, nameStdin, r)
		in = fd.New(end, path, linux.O_RDONLY)
	} else {
		var err error
		if in, err = k.open("/dev/null", linux.O_RDONLY); err != nil {
			return err
		}
	}
	out := k.output(nameStdout, k.config.Stdout)
	errors := out
	if same(k.config.Stdout, k.config.Stderr) {
		out.Ref()
	} else {
		errors = k.output(nameStderr, k.config.Stderr)
	}
	install(files, in, out, errors)
	return nil
}

// openConsole opens the terminal as all three.
func (k *Kernel) openConsole(files *fd.Table) error {
	c := k.config.Console
	k.streams.console = k.host.Attach(nameConsole, k.console, c, c)
	d, err := k.open("/dev/console", linux.O_RDWR)
	if err != nil {
		return err
	}
	install(files, d, d.Ref(), d.Ref())
	return nil
}

func install(files *fd.Table, standard ...*fd.Description) {
	for i, d := range standard {
		files.Replace(d, int32(i), false, fd.MaxFiles)
	}
}

// open opens a file of the container for the kernel itself.
func (k *Kernel) open(name string, flags uint32) (*fd.Description, error) {
	f, path, e := vfs.NewContext(k.ns, vfs.Root(), nil).Open(vfs.Path{}, name, vfs.OpenHow{Flags: flags})
	if e != 0 {
		return nil, fmt.Errorf("kernel: %s: %w", name, e)
	}
	return fd.New(f, path, flags), nil
}

// output makes the stream that leads to w.
func (k *Kernel) output(name string, w io.Writer) *fd.Description {
	if w == nil {
		w = io.Discard
	}
	end, path, done := k.host.Output(k.pipes, name, w)
	k.streams.output = append(k.streams.output, done)
	return fd.New(end, path, linux.O_WRONLY)
}

// same reports whether two writers lead to one place, so that the order of what is
// written to both has to be kept.
func same(a, b io.Writer) bool {
	x, ok1 := a.(*os.File)
	y, ok2 := b.(*os.File)
	if !ok1 || !ok2 {
		return a == b
	}
	s, err1 := x.Stat()
	t, err2 := y.Stat()
	return err1 == nil && err2 == nil && os.SameFile(s, t)
}
