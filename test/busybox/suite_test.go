// Package busybox_test runs busybox's own test suite on Linux and on vkernel.
//
// Both run the same version with the same configuration; each applet's tests run in a
// container of their own, where the suite lies in /suite as in the source tree. What passes
// on Linux has to pass on vkernel, but for the cases of known.txt, which says why not.
package busybox_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vkernel/test/oracle"
)

const limit = 240 * time.Second // for the tests of one applet

var container = oracle.Container{
	Native: "out/busybox-suite/native",
	Bundle: "out/busybox-suite.vk",
	Env:    []string{"PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/root", "TZ=UTC0", "LC_ALL=C", "SKIP_INTERNET_TESTS=1"},
	Dir:    "/suite/testsuite",
}

// skipped applets are not run on either side.
var skipped = map[string]string{
	"wget":           "needs the Internet",
	"mount.testroot": "files of a test, not tests",
}

func TestSuite(t *testing.T) {
	known, err := readKnown("known.txt")
	if err != nil {
		t.Fatal(err)
	}
	linux, vkernel := runSuite(t)
	passing, passed := 0, 0
	for c, result := range linux {
		if result != pass {
			continue
		}
		passing++
		ours := vkernel[c]
		if ours == pass {
			passed++
		}
		cause, listed := known[c]
		switch {
		case ours == pass && listed:
			t.Errorf("%s passes: take it out of known.txt (%s)", c, cause)
		case ours != pass && !listed:
			t.Errorf("%s passes on Linux; on vkernel: %s", c, ours)
		}
	}
	for c := range known {
		if linux[c] != pass {
			t.Errorf("known.txt: %s does not pass on Linux: %s", c, linux[c])
		}
	}
	t.Logf("of %d cases, %d pass on Linux; %d of these on vkernel", len(linux), passing, passed)
	if passing < 500 {
		t.Errorf("only %d cases pass on Linux", passing)
	}
	if passed*100 < passing*95 {
		t.Errorf("%d of %d pass: fewer than 95 %%", passed, passing)
	}
}

// runSuite runs the tests of all applets on both sides.
func runSuite(t *testing.T) (linux, vkernel map[string]result) {
	sides := []struct {
		name    string
		run     func(testing.TB, time.Duration, ...string) oracle.Result
		results map[string]result
	}{
		{"linux", container.OnLinux, map[string]result{}},
		{"vkernel", container.OnVKernel, map[string]result{}},
	}
	var mu sync.Mutex // guards the results
	t.Run("applets", func(t *testing.T) {
		for _, applet := range applets(t) {
			for _, side := range sides {
				t.Run(applet+"/"+side.name, func(t *testing.T) {
					t.Parallel()
					r := side.run(t, limit, "/bin/sh", "./runtest", applet)
					if r.TimedOut {
						t.Logf("no end within %v", limit)
					}
					mu.Lock()
					defer mu.Unlock()
					maps.Copy(side.results, parse(applet, r.Stdout))
				})
			}
		}
	})
	return sides[0].results, sides[1].results
}

// TestSides holds that one side runs native programs, the other WebAssembly.
func TestSides(t *testing.T) {
	command := []string{"/bin/sh", "-c", "dd if=/bin/busybox bs=4 count=1 2>/dev/null"}
	if got := container.OnLinux(t, limit, command...).Stdout; got != "\x7fELF" {
		t.Errorf("busybox on Linux starts with %q", got)
	}
	if got := container.OnVKernel(t, limit, command...).Stdout; got != "\x00asm" {
		t.Errorf("busybox on vkernel starts with %q", got)
	}
}

// applets lists what has tests: a file NAME.tests, or a folder of them.
func applets(t *testing.T) []string {
	dir := filepath.Join(oracle.Built(t, container.Native), "suite/testsuite")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		name, isTests := strings.CutSuffix(e.Name(), ".tests")
		if skipped[name] == "" && (isTests || e.IsDir()) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if i := slices.Index(list, "bc"); i > 0 {
		list[0], list[i] = list[i], list[0] // it takes the longest: it starts first
	}
	return list
}
