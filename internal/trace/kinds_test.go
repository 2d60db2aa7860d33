package trace

import (
	"testing"

	"vkernel/internal/signal"
	"vkernel/internal/syscalls"
	"vkernel/internal/wasi"
)

// TestKinds: every kind in the table of calls has a formatter.
func TestKinds(t *testing.T) {
	calls := map[string]string{}
	for _, c := range syscalls.Table {
		calls[c.Name] = c.Args
	}
	for _, c := range wasi.Table {
		calls[c.Name] = c.Args
	}
	for name, kinds := range calls {
		for _, a := range parseKinds(kinds) {
			if a.kind != "" && before[a.kind] == nil && after[a.kind] == nil {
				t.Errorf("%s: kind %q has no formatter", name, a.kind)
			}
			if before[a.kind] != nil && after[a.kind] != nil {
				t.Errorf("kind %q has two formatters", a.kind)
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
