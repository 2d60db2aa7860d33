package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vkernel/internal/bundle"
	"vkernel/internal/control"
	"vkernel/internal/kernel"
	"vkernel/internal/manifest"
	"vkernel/internal/sandbox"
)

// named is the name of a container, and who serves requests about it; nil if it has none.
type named struct {
	name   *control.Name
	server *control.Server
}

// addNameFlags adds those of a container that others find by a name, or that runs in the background.
func (o *runOptions) addNameFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "`NAME` by which other commands find the container")
	f.BoolVarP(&o.detach, "detach", "d", false, "leave the container in the background")
	f.StringVar(&o.output, "output", "", "append what a detached container prints to `FILE` (default: it is thrown away)")
	f.IntVar(&o.ready, "detached", 0, "")
	f.MarkHidden("detached") //nolint:errcheck // it exists
}

// launch runs the container, in the background if that is asked for, and gives its status as an error.
func (o *runOptions) launch(ctx context.Context) error {
	if err := o.checkNamed(); err != nil {
		return &statusError{exitUsage, err}
	}
	if o.detach && o.ready == 0 {
		return o.leave()
	}
	if o.ready != 0 {
		out, err := o.background()
		if err != nil {
			return &statusError{exitRefused, err}
		}
		defer out.Close()
	}
	status, err := o.run(ctx)
	if err != nil {
		return &statusError{refusal(err), err}
	}
	if status != 0 {
		return &statusError{status: status}
	}
	return nil
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
func (n *named) serve(o *runOptions, b *bundle.Bundle, s *sandbox.Sandbox, kill func(), terminal bool) (started func(), err error) {
	if n == nil {
		return o.begun, nil
	}
	i, err := o.info(b, terminal)
	if err != nil {
		return nil, err
	}
	n.server, err = n.name.Serve(control.Config{Container: s, Remove: kill, Info: i})
	return o.begun, err
}

// info is what others are told of the container.
func (o *runOptions) info(b *bundle.Bundle, terminal bool) (i control.Info, err error) {
	var id [16]byte
	rand.Read(id[:])
	i = control.Info{
		Bundle: b.Dir, Manifest: manifest.Sum(b.ManifestBytes()).String(), Code: b.Native.SHA256.String(), CPU: strings.Join(b.Native.Features, ","),
		Command: o.command, Started: time.Now(), ID: hex.EncodeToString(id[:]), Memory: uint64(o.memory),
		Settings: control.Settings{
			Terminal: terminal, Hostname: o.hostname, Memory: int64(o.memory), Disk: int64(o.disk), Processes: o.processes,
			Offline: o.offline,
		},
	}
	if len(i.Command) == 0 {
		i.Command = b.Manifest.Command
	}
	if i.Memory == 0 {
		i.Memory = kernel.DefaultMemory()
	}
	if i.Bundle, err = filepath.Abs(b.Dir); err != nil {
		return i, err
	}
	if i.CPU == "" {
		i.CPU = "any"
	}
	for _, v := range o.volumes {
		host, guest, _ := strings.Cut(v, ":")
		if host, err = filepath.Abs(host); err != nil {
			return i, err
		}
		i.Settings.Volumes = append(i.Settings.Volumes, host+":"+guest)
	}
	i.Settings.Command = i.Command
	if i.Settings.Flags, err = o.inherited(); err != nil {
		return i, err
	}
	o.again.describe(&i)
	return i, nil
}

// inherited are the flags that a copy's launcher gets: whom to trust, and where to log.
func (o *runOptions) inherited() (flags []string, err error) {
	file := func(flag, name string) {
		if name == "" {
			return
		}
		abs, e := filepath.Abs(name)
		err = errors.Join(err, e)
		flags = append(flags, flag, abs)
	}
	for _, k := range o.trust.keys {
		file("--key", k)
	}
	file("--trust", o.trust.policy)
	file("--log", o.logFile)
	file("--audit", o.auditFile)
	if o.privateCode {
		flags = append(flags, "--private-code")
	}
	return flags, err
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

// leave starts this command again in the background, and waits until its container has begun.
func (o *runOptions) leave() error {
	if o.name == "" {
		o.name = "c" + strings.ToLower(rand.Text()[:8])
	}
	args := append([]string{os.Args[1], "--detached", "3", "--name", o.name}, os.Args[2:]...)
	if err := startLauncher(o.std.err, args, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintln(o.std.out, o.name)
	return err
}

// startLauncher starts a launcher in the background, with further descriptors from 4 on, and waits until its container has
// begun. What it says if that fails goes to messages.
func startLauncher(messages io.Writer, args []string, files []*os.File) error {
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
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stderr, cmd.ExtraFiles = said, append([]*os.File{theirs}, files...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	theirs.Close()
	word, err := io.ReadAll(begun)
	if err == nil && len(word) > 0 {
		return nil
	}
	err = cmd.Wait()
	if _, e := said.Seek(0, io.SeekStart); e == nil {
		io.Copy(messages, said) //nolint:errcheck // the status says it too
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
