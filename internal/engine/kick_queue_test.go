package engine

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// queuedSignals reads how many signals the host keeps for the user.
func queuedSignals(t *testing.T) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "SigQ:")
	if !ok {
		t.Skip("the host does not tell how many signals are queued")
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(rest), "%d/", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestKickQueuesOne kicks an instance whose thread does not take signals for a while, as one that
// the host does not run: many kicks are one signal, since the host's limit is one for all
// processes of a user.
func TestKickQueuesOne(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	ready, done := make(chan bool), make(chan bool)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its mask
		var set unix.Sigset_t
		set.Val[0] = 1 << (kickSignal - 1)
		unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)
		atomic.StoreUint32(&i.save().tid, uint32(unix.Gettid()))
		ready <- true
		<-done
		atomic.StoreUint32(&i.save().tid, 0)
		unix.PthreadSigmask(unix.SIG_UNBLOCK, &set, nil)
		ready <- true
	}()
	<-ready
	before := queuedSignals(t)
	for range 2000 {
		i.Kick()
	}
	after := queuedSignals(t)
	done <- true
	<-ready
	if n := after - before; n > 1000 {
		t.Errorf("2000 kicks queued %d signals", n)
	}
}
