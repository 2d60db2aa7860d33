package sandbox

import (
	"errors"
	"os"
	"testing"

	"vkernel/internal/packet"
)

// TestLastWords: what a process has said before it ended is heard, although it left something
// unread that was said to it meanwhile.
func TestLastWords(t *testing.T) {
	ours, file, err := connPair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.close()
	theirs := &conn{&packet.Conn{File: file}}
	if err := ours.send(message{Kind: kindNote, Text: "unread"}); err != nil {
		t.Fatal(err)
	}
	if err := theirs.send(message{Kind: kindExit, Code: 7}); err != nil {
		t.Fatal(err)
	}
	theirs.close()
	if m, _, err := ours.receive(); err != nil || m.Kind != kindExit || m.Code != 7 {
		t.Errorf("%+v, %v", m, err)
	}
	if m, _, err := ours.receive(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after the last message: %+v, %v", m, err)
	}
}
