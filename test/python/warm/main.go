// Command warm runs commands around python3 in two containers, in one where each starts cold and in one where they start
// from a warm image if they may, and compares output, exit status and environment seen.
//
//	warm -bundle BUNDLE [-every N] [-v]
//
// The commands are those of cases.txt; tell.py tells all that a program can find of how it was started.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

//go:embed cases.txt
var casesText string

//go:embed frames.txt
var framesText string

//go:embed tell.py
var tell []byte

//go:embed setup.sh
var setup []byte

//go:embed run.sh
var runScript []byte

func main() {
	vkernel := flag.String("vkernel", "out/vkernel", "the program")
	bundle := flag.String("bundle", "out/python.vk", "bundle with python3")
	every := flag.Int("every", 1, "run only each so manyth command")
	verbose := flag.Bool("v", false, "print what differs whole")
	flag.Parse()
	if err := compare(*vkernel, *bundle, commands(*every), *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "warm:", err)
		os.Exit(1)
	}
}

// commands lists what is run.
func commands(every int) (list []string) {
	frames := strings.Split(strings.TrimSpace(framesText), "\n")
	var all []string
	for _, line := range strings.Split(casesText, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		command, framed := strings.CutPrefix(line, "@")
		all = append(all, command)
		for _, frame := range frames {
			if framed {
				all = append(all, strings.ReplaceAll(frame, "%s", command))
			}
		}
	}
	for i, command := range all {
		if i%every == 0 {
			list = append(list, command)
		}
	}
	return list
}

func compare(vkernel, bundle string, list []string, verbose bool) error {
	dir, err := os.MkdirTemp("", "warm")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files := map[string][]byte{"tell.py": tell, "setup.sh": setup, "run.sh": runScript}
	for i, command := range list {
		files[filepath.Join("commands", strconv.Itoa(i))] = []byte(command + "\n")
	}
	for name, data := range files {
		path := filepath.Join(dir, "mnt", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	outcome := map[string][]string{}
	starts := map[string]int{}
	for _, how := range []string{"cold", "warm"} {
		audit := filepath.Join(dir, how)
		cmd := exec.Command(vkernel, "run", "--audit", audit, "--log", filepath.Join(dir, "log"), "-v", filepath.Join(dir, "mnt")+":/mnt:ro", bundle, "/bin/sh", "/mnt/run.sh", how)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", how, err)
		}
		outcome[how] = split(out.String(), len(list))
		if starts[how], err = warmStarts(audit); err != nil {
			return err
		}
	}
	if starts["cold"] != 0 || starts["warm"] < len(list)/2 {
		return fmt.Errorf("of %d commands, starts that were warm: %d in the cold container, %d in the warm one", len(list), starts["cold"], starts["warm"])
	}
	bad := 0
	for i, command := range list {
		if cold, warm := outcome["cold"][i], outcome["warm"][i]; cold != warm || cold == "" {
			bad++
			fmt.Printf("%s\n%s", command, difference(cold, warm, verbose))
		}
	}
	fmt.Printf("%d commands, %d differ; %d starts were warm\n", len(list), bad, starts["warm"])
	if bad > 0 {
		return fmt.Errorf("%d of %d commands differ", bad, len(list))
	}
	return nil
}

// varying is what differs from run to run: addresses and ids.
var varying = regexp.MustCompile(`0x[0-9a-f]{5,}|/tmp/tmp\w+|\b(pid|native_id)[= ]\d+|'_': '[^']*'`)

// split cuts the output into those of the commands.
func split(out string, n int) []string {
	list := make([]string, n)
	for _, part := range strings.Split("\n"+out, "\n== ")[1:] {
		number, _, _ := strings.Cut(part, " ")
		if i, err := strconv.Atoi(number); err == nil && i < n {
			list[i] = varying.ReplaceAllString(part, "*")
		}
	}
	return list
}

// warmStarts counts the records of warm starts.
func warmStarts(path string) (n int, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for _, line := range bytes.Split(data, []byte("\n")) {
		var record struct {
			Warm bool `json:"warm"`
		}
		if len(line) > 0 && json.Unmarshal(line, &record) == nil && record.Warm {
			n++
		}
	}
	return n, nil
}

// difference shows where two outputs part.
func difference(cold, warm string, whole bool) string {
	if whole {
		return fmt.Sprintf("--- cold\n%s\n--- warm\n%s\n", cold, warm)
	}
	a, b := strings.Split(cold, "\n"), strings.Split(warm, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) {
			return fmt.Sprintf("  one has %d lines, the other %d\n", len(a), len(b))
		}
		if a[i] == b[i] {
			continue
		}
		at := 0
		for at < min(len(a[i]), len(b[i])) && a[i][at] == b[i][at] {
			at++
		}
		from := max(0, at-60)
		return fmt.Sprintf("  cold: %.300s\n  warm: %.300s\n", a[i][from:], b[i][from:])
	}
	return ""
}
