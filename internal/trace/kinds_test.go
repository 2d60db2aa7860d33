package trace

import (
	"strings"
	"testing"

	"vkernel/internal/signal"
	"vkernel/internal/syscalls"
)

// TestKinds: every kind in the table of calls has a formatter.
func TestKinds(t *testing.T) {
	for _, c := range syscalls.Table {
		for _, k := range strings.Fields(c.Args) {
			if before[k] == nil && after[k] == nil {
				t.Errorf("%s: kind %q has no formatter", c.Name, k)
			}
			if before[k] != nil && after[k] != nil {
				t.Errorf("kind %q has two formatters", k)
			}
		}
	}
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{openFlags(0), "O_RDONLY"},
		{openFlags(0o2000101 | 0o1000), "O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC"},
		{flags(accessModes, 0), "F_OK"},
		{flags(accessModes, 6), "R_OK|W_OK"},
		{flags(atFlags, 0x100|0x80000000), "AT_SYMLINK_NOFOLLOW|0x80000000"},
		{flags(atFlags, 0), "0"},
		{setText(1<<1 | 1<<16), "[INT CHLD]"},
		{setText(^signal.Set(1 << 1)), "~[INT]"},
		{name(whences, 9), "0x9"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
}
