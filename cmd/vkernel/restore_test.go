package main

import (
	"slices"
	"testing"

	"vkernel/internal/control"
)

// A container that was run without connections to outside has none when it is restored or copied, either.
func TestOfflineStays(t *testing.T) {
	for _, c := range []struct{ was, asked, want bool }{{false, false, false}, {true, false, true}, {false, true, true}} {
		o := runOptions{offline: c.asked, again: &again{settings: control.Settings{Processes: 1, Offline: c.was}}}
		if err := o.adopt(); err != nil {
			t.Fatal(err)
		}
		if o.offline != c.want {
			t.Errorf("was %v, asked for %v: %v", c.was, c.asked, o.offline)
		}
	}
}

func TestReplaceVolumes(t *testing.T) {
	had := []string{"/home/a:/src:ro", "/var/b:/data"}
	for _, c := range []struct {
		given     []string
		travelled bool
		want      []string // nil: an error
	}{
		{nil, false, had},
		{[]string{"/c:/data/"}, false, []string{"/home/a:/src:ro", "/c:/data/"}},
		{[]string{"/c:/elsewhere"}, false, nil},
		{nil, true, nil}, // a signer of another machine names directories of this one
		{[]string{"/c:/data"}, true, nil},
		{[]string{"/c:/data", "/d:/src"}, true, []string{"/d:/src", "/c:/data"}},
	} {
		got, err := replaceVolumes(had, c.given, c.travelled)
		if (err == nil) != (c.want != nil) || err == nil && !slices.Equal(got, c.want) {
			t.Errorf("%v %v: %v, %v", c.given, c.travelled, got, err)
		}
	}
}
