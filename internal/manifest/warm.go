package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Warm says when a program may start from a warm image, which is a copy of it that was frozen when
// it was ready to look at its arguments.
type Warm struct {
	// Env are names of environment variables whose value the program looks at before that: if one is
	// set, it starts cold. A name that ends with * stands for all that begin so. NAME=VALUE is that value only.
	Env []string `json:"env,omitzero"`
	// Args are options that it looks at before that: if it is given one, it starts cold. "-R" is found
	// among joined ones ("-IR"), too; one that ends with * stands for all that begin so.
	Args []string `json:"args,omitzero"`
}

// WarmSection is the custom section of a module in which a program that calls vkernel.ready says when it may
// start warm: JSON of a Warm. 'vkernel build' copies it into the program's entry.
const WarmSection = "vkernel.warm"

// ParseWarm reads what a module says.
func ParseWarm(data []byte) (*Warm, error) {
	w := &Warm{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(w); err != nil {
		return nil, fmt.Errorf("section %s: %w", WarmSection, err)
	}
	if d.More() {
		return nil, fmt.Errorf("section %s: more than one value", WarmSection)
	}
	return w, w.check(WarmSection)
}

// maxWarm bounds the lists.
const maxWarm = 256

func (w *Warm) check(field string) error {
	if w == nil {
		return nil
	}
	for _, list := range []struct {
		name string
		all  []string
		ok   func(string) bool
	}{
		{"env", w.Env, func(s string) bool { return s != "" && s[0] != '=' && !strings.Contains(s, "\x00") }},
		{"args", w.Args, func(s string) bool { return len(s) > 1 && s[0] == '-' && !strings.Contains(s, "\x00") }},
	} {
		if len(list.all) > maxWarm {
			return fieldError(field+"."+list.name, "%d of them, the limit is %d", len(list.all), maxWarm)
		}
		for i, s := range list.all {
			at := fmt.Sprintf("%s.%s[%d]", field, list.name, i)
			switch {
			case len(s) > 128 || !list.ok(strings.TrimSuffix(s, "*")):
				return fieldError(at, "malformed: %q", s)
			case slices.Contains(list.all[:i], s):
				return fieldError(at, "%q is given twice", s)
			}
		}
	}
	return nil
}

// Cold names the argument or variable because of which a program is not to start warm; empty if
// there is none.
func (w *Warm) Cold(argv, env []string) string {
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if slices.ContainsFunc(w.Env, func(pattern string) bool {
			if strings.Contains(pattern, "=") {
				return fits(pattern, v)
			}
			return fits(pattern, name)
		}) {
			return name
		}
	}
	for _, arg := range argv[min(1, len(argv)):] {
		if slices.ContainsFunc(w.Args, func(pattern string) bool { return fits(pattern, arg) || joined(pattern, arg) }) {
			return arg
		}
	}
	return ""
}

func fits(pattern, s string) bool {
	if start, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(s, start)
	}
	return s == pattern
}

// joined tells whether arg may be several one-letter options of which one is the pattern's.
func joined(pattern, arg string) bool {
	return len(pattern) == 2 && len(arg) > 1 && arg[0] == '-' && arg[1] != '-' && strings.IndexByte(arg, pattern[1]) > 0
}
