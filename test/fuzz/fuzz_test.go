package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vkernel/test/fuzz/gen"
)

var duration = flag.Duration("long", 40*time.Second, "how long to try fixed seeds")

// TestSeeds tries the same seeds each time, as many as there is time for.
func TestSeeds(t *testing.T) {
	f := &fuzzer{}
	const batch = 16
	for end, seed := time.Now().Add(*duration), uint64(1); time.Now().Before(end); seed += batch {
		cases := make([]*testCase, batch)
		for i := range cases {
			cases[i] = newCase(seed+uint64(i), features)
		}
		tryAll(t, f, cases)
	}
	t.Log(f)
	if f.modules == 0 || f.calls == 0 || f.exits == 0 || f.copies == 0 {
		t.Error("nothing was tried")
	}
}

// TestFinds tries the modules on which the engines once differed; a name says why.
func TestFinds(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.wasm")
	if err != nil {
		t.Fatal(err)
	}
	f := &fuzzer{}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".wasm"), func(t *testing.T) {
			code, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			m, err := gen.Describe(code)
			if err != nil {
				t.Fatal(err)
			}
			c := caseOf(0, m)
			if tryAll(t, f, []*testCase{c}); c.refused != "" {
				t.Error(c.refused)
			}
		})
	}
}

// TestWazero tries modules on which wazero is wrong: vkernel and V8 agree. A name says what wazero does; one that
// passes has been mended there, and should go.
func TestWazero(t *testing.T) {
	paths, err := filepath.Glob("testdata/wazero/*.wasm")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	_, noV8 := exec.LookPath("node")
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".wasm"), func(t *testing.T) {
			code, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			m, err := gen.Describe(code)
			if err != nil {
				t.Fatal(err)
			}
			c := caseOf(0, m)
			if err := (&fuzzer{}).try([]*testCase{c}); err != nil {
				t.Fatal(err)
			}
			switch {
			case c.find+c.apart+c.refused == "":
				t.Error("wazero does the same now")
			case noV8 == nil && c.apart == "":
				t.Errorf("V8 does not agree with vkernel: %s%s", c.find, c.refused)
			}
			if name := strings.TrimSuffix(filepath.Base(path), ".wasm"); c.apart != "" && !strings.HasPrefix(c.apart, name+": ") {
				t.Errorf("a known defect, %s, is not recognised: %s", name, c.apart)
			}
		})
	}
}

func tryAll(t *testing.T, f *fuzzer, cases []*testCase) {
	t.Helper()
	if err := f.try(cases); err != nil {
		t.Fatalf("seeds from %d: %v", cases[0].seed, err)
	}
	for _, c := range cases {
		if c.find != "" {
			t.Errorf("seed %d: %s\nagain: go run ./test/fuzz -one -seed %d", c.seed, c.find, c.seed)
		}
		if c.apart != "" {
			f.apart++
			t.Logf("seed %d: wazero alone: %s", c.seed, c.apart)
		}
		if c.refused != "" {
			f.refused++
			t.Errorf("seed %d: %s", c.seed, c.refused)
		}
	}
}
