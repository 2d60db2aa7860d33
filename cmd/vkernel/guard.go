package main

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// guardCommand is the hidden command that a run starts beside itself while it holds the
// terminal in raw mode. It sets the terminal's modes back if run ends without doing so:
// a crash of the Go runtime or SIGKILL leaves no other chance.
func guardCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "terminal-guard",
		Hidden: true,
		Args:   args(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTTOU, syscall.SIGTTIN)
			state, err := term.GetState(guardTerminal)
			if err != nil {
				return err
			}
			if _, err := os.NewFile(guardReady, "ready").Write([]byte{1}); err != nil {
				return err
			}
			word, err := io.ReadAll(os.NewFile(guardAlive, "alive"))
			if err == nil && len(word) > 0 {
				return nil // run has restored it
			}
			return term.Restore(guardTerminal, state)
		},
	}
}

// Descriptors of the guard.
const (
	guardTerminal = 0
	guardAlive    = 3 // pipe from run: a byte is all well, an end without one is not
	guardReady    = 4 // pipe to run: a byte says that the modes have been read
)

// guard is the running guard.
type guard struct {
	cmd   *exec.Cmd
	alive *os.File
}

// startGuard starts the guard of a terminal that is still in its normal modes.
func startGuard(tty *os.File) (*guard, error) {
	aliveR, aliveW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer aliveR.Close()
	readyR, readyW, err := os.Pipe()
	if err != nil {
		aliveW.Close()
		return nil, err
	}
	defer readyR.Close()
	cmd := exec.Command("/proc/self/exe", "terminal-guard")
	cmd.Stdin = tty
	cmd.ExtraFiles = []*os.File{aliveR, readyW}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	readyW.Close()
	if err == nil {
		_, err = readyR.Read(make([]byte, 1))
	}
	if err != nil {
		aliveW.Close()
		return nil, err
	}
	return &guard{cmd, aliveW}, nil
}

// stop tells the guard that all is well.
func (g *guard) stop() {
	if g == nil {
		return
	}
	g.alive.Write([]byte{1}) //nolint:errcheck // a guard that is gone needs no word
	g.alive.Close()
	g.cmd.Wait() //nolint:errcheck // its status says nothing
}
