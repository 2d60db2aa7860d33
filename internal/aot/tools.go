package aot

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tools are the programs that build, and the version of the compiler.
type tools struct {
	clang, lld, objcopy string
	version             string // of clang
	memory              int    // KiB that a compiler may use
}

// findTools makes sure that all tools are there before any work is done.
func findTools(ctx context.Context, o *Options) (tools, error) {
	t := tools{memory: memoryLimit(o.Jobs)}
	for _, f := range []struct {
		name string
		path *string
	}{{o.Clang, &t.clang}, {o.LLD, &t.lld}, {o.Objcopy, &t.objcopy}} {
		path, err := exec.LookPath(f.name)
		if err != nil {
			return t, fmt.Errorf("%s is not installed: %w", f.name, err)
		}
		*f.path = path
	}
	out, err := exec.CommandContext(ctx, t.clang, "--version").Output()
	if err != nil {
		return t, fmt.Errorf("%s --version: %w", t.clang, err)
	}
	t.version, _, _ = strings.Cut(string(out), "\n")
	return t, nil
}

// memoryLimit is the limit in KiB for one of a number of compilers that run at a time.
func memoryLimit(jobs int) int {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return memoryKiB
	}
	total := info.Totalram * uint64(info.Unit) >> 10
	return int(max(leastMemory, min(memoryKiB, total/uint64(jobs))))
}

// maxOutput bounds how much of a tool's complaint goes into an error.
const maxOutput = 8 << 10

// run runs a tool in a folder, with limits on its time and memory, and at a low priority.
func (t *tools) run(ctx context.Context, dir, tool string, args ...string) error {
	_, err := t.runFor(ctx, cpuSeconds, dir, tool, args...)
	return err
}

// runFor is run with a limit of its own on CPU time; it says how much of it was used.
func (t *tools) runFor(ctx context.Context, seconds int, dir, tool string, args ...string) (time.Duration, error) {
	memory := memoryKiB
	if tool == t.clang {
		memory = t.memory
	}
	script := "ulimit -t " + strconv.Itoa(seconds) + "; ulimit -v " + strconv.Itoa(memory) + `; exec nice -n 5 "$@"`
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", script, "sh", tool}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TMPDIR=" + dir}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	used := time.Duration(0)
	if cmd.ProcessState != nil {
		used = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	if err == nil {
		return used, nil
	}
	if ctx.Err() != nil {
		return used, ctx.Err()
	}
	text := bytes.TrimSpace(out.Bytes())
	if len(text) > maxOutput {
		text = text[:maxOutput]
	}
	return used, fmt.Errorf("%s: %w (limits: %d s of CPU, %d MiB)\n%s", tool, err, seconds, memory>>10, text)
}
