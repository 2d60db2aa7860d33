package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"vkernel/internal/kernel"
	"vkernel/internal/linux"
)

// live starts a sandbox whose first process waits for a line, and gives what ends it.
func liveSandbox(t *testing.T) (s *Sandbox, finish func() kernel.Status) {
	t.Helper()
	s = start(t, Config{Bundle: guestBundle(t), Processes: 20})
	in, hold := io.Pipe()
	started := make(chan struct{})
	type end struct {
		status kernel.Status
		err    error
	}
	ended := make(chan end, 1)
	go func() {
		st, err := s.Run(t.Context(), Run{
			Command: []string{"/bin/sh", "-c", "read line; exit 3"}, Env: []string{"PATH=/bin"}, Dir: "/",
			Streams: Streams{In: in}, Started: func() { close(started) },
		})
		ended <- end{st, err}
	}()
	select {
	case <-started:
	case e := <-ended:
		t.Fatal(e)
	}
	return s, func() kernel.Status {
		hold.Close()
		e := <-ended
		must(t, e.err)
		return e.status
	}
}

// exec runs a script in a container that runs, and gives what it printed.
func execScript(t *testing.T, s *Sandbox, script, input string) (string, kernel.Status, error) {
	t.Helper()
	in, inW, err := os.Pipe()
	must(t, err)
	outR, out, err := os.Pipe()
	must(t, err)
	defer outR.Close()
	j := Job{Start: Start{Command: []string{"sh", "-c", script}, Env: []string{"PATH=/bin"}, Dir: "/", Stderr: true, Relayed: true}}
	j.Files = []*os.File{in, out, out}
	j.Begun = func(int) { in.Close(); out.Close() }
	j.Input = func() {
		io.WriteString(inW, input) //nolint:errcheck // the test sees what arrives
		inW.Close()
	}
	printed := make(chan string)
	go func() {
		text, _ := io.ReadAll(outR)
		printed <- string(text)
	}()
	status, err := s.Exec(t.Context(), j)
	if err != nil {
		in.Close()
		out.Close()
	}
	return <-printed, status, err
}

func TestExecInSandbox(t *testing.T) {
	s, finish := liveSandbox(t)
	text, status, err := execScript(t, s, "echo out; cat; echo err >&2; exit 9", "typed\n")
	if err != nil || status.Code != 9 || text != "out\ntyped\nerr\n" {
		t.Errorf("%q, %+v, %v", text, status, err)
	}
	_, status, err = execScript(t, s, "kill -KILL $$", "")
	if err != nil || status.Signal != linux.SIGKILL {
		t.Errorf("%+v, %v", status, err)
	}
	big := strings.Repeat("0123456789abcdef", 1<<16)
	if text, _, err = execScript(t, s, "cat", big); err != nil || text != big {
		t.Errorf("%d bytes of %d, %v", len(text), len(big), err)
	}
	list, err := s.Processes(t.Context())
	if err != nil || len(list) != 1 || list[0].PID != 1 || list[0].Name != "sh" {
		t.Errorf("%+v, %v", list, err)
	}
	if st := finish(); st.Code != 3 {
		t.Errorf("%+v", st)
	}
	if _, err := s.Processes(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
}

// In a pause nothing runs, and what comes from outside comes after it.
func TestPauseSandbox(t *testing.T) {
	s, finish := liveSandbox(t)
	if err := s.Resume(t.Context()); err == nil {
		t.Error("resumed what was not paused")
	}
	must(t, s.Pause(t.Context()))
	if err := s.Pause(t.Context()); err == nil || err.Error() != errPaused.Error() {
		t.Errorf("paused twice: %v", err)
	}
	if _, _, err := execScript(t, s, "echo", ""); err == nil || err.Error() != errPaused.Error() {
		t.Errorf("exec in a pause: %v", err)
	}
	s.Signal(linux.SIGTERM) // which does not keep the sandbox from reading on
	if list, err := s.Processes(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	must(t, s.Resume(t.Context()))
	if st := finish(); st.Signal != linux.SIGTERM && st.Code != 3 {
		t.Errorf("%+v", st)
	}
}

// A container that is paused can be killed.
func TestKillPaused(t *testing.T) {
	s := start(t, Config{Bundle: guestBundle(t), Processes: 20})
	ctx, kill := context.WithCancel(t.Context())
	started := make(chan struct{})
	ended := make(chan kernel.Status, 1)
	go func() {
		st, err := s.Run(ctx, Run{Command: []string{"/bin/sleep", "1000"}, Env: []string{"PATH=/bin"}, Dir: "/", Started: func() { close(started) }})
		if err != nil {
			t.Error(err)
		}
		ended <- st
	}()
	<-started
	must(t, s.Pause(t.Context()))
	kill()
	inTime(t, "kill", func() {
		if st := <-ended; st.Signal != linux.SIGKILL {
			t.Errorf("%+v", st)
		}
	})
}

// When nobody waits for a process any more, it is hung up.
func TestExecHangup(t *testing.T) {
	s, finish := liveSandbox(t)
	defer finish()
	out, w, err := os.Pipe()
	must(t, err)
	null, err := os.Open(os.DevNull)
	must(t, err)
	defer null.Close()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	j := Job{
		Start: Start{Command: []string{"sh", "-c", "trap 'echo hung up; exit' HUP; echo ready; while :; do sleep 0.01; done"}, Env: []string{"PATH=/bin"}, Dir: "/", Stderr: true},
		Files: []*os.File{null, w, w}, Begun: func(int) { w.Close() },
	}
	ended := make(chan error, 1)
	go func() {
		_, err := s.Exec(ctx, j)
		ended <- err
	}()
	var text bytes.Buffer
	buf := make([]byte, 100)
	for {
		n, err := out.Read(buf)
		text.Write(buf[:n])
		if err != nil {
			break
		}
		if strings.Contains(text.String(), "ready") {
			leave()
		}
	}
	if err := <-ended; !errors.Is(err, context.Canceled) || text.String() != "ready\nhung up\n" {
		t.Errorf("%v, %q", err, &text)
	}
}

// A launcher bounds what it keeps of an answer, and drops what nobody has asked for.
func TestHostileAnswers(t *testing.T) {
	s := &Sandbox{}
	q := &question{answer: make(chan answer, 1), begun: func(int) {}}
	s.asked.open = map[uint64]*question{1: q}
	piece := message{Kind: kindAnswer, ID: 1, Data: make([]byte, maxMessage), More: true}
	for range maxAnswer/maxMessage + 10 {
		s.answered(&piece)
	}
	if a := <-q.answer; a.err == nil {
		t.Error("an answer of any size was kept")
	}
	for _, m := range []message{{Kind: kindAnswer, ID: 1}, {Kind: kindBegun, ID: 1}, {Kind: kindInput, ID: 1}, {Kind: kindAnswer, ID: 7, More: true}} {
		s.answered(&m)
	}
	s.unanswered()
	if _, err := s.Processes(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	c, theirs, err := connPair()
	must(t, err)
	defer theirs.Close()
	silent := &Sandbox{conn: c, started: true}
	if err := silent.Pause(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one that does not answer: %v", err)
	}
}
