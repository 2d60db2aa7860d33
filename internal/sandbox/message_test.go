package sandbox

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What a side has sent before it ended arrives, whether or not it had read what was sent to it.
func TestLastMessage(t *testing.T) {
	for _, unread := range []int{0, 1, 5} {
		ours, file, err := connPair()
		must(t, err)
		fd, err := dup(file)
		must(t, err)
		theirs := newConn(fd)
		file.Close()
		for range unread {
			must(t, ours.send(message{Kind: kindNote, Text: "unread"}))
		}
		must(t, theirs.send(message{Kind: kindExit, Code: 7}))
		theirs.close()
		if m, _, err := ours.receive(); err != nil || m.Code != 7 {
			t.Errorf("with %d messages unread: %+v, %v", unread, m, err)
		}
		if _, _, err := ours.receive(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("then: %v", err)
		}
		ours.close()
	}
}

// Descriptors are passed with a message; a message that is too large is not sent.
func TestMessages(t *testing.T) {
	ours, file, err := connPair()
	must(t, err)
	defer ours.close()
	fd, err := dup(file)
	must(t, err)
	theirs := newConn(fd)
	file.Close()
	defer theirs.close()
	must(t, ours.hand(kindStart, &Start{Dir: "/x"}))
	m, files, err := theirs.receive()
	must(t, err)
	if m.Kind != kindStart || len(files) != 1 {
		t.Fatalf("%+v with %d descriptors", m, len(files))
	}
	var s Start
	if err := readMemory(files[0], &s); err != nil || s.Dir != "/x" {
		t.Errorf("%+v, %v", s, err)
	}
	if err := ours.send(message{Kind: kindNote, Text: strings.Repeat("x", maxMessage)}); err == nil {
		t.Error("a message of any size was sent")
	}
	if _, err := theirs.File.Write([]byte("{}x")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ours.receive(); err == nil {
		t.Error("what is no message was taken for one")
	}
}

func dup(f *os.File) (int, error) { return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0) }
