package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

const (
	testVkernel = "../../out/vkernel"
	testBundle  = "../../out/conformance.vk"
)

// TestSuite is the suite with shorter races. `make conformance RACES=N` repeats them more often.
func TestSuite(t *testing.T) {
	for _, file := range []string{testVkernel, filepath.Join(testBundle, "manifest.json")} {
		if _, err := os.Stat(file); err != nil {
			t.Skipf("%v: make out/conformance.vk/manifest.json", err)
		}
	}
	s, err := newSuite(options{vkernel: testVkernel, bundle: testBundle, races: 300, jobs: runtime.NumCPU(), match: regexp.MustCompile("")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	results := s.run(t.Context(), s.selected())
	if len(results) < 120 {
		t.Errorf("%d cases, expected at least 120", len(results))
	}
	if passed(results) != len(results) {
		var b strings.Builder
		report(&b, results)
		t.Error(b.String())
	}
}

// TestSummary: a case fails by a mark as by a wrong errno, and both are counted.
func TestSummary(t *testing.T) {
	results := []result{
		{Class: "a", Name: "one", Passed: true},
		{Class: "a", Name: "two", Executed: []string{"EVIL"}},
		{Class: "b", Name: "three", Executed: []string{"EVIL", "EVIL"}, Wrong: []string{"errno 0"}},
	}
	s := summarise(results)
	if s.Passed != 1 || s.Failed != 2 || len(s.Classes) != 2 || s.Classes[0].Cases != 2 || s.Classes[0].Executed != 1 ||
		s.Classes[0].Wrong != 0 || s.Classes[1].Executed != 1 || s.Classes[1].Wrong != 1 {
		t.Errorf("%+v", s)
	}
	var b strings.Builder
	report(&b, results)
	if !strings.HasSuffix(b.String(), "\n1 passed, 2 failed\n") {
		t.Errorf("the report ends with %q", b.String())
	}
}

// TestMarks: a mark is found whatever its file is called, and an empty one is one, too.
func TestMarks(t *testing.T) {
	for name, content := range map[string]string{"executed": "EVIL\n", "other": "", "words": "EVIL by interp\n"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := (&trial{marks: dir}).executed(); len(got) != 1 {
			t.Errorf("a mark %q of %q is seen as %q", name, content, got)
		}
	}
	if got := (&trial{marks: t.TempDir()}).executed(); len(got) != 0 {
		t.Errorf("no mark is seen as %q", got)
	}
}

// TestChecksAreFound: every check that can be switched off in the sources has a case that is
// looked at first.
func TestChecksAreFound(t *testing.T) {
	names, err := checks("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 30 {
		t.Errorf("%d checks can be switched off, expected at least 30: %q", len(names), names)
	}
	for _, n := range names {
		area, check, ok := strings.Cut(n, ".")
		if !ok || check == "" || areas[area] == nil {
			t.Errorf("check %q is of no area that mutate.go knows", n)
		}
	}
}

// TestNothingToSwitchOff: the program that is shipped holds no name of a check, nor of the variable.
func TestNothingToSwitchOff(t *testing.T) {
	data, err := os.ReadFile(testVkernel)
	if err != nil {
		t.Skip(err)
	}
	names, err := checks("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "VKERNEL_MUTANT") {
		if !strings.ContainsAny(name, "-_") { // Go's own names look like that
			continue
		}
		if bytes.Contains(data, []byte(name)) {
			t.Errorf("%s contains %q", testVkernel, name)
		}
	}
}
