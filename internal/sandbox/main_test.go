package sandbox

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
)

// The tests' own program is launcher and sandbox, as vkernel is: a process that the
// constructor has made a sandbox runs Main with the hooks of the tests.
func TestMain(m *testing.M) {
	if !Entered() {
		built.dir = sync.OnceValue(func() string {
			dir, err := os.MkdirTemp("", "sandbox")
			if err == nil {
				err = os.Chmod(dir, 0o755)
			}
			if err != nil {
				panic(err)
			}
			return dir
		})
		status := m.Run()
		if os.Getenv("VKERNEL_GUESTS") != "" {
			os.RemoveAll(built.dir())
		}
		os.Exit(status)
	}
	var h hooks
	if name := os.Getenv("ATTEMPT"); name != "" {
		a, ok := attempts[name]
		if !ok {
			a.try = furtherAttempts[name]
		}
		try := func(*conn) {
			fmt.Fprintln(os.Stderr, result(a.try()))
			exit(0)
		}
		if os.Getenv("SEALED") == "" {
			h.loaded = try
		} else {
			h.sealed = try
		}
	}
	if name := os.Getenv("HOSTILE"); name != "" {
		h.sealed = hostile[name]
	}
	exit(serve(h))
}

// exit ends a sandbox process without the second's sleep that the race detector puts there.
func exit(status int) { syscall.RawSyscall(syscall.SYS_EXIT_GROUP, uintptr(status), 0, 0) }

func result(err error) string {
	if err == nil {
		return "done"
	}
	return err.Error()
}
