package sandbox

import (
	"strings"
	"testing"
	"time"
)

// A process whose bundle is refused after it was started ends by itself when the launcher lets go of it,
// without a word.
func TestBegin(t *testing.T) {
	s, err := Begin(Config{Bundle: guestBundle(t), Processes: 10})
	must(t, err)
	defer s.Close()
	s.conn.close()
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		t.Fatal("it is still there")
	}
	if state := s.cmd.ProcessState; !state.Success() || s.crash.text() != "" {
		t.Errorf("%s: %s", state, s.crash.text())
	}
}

// What is not a bundle to load is no container.
func TestBeginOther(t *testing.T) {
	s, err := Begin(Config{Bundle: guestBundle(t), Processes: 10})
	must(t, err)
	defer s.Close()
	must(t, s.conn.hand(kindStart, &Start{}))
	if _, err := s.Wait(); err == nil || !strings.Contains(err.Error(), "expected what to load") {
		t.Error(err)
	}
}
