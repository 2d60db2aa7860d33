package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vkernel/internal/audit"
	"vkernel/internal/trust"
)

// A spare is sealed before it is known what it will run, and another is there after it.
func TestSpare(t *testing.T) {
	spare := NewSpare(Config{Bundle: guestBundle(t), Processes: 10})
	defer spare.Close()
	pids := map[int]bool{}
	for i := range 3 {
		s, err := spare.Take()
		must(t, err)
		pids[s.PID()] = true
		if out, _ := shell(t, s, fmt.Sprint("echo ", i)); out != fmt.Sprint(i) {
			t.Errorf("printed %q", out)
		}
		s.Close()
	}
	if len(pids) != 3 {
		t.Errorf("processes %v: each container has its own", pids)
	}
	spare.Close()
	if _, err := spare.Take(); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Two containers of one digest map the same pages of code, and neither has any of its own. Where the launcher that is
// asked has no processor for some milliseconds, the other one does not wait: so there are several tries.
func TestSharedPages(t *testing.T) {
	const tries = 50
	for range tries {
		if a, b := mapped(t), mapped(t); a == b {
			return
		}
	}
	t.Errorf("the code is two files in memory, %d times", tries)
}

// mapped gives the inode of the code of a new container.
func mapped(t *testing.T) string {
	s := start(t, Config{Bundle: guestBundle(t), Processes: 10}) // opened by itself, as by another launcher
	_, err := s.Wait()
	must(t, err)
	smaps, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", s.PID()))
	must(t, err)
	inode, private := codeMapping(t, string(smaps))
	if private != "0" {
		t.Errorf("%s kB of the code are private", private)
	}
	return inode
}

// codeMapping finds the executable mapping of a memory file, its inode, and how many kilobytes
// of it are private and dirty.
func codeMapping(t *testing.T, smaps string) (inode, private string) {
	t.Helper()
	found := false
	for line := range strings.Lines(smaps) {
		f := strings.Fields(line)
		switch {
		case len(f) > 5 && f[1] == "r-xp" && strings.Contains(line, "/memfd:"):
			inode, found = f[4], true
		case found && f[0] == "Private_Dirty:":
			return inode, f[1]
		}
	}
	t.Fatalf("no code is mapped from memory:\n%s", smaps)
	return "", ""
}

// records keeps what was decided.
type records struct{ list []audit.Record }

func (r *records) Decided(a audit.Record) { r.list = append(r.list, a) }

// What is decided in the sandbox is told to the launcher, and what the launcher revokes is not
// started any more, before the start and while it runs.
func TestAuditAndRevocation(t *testing.T) {
	b := guestBundle(t)
	s := start(t, Config{Bundle: b, Processes: 10})
	var told records
	var out output
	in, enter := newLine(t)
	go func() {
		for !strings.Contains(out.text(), "ready") {
			time.Sleep(time.Millisecond)
		}
		s.Revoke(trust.Update{Reason: "the test says so"})
		time.Sleep(50 * time.Millisecond)
		enter("go")
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := s.Run(ctx, Run{
		Command: []string{"/bin/sh", "-c", "ls / >/dev/null && echo ready; read x; ls /"}, Env: []string{"PATH=/bin"}, Dir: "/",
		Streams: Streams{In: in, Out: &out, Err: &out}, Audit: &told,
	})
	must(t, err)
	if n := len(told.list); n < 3 || !told.list[0].Allowed() || told.list[n-1].Reason != "revoked" {
		t.Errorf("decided: %+v", told.list)
	}
	if !strings.Contains(out.text(), "ermission denied") {
		t.Errorf("printed %q", out.text())
	}
	again := start(t, Config{Bundle: b, Processes: 10})
	again.Revoke(trust.Update{Reason: "the test says so"})
	if _, err := again.Run(ctx, Run{Command: []string{"/bin/sh"}, Dir: "/"}); err == nil {
		t.Error("what was revoked before the start was started")
	}
}

// output is what a container has printed so far.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// newLine is a pipe to type lines into.
func newLine(t *testing.T) (*os.File, func(string)) {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, func(s string) { fmt.Fprintln(w, s) }
}

// A launcher that dies takes its sandbox with it: it ends when the socket does.
func TestLauncherIsGone(t *testing.T) {
	s := start(t, Config{Bundle: guestBundle(t), Processes: 10})
	_, err := s.Wait()
	must(t, err)
	s.conn.close()
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		t.Error("the sandbox lives on")
	}
}
