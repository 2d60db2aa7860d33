package busybox_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// result is what the suite says of one case.
type result string

const (
	missing result = "" // its script did not get that far
	pass    result = "PASS"
)

func (r result) String() string {
	if r == missing {
		return "not run"
	}
	return string(r)
}

// parse reads the output of runtest: a line "RESULT: NAME" for each case. A name that
// comes again gets a number, since scripts are not careful about that.
func parse(applet, output string) map[string]result {
	results := map[string]result{}
	for line := range strings.Lines(output) {
		word, name, ok := strings.Cut(strings.TrimSpace(line), ": ")
		switch word {
		case "PASS", "FAIL", "SKIPPED", "UNTESTED":
		default:
			continue
		}
		if !ok {
			continue
		}
		key := applet + ": " + name
		for n := 2; results[key] != missing; n++ {
			key = fmt.Sprintf("%s: %s (%d)", applet, name, n)
		}
		results[key] = result(word)
	}
	return results
}

// readKnown reads the list of cases that do not pass: a line each, with the cause behind a
// tab. Lines that start with # are comments.
func readKnown(file string) (map[string]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	known := map[string]string{}
	sc := bufio.NewScanner(f)
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		c, cause, _ := strings.Cut(line, "\t")
		if cause == "" {
			return nil, fmt.Errorf("%s:%d: want: case, a tab, its cause", file, n)
		}
		if known[c] != "" {
			return nil, fmt.Errorf("%s:%d: %s is there twice", file, n, c)
		}
		known[c] = cause
	}
	return known, sc.Err()
}

func TestParse(t *testing.T) {
	got := parse("cat", "PASS: a\nnoise\nFAIL: a\nSKIPPED: b: c\nPASS: a\n")
	want := map[string]result{"cat: a": pass, "cat: a (2)": "FAIL", "cat: a (3)": pass, "cat: b: c": "SKIPPED"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
