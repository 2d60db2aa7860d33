package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"vkernel/internal/bundle"
	"vkernel/internal/control"
	"vkernel/internal/sandbox"
)

// named is the name of a container, and who serves requests about it; nil if it has none.
type named struct {
	name   *control.Name
	server *control.Server
}

// checkNamed checks the flags about names.
func (o *runOptions) checkNamed() error {
	if o.name != "" {
		if err := control.CheckName(o.name); err != nil {
			return fmt.Errorf("--name: %w", err)
		}
	}
	if o.output != "" && !o.detach {
		return errors.New("--output is for a container that is detached: add -d, or redirect the output")
	}
	return nil
}

// reserve takes the name, if the container has one.
func (o *runOptions) reserve() (*named, error) {
	if o.name == "" {
		return nil, nil
	}
	n, err := control.Reserve(o.name)
	if errors.Is(err, control.ErrTaken) {
		return nil, fmt.Errorf("%w: choose another --name, or end it with 'vkernel rm %s'", err, o.name)
	}
	if err != nil {
		return nil, err
	}
	return &named{name: n}, nil
}

// serve begins to serve requests, and gives what is to be called when the container has begun.
func (n *named) serve(o *runOptions, b *bundle.Bundle, s *sandbox.Sandbox, kill func()) (started func(), err error) {
	if n == nil {
		return nil, nil
	}
	digest := sha256.Sum256(b.ManifestBytes())
	command := o.command
	if len(command) == 0 {
		command = b.Manifest.Command
	}
	n.server, err = n.name.Serve(control.Config{
		Container: s, Remove: kill,
		Info: control.Info{Bundle: b.Dir, Manifest: hex.EncodeToString(digest[:]), Command: command, Started: time.Now()},
	})
	return o.begun, err
}

func (n *named) close() {
	if n == nil {
		return
	}
	if n.server != nil {
		n.server.Close()
	}
	n.name.Close()
}

// leave starts a launcher in the background, and waits until its container has begun.
func (o *runOptions) leave() error {
	if o.name == "" {
		o.name = "c" + rand.Text()[:8]
	}
	begun, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer begun.Close()
	defer theirs.Close()
	said, err := os.CreateTemp("", "vkernel-")
	if err != nil {
		return err
	}
	defer said.Close()
	os.Remove(said.Name()) //nolint:errcheck // it is a temporary file
	cmd := exec.Command("/proc/self/exe", append([]string{"run", "--detached", "3", "--name", o.name}, os.Args[2:]...)...)
	cmd.Stderr, cmd.ExtraFiles = said, []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	theirs.Close()
	word, err := io.ReadAll(begun)
	if err == nil && len(word) > 0 {
		_, err = fmt.Fprintln(o.std.out, o.name)
		return err
	}
	err = cmd.Wait()
	if _, e := said.Seek(0, io.SeekStart); e == nil {
		io.Copy(o.std.err, said) //nolint:errcheck // the status says it too
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &statusError{status: exit.ExitCode()}
	}
	return err
}

// background makes the streams of a detached launcher: no input, and output to the file that was named.
func (o *runOptions) background() (*os.File, error) {
	syscall.CloseOnExec(o.ready)
	to := os.DevNull
	if o.output != "" {
		to = o.output
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	o.std = stdio{nil, out, out}
	return out, nil
}

// begun tells who has started this launcher in the background that the container has begun, and lets go of
// what it was told by.
func (o *runOptions) begun() {
	if o.ready == 0 {
		return
	}
	ready := os.NewFile(uintptr(o.ready), "ready")
	ready.Write([]byte{1}) //nolint:errcheck // who has started it may be gone
	ready.Close()
	if out, ok := o.std.out.(*os.File); ok {
		syscall.Dup3(int(out.Fd()), 2, 0) //nolint:errcheck // messages are then lost
	}
}
