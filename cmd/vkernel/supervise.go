package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/kernel"
	"vkernel/internal/linux"
)

// Patience with a container that was sent a signal from outside.
const (
	graceTime = 5 * time.Second // for its first process to act on the signal
	killTime  = 5 * time.Second // for the kernel to end when everything was killed
)

// container is what supervise needs of a kernel.
type container interface {
	Signal(sig linux.Signal)
	Resize(rows, columns uint16)
	Stop()     // all of it, until
	Continue() // which does nothing if it was not stopped
}

// supervise runs a container and passes on what happens outside: the size of the window,
// and signals that would end vkernel. The first such signal goes to the container's first
// process; after graceTime, or at a second signal, everything is killed.
func supervise(ctx context.Context, k container, t *terminal, run func(context.Context) (kernel.Status, error)) (int, error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE) // a closed output is the guest's SIGPIPE, not ours
	defer signal.Stop(broken)
	stops := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGTSTP) {
		signal.Notify(stops, syscall.SIGTSTP)
		defer signal.Stop(stops)
	}
	if t != nil {
		defer t.watchSize(k.Resize)()
	}
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	result := make(chan outcome, 1)
	go func() {
		s, err := run(ctx)
		result <- outcome{s, err}
	}()
	var first syscall.Signal // that came from outside
	var grace <-chan time.Time
	for {
		select {
		case r := <-result:
			if r.err == nil && first != 0 && ctx.Err() != nil {
				return exitSignalled + int(first), nil
			}
			return r.status.ExitCode(), r.err
		case sig := <-signals:
			if first == 0 {
				first = sig.(syscall.Signal)
				k.Signal(linux.Signal(first))
				grace = time.After(graceTime)
				continue
			}
			kill()
			go giveUp(t, first)
		case <-stops: // the sandbox is not in the terminal's process group
			k.Stop()
			stopHere()
			k.Continue()
		case <-grace:
			kill()
			go giveUp(t, first)
		}
	}
}

// stopHere stops this process, and returns when it goes on. The signal goes to the calling thread,
// which so stops before it returns: another one would leave it time to go on first.
func stopHere() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGSTOP) //nolint:errcheck // always possible
}

// outcome is what a run returns.
type outcome struct {
	status kernel.Status
	err    error
}

// giveUp ends the process if the kernel does not end although everything was killed.
func giveUp(t *terminal, sig syscall.Signal) {
	time.Sleep(killTime)
	t.restore()
	os.Exit(exitSignalled + int(sig))
}
