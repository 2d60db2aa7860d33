package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"vkernel/internal/bundle"
	"vkernel/internal/sandbox"
	"vkernel/internal/signature"
	"vkernel/internal/trust"
)

// What it costs to start a container: from the start of `vkernel run` to the first byte that
// its first program writes, beside the same program started on the native kernel. With a spare,
// the sandbox process is there and sealed, and the time begins when it is taken.

const startRounds = 60

// measureStart measures both rows.
func measureStart(name string, run func(...string) *exec.Cmd, native *exec.Cmd, spare *sandbox.Spare) (Result, error) {
	r := Result{Name: name, Unit: "ns", Samples: startRounds}
	var ours, theirs []float64
	for range startRounds {
		ns, err := firstByte(&exec.Cmd{Path: native.Path, Args: native.Args, Env: native.Env}, false)
		if err != nil {
			return r, fmt.Errorf("%s on native: %w", name, err)
		}
		theirs = append(theirs, ns)
		if spare != nil {
			ns, err = fromSpare(spare)
		} else {
			cmd := run()
			ns, err = firstByte(cmd, slices.Contains(cmd.Args, "--strace"))
		}
		if err != nil {
			return r, fmt.Errorf("%s on vkernel: %w", name, err)
		}
		ours = append(ours, ns)
	}
	r.VKernel, r.Native = median(ours), median(theirs)
	r.Ratio = r.VKernel / r.Native
	return r, nil
}

// firstByte is the time from the start of a command to its first output; with a trace, to the first line of that: the
// first program's first system call, some hundred instructions after its first.
func firstByte(cmd *exec.Cmd, traced bool) (float64, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	if traced {
		cmd.Stdout, cmd.Stderr = nil, w
	}
	begin := time.Now()
	err = cmd.Start()
	w.Close()
	if err != nil {
		return 0, err
	}
	_, err = r.Read(make([]byte, 1))
	took := float64(time.Since(begin))
	io.Copy(io.Discard, r) //nolint:errcheck // the rest
	return took, errors.Join(err, cmd.Wait())
}

// fromSpare is the same for a sandbox that was made before.
func fromSpare(spare *sandbox.Spare) (float64, error) {
	time.Sleep(50 * time.Millisecond) // until there is one
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	defer w.Close()
	ended := make(chan error, 1)
	begin := time.Now()
	s, err := spare.Take()
	if err != nil {
		return 0, err
	}
	defer s.Close()
	go func() {
		_, err := s.Run(context.Background(), sandbox.Run{
			Command: []string{"/bin/echo", "x"}, Dir: "/", Streams: sandbox.Streams{Out: w, Err: os.Stderr},
		})
		ended <- err
	}()
	_, err = r.Read(make([]byte, 1))
	took := float64(time.Since(begin))
	return took, errors.Join(err, <-ended)
}

// newSpare opens the bundle for the benchmark itself. Its signature was checked by vkernel, in
// the row before: here any key will do.
func newSpare(dir string) (*sandbox.Spare, func(), error) {
	spare, _, done, err := spareOf(dir)
	return spare, done, err
}

// spareOf is newSpare, and gives the bundle.
func spareOf(dir string) (*sandbox.Spare, *bundle.Bundle, func(), error) {
	signer, err := signature.Generate(signature.Ed25519)
	if err != nil {
		return nil, nil, nil, err
	}
	copied, err := os.MkdirTemp("", "vkbench")
	if err != nil {
		return nil, nil, nil, err
	}
	remove := func() { os.RemoveAll(copied) }
	b, err := openCopy(dir, copied, signer)
	if err != nil {
		remove()
		return nil, nil, nil, err
	}
	spare := sandbox.NewSpare(sandbox.Config{Bundle: b, Processes: 100})
	return spare, b, func() { spare.Close(); b.Close(); remove() }, nil
}

// openCopy opens the bundle with a signature of ours.
func openCopy(dir, to string, signer signature.Signer) (*bundle.Bundle, error) {
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(to, "manifest.json"))
	if err != nil {
		return nil, err
	}
	sig, err := signer.Sign(text)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(to, "manifest.json.sig"), sig, 0o600); err != nil {
		return nil, err
	}
	return bundle.Open(to, trust.Keys(1, signer.Key))
}

// measureStarts adds the rows of starting a container.
func measureStarts(vkernel, dir, key, native string, wanted func(string) bool, add func(Result)) error {
	echo := exec.Command(filepath.Join(native, "bin", "echo"), "x")
	run := func(flags ...string) *exec.Cmd {
		args := append([]string{"run"}, flags...)
		if key != "" {
			args = append(args, "--key", key)
		}
		return exec.Command(vkernel, append(args, dir, "/bin/echo", "x")...)
	}
	if name := "container_start"; wanted(name) {
		r, err := measureStart(name, run, echo, nil)
		if err != nil {
			return err
		}
		add(r)
	}
	if name := "container_first_call"; wanted(name) {
		r, err := measureStart(name, func(...string) *exec.Cmd { return run("--strace") }, echo, nil)
		if err != nil {
			return err
		}
		add(r)
	}
	if name := "container_spare"; wanted(name) {
		spare, done, err := newSpare(dir)
		if err != nil {
			return err
		}
		defer done()
		r, err := measureStart(name, run, echo, spare)
		if err != nil {
			return err
		}
		add(r)
	}
	return nil
}
