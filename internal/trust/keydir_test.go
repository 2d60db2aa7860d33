package trust

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// A directory of keys that others can write to trusts nobody.
func TestKeyDirOfOthers(t *testing.T) {
	s := Source{KeyDir: t.TempDir()}
	for mode, want := range map[os.FileMode]string{0o777: "can be written by others", 0o770: "can be written by others", 0o755: "no key"} {
		if err := os.Chmod(s.KeyDir, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(s.KeyDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(s.KeyDir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(); err == nil || !strings.Contains(err.Error(), "belongs to user 65534") {
			// root trusts nobody else's directory
			t.Errorf("of another user: %v", err)
		}
	}
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := (Source{File: open + "/trust.json", Optional: true, KeyDir: open + "/trust"}).Load(); err == nil || !strings.Contains(err.Error(), "can be written by others") {
		t.Errorf("with an open configuration directory: %v", err)
	}
	var none *NoKeyError
	if _, err := (Source{KeyDir: s.KeyDir + "/none"}).Load(); !errors.As(err, &none) {
		t.Errorf("without a directory: %v", err)
	}
}
