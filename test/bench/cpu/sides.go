package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// sideNames are what can be measured, in the order of columns. The second is what the others
// are compared with.
var sideNames = []string{"vkernel", "clang", "gcc", "wasm2c", "v8", "wasmtime", "wazero"}

const baseline = "clang"

// side runs a workload and gives what the measured program printed.
type side struct {
	name string
	run  func(w *workload) ([]byte, error)
}

func newSides(dir, vkernel, bundle string, names []string) ([]side, error) {
	var sides []side
	for _, name := range names {
		if !slices.Contains(sideNames, name) {
			return nil, fmt.Errorf("unknown side %q; there are %s", name, strings.Join(sideNames, ", "))
		}
		s := side{name: name}
		switch name {
		case "vkernel":
			s.run = onVKernel(vkernel, bundle, filepath.Join(dir, "data"))
		case "clang", "gcc":
			s.run = onNative(filepath.Join(dir, name), filepath.Join(dir, "data"))
		case "wasm2c":
			s.run = onPeer(dir, "scalar", name)
		default:
			s.run = onPeer(dir, "wasm", name)
		}
		sides = append(sides, s)
	}
	return sides, nil
}

// arguments are those of the measuring program.
func arguments(w *workload, root, data string) []string {
	if w.kernel() {
		return []string{"kernel", w.name, strconv.Itoa(w.samples)}
	}
	args := []string{"program", strconv.Itoa(w.samples), root + w.program[0]}
	return append(args, programArguments(w, data)...)
}

func programArguments(w *workload, data string) []string {
	var args []string
	for _, a := range w.program[1:] {
		args = append(args, strings.Replace(a, "DATA", data, 1))
	}
	return args
}

func output(name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, errors.Bytes())
	}
	return out, nil
}

func onNative(root, data string) func(*workload) ([]byte, error) {
	return func(w *workload) ([]byte, error) {
		return output(filepath.Join(root, "bin/cpu"), arguments(w, root, data)...)
	}
}

func onVKernel(vkernel, bundle, data string) func(*workload) ([]byte, error) {
	return func(w *workload) ([]byte, error) {
		args := []string{"run", "-v", data + ":/data:ro", bundle, "/bin/cpu"}
		return output(vkernel, append(args, arguments(w, "", "/data")...)...)
	}
}

// onPeer runs a module of root in another engine.
func onPeer(dir, root, engine string) func(*workload) ([]byte, error) {
	return func(w *workload) ([]byte, error) {
		scratch := filepath.Join(dir, "scratch")
		if err := os.MkdirAll(scratch, 0o755); err != nil {
			return nil, err
		}
		args := []string{"-engine", engine, "-scratch", scratch}
		if w.kernel() {
			args = append(args, "-pass", filepath.Join(dir, root, "bin/cpu"))
			args = append(args, arguments(w, "", "")...)
		} else {
			args = append(args, "-runs", strconv.Itoa(w.samples), filepath.Join(dir, root, w.program[0]))
			args = append(args, programArguments(w, filepath.Join(dir, "data"))...)
		}
		return output(filepath.Join(dir, "peers"), args...)
	}
}
