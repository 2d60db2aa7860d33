package sandbox

import (
	"fmt"
	"strings"
	"testing"

	"vkernel/internal/manifest"
)

// A process whose bundle is refused after it was started ends by itself when the launcher lets go of it,
// without a word, also if it was refused after the list of its files had been verified.
func TestBegin(t *testing.T) {
	for _, prepare := range []bool{false, true} {
		t.Run(fmt.Sprint(prepare), func(t *testing.T) { refusedLate(t, prepare) })
	}
}

func refusedLate(t *testing.T, prepare bool) {
	s, err := Begin(Config{Bundle: guestBundle(t), Processes: 10})
	must(t, err)
	defer s.Close()
	if prepare {
		must(t, s.Prepare())
	}
	s.conn.close()
	<-s.ended
	if state := s.cmd.ProcessState; !state.Success() || strings.Contains(s.crash.text(), "expected") {
		t.Errorf("%s: %s", state, s.crash.text())
	}
}

// What is not a bundle to load is no container.
func TestBeginOther(t *testing.T) {
	s, err := Begin(Config{Bundle: guestBundle(t), Processes: 10})
	must(t, err)
	defer s.Close()
	must(t, s.conn.hand(kindStart, &Start{}))
	if _, err := s.Wait(); err == nil || !strings.Contains(err.Error(), `expected a message "prepare"`) {
		t.Error(err)
	}
}

// Nothing starts before there is code.
func TestPreparedOnly(t *testing.T) {
	s, err := Begin(Config{Bundle: guestBundle(t), Processes: 10})
	must(t, err)
	defer s.Close()
	must(t, s.Prepare())
	must(t, s.conn.hand(kindStart, &Start{}))
	if _, err := s.Wait(); err == nil || !strings.Contains(err.Error(), `expected a message "load"`) {
		t.Error(err)
	}
}

// The file that is executed first is found as the walk of a path would find it, or not at all.
func TestFileAt(t *testing.T) {
	sum := manifest.Sum(nil)
	root, err := manifest.NewRoot([]manifest.Node{
		{Path: "/bin", Type: manifest.TypeDir, Mode: 0o755},
		{Path: "/bin/box", Type: manifest.TypeFile, Mode: 0o755, SHA256: &sum},
		{Path: "/bin/echo", Type: manifest.TypeLink, Mode: 0o777, Target: "box"},
		{Path: "/bin/loop", Type: manifest.TypeLink, Mode: 0o777, Target: "loop"},
		{Path: "/bin/up", Type: manifest.TypeLink, Mode: 0o777, Target: "../../bin/echo"},
		{Path: "/start", Type: manifest.TypeLink, Mode: 0o777, Target: "/bin/echo"},
	})
	must(t, err)
	for name, want := range map[string]string{
		"/bin/box": "/bin/box", "/bin/echo": "/bin/box", "/start": "/bin/box", "/bin/up": "/bin/box",
		"/bin": "", "/bin/loop": "", "/bin/none": "", "echo": "", "": "",
	} {
		got := ""
		if n := fileAt(root, name); n != nil {
			got = n.Path
		}
		if got != want {
			t.Errorf("%s: %q, expected %q", name, got, want)
		}
	}
}
