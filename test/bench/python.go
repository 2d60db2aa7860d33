package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// What it costs to start python3 in a container, from its warm image and cold, beside Debian's python3.11 natively. The
// same script starts it on both sides (python.py), in a python3 of that side.

//go:embed python.py
var pythonScript string

// pythons are the rows: time of a start until its end is known. spawn_rate_python is the time by start, all processors
// starting at once.
var pythons = []benchmark{
	{"python_c_pass", 5, 100},
	{"python_c_pass_cold", 5, 20},
	{"python_import_json_re_http", 5, 60},
	{"python_import_json_re_http_cold", 5, 10},
	{"spawn_rate_python", 5, 200},
}

const nativePython = "/usr/bin/python3.11"

// onPython starts the script on vkernel or natively.
func onPython(vkernel, bundle, key string) (ours, theirs start) {
	ours = func(args ...string) *exec.Cmd {
		all := []string{"run", "--processes", "20000", "-e", "BENCH_PYTHON=/usr/bin/python3", "-e", "BENCH_WARM=1"}
		if key != "" {
			all = append(all, "--key", key)
		}
		return exec.Command(vkernel, append(append(all, bundle, "/usr/bin/python3", "-c", pythonScript), args...)...)
	}
	theirs = func(args ...string) *exec.Cmd {
		cmd := exec.Command(nativePython, append([]string{"-c", pythonScript}, args...)...)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/root", "BENCH_PYTHON=" + nativePython}
		return cmd
	}
	return ours, theirs
}

// measurePython adds the rows if there is a bundle with python3 ('make python').
func measurePython(vkernel, bundle, key string, wanted func(string) bool, add func(Result, string)) error {
	if _, err := os.Stat(bundle); err != nil {
		return nil
	}
	ours, theirs := onPython(vkernel, bundle, key)
	run := func(s start) side {
		return func(name string, samples int) ([]byte, error) {
			cmd := s(name, strconv.Itoa(samples))
			cmd.Stderr = os.Stderr
			return cmd.Output()
		}
	}
	for _, b := range pythons {
		if !wanted(b.name) {
			continue
		}
		r, err := measure(b, run(ours), run(theirs))
		if err != nil {
			return err
		}
		add(r, "")
	}
	if name := "idle_python_rss"; wanted(name) {
		r, err := idle{name: name, count: 1000, command: "idle"}.measure(ours, theirs)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		add(r, "   (bytes a process, of 1,000)")
	}
	return nil
}
