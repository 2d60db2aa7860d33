package manifest

import (
	"strings"
	"testing"
)

func TestCold(t *testing.T) {
	w := &Warm{Env: []string{"PYTHON*", "TZ"}, Args: []string{"-R", "-X*", "--cold"}}
	for _, tt := range []struct{ argv, env, want string }{
		{"python3", "PATH=/bin HOME=/", ""},
		{"python3 -c pass", "PATH=/bin", ""},
		{"-R", "", ""},
		{"python3 -R", "", "-R"},
		{"python3 -IR x", "", "-IR"},
		{"python3 --R", "", ""},
		{"python3 x -Xdev", "", "-Xdev"},
		{"python3 --cold", "", "--cold"},
		{"python3 --colder", "", ""},
		{"python3", "PYTHONHASHSEED=0", "PYTHONHASHSEED"},
		{"python3", "TZ", "TZ"},
		{"python3", "TZX=1", ""},
		{"", "", ""},
	} {
		if got := w.Cold(strings.Fields(tt.argv), strings.Fields(tt.env)); got != tt.want {
			t.Errorf("%q with %q: %q, want %q", tt.argv, tt.env, got, tt.want)
		}
	}
}
