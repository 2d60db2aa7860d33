package manifest

import (
	"strings"
	"testing"
)

func TestCold(t *testing.T) {
	w := &Warm{Env: []string{"PYTHON*", "TZ", "LANG=C"}, Args: []string{"-R", "-X*", "--cold"}}
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
		{"python3", "LANG=C", "LANG"},
		{"python3", "LANG=C.UTF-8 LANG", ""},
		{"", "", ""},
	} {
		if got := w.Cold(strings.Fields(tt.argv), strings.Fields(tt.env)); got != tt.want {
			t.Errorf("%q with %q: %q, want %q", tt.argv, tt.env, got, tt.want)
		}
	}
}

// TestParseWarm: what a module says of itself is taken as strictly as what is in a manifest.
func TestParseWarm(t *testing.T) {
	if w, err := ParseWarm([]byte(`{"env": ["PYTHON*", "LANG=C"], "args": ["-R"]}`)); err != nil || len(w.Env) != 2 || len(w.Args) != 1 {
		t.Errorf("%+v, %v", w, err)
	}
	for text, want := range map[string]string{
		"": "EOF", "[]": "cannot unmarshal", `{"environ": []}`: "unknown field", `{} {}`: "more than one", `{"args": ["R"]}`: "vkernel.warm.args[0]: malformed", `{"env": ["="]}`: "malformed",
	} {
		if _, err := ParseWarm([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want ...%s...", text, err, want)
		}
	}
}
