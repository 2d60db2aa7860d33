package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// What an idle process costs: bench starts many, all blocked in a read, and waits; meanwhile the
// host's books are read. Counted for both sides: the proportional set size (PSS) of all
// processes of the host that belong to the side, their page tables, and a kernel stack for each of
// their threads. For vkernel that is its whole host process, with the kernel's own heap and
// stacks. What the side costs without any idle process is taken off.

// kernelStack is what Linux gives each thread on x86-64.
const kernelStack = 16 << 10

// idleFor is how long all processes have waited before the books are read: on both sides what is left of the start is
// given back by then.
const idleFor = 3 * time.Second

// idles are the rows. The native program is static with musl, as in all other rows, or with
// the C library that most static programs have. In the last row all have mapped, and read, one file of 200 MB in
// memory: a process's part of it is 210 KB, and its page tables 400 KiB.
var idles = []idle{
	{"idle_1000", 1000, "idle", "idle"},
	{"idle_1000_glibc", 1000, "idle_glibc", "idle"},
	{"idle_10000", 10000, "idle", "idle"},
	{"mmap_shared_1000", 1000, "idle", "mapped"},
}

type idle struct {
	name    string
	count   int
	native  string // the file
	command string // of bench
}

// start runs the measured program on one side with its output to read from.
type start func(args ...string) *exec.Cmd

func (b idle) measure(vkernel, native start) (Result, error) {
	r := Result{Name: b.name, Unit: "bytes", Samples: 1}
	like := func(args ...string) *exec.Cmd {
		cmd := native(args...)
		dir := filepath.Dir(cmd.Path)
		cmd.Env = append(cmd.Env, "BENCH_IDLE="+filepath.Join(dir, b.native), "BENCH_MAPPED="+filepath.Join(dir, "mapped"), "BENCH_DIR=/dev/shm")
		return cmd
	}
	for _, s := range []struct {
		run start
		to  *float64
	}{{vkernel, &r.VKernel}, {like, &r.Native}} {
		empty, err := idleBytes(s.run, "idle", 0)
		if err != nil {
			return r, err
		}
		full, err := idleBytes(s.run, b.command, b.count)
		if err != nil {
			return r, err
		}
		*s.to = float64(full-empty) / float64(b.count)
	}
	r.Ratio = r.VKernel / r.Native
	return r, nil
}

// idleBytes is what a side uses with count idle processes.
func idleBytes(run start, command string, count int) (n int64, err error) {
	cmd := run(command, strconv.Itoa(count))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		time.Sleep(idleFor)
		n, err = treeBytes(cmd.Process.Pid)
	}
	in.Close()
	_, _ = io.Copy(io.Discard, out)
	if e := cmd.Wait(); err == nil && e != nil {
		err = e
	}
	if err != nil {
		return 0, fmt.Errorf("%d idle processes (%q): %w", count, line, err)
	}
	return n, nil
}

// treeBytes sums up what a process of the host and its descendants use.
func treeBytes(root int) (sum int64, err error) {
	children, err := parents()
	if err != nil {
		return 0, err
	}
	for list := []int{root}; len(list) > 0; list = list[1:] {
		n, err := processBytes(list[0])
		if err != nil {
			return 0, err
		}
		sum += n
		list = append(list, children[list[0]]...)
	}
	return sum, nil
}

// parents lists the children of every process of the host.
func parents() (map[int][]int, error) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, path := range all {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		pid, err1 := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, err2 := strconv.Atoi(fields[1])
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("%s: %q", path, b)
		}
		children[parent] = append(children[parent], pid)
	}
	return children, nil
}

func processBytes(pid int) (int64, error) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	pss, err := field(dir+"smaps_rollup", "Pss")
	if err != nil {
		return 0, err
	}
	tables, err := field(dir+"status", "VmPTE")
	if err != nil {
		return 0, err
	}
	threads, err := field(dir+"status", "Threads")
	return (pss+tables)<<10 + threads*kernelStack, err
}

// field is the number after NAME: in a file of /proc.
func field(path, name string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strconv.ParseInt(strings.Fields(value)[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s: no %s", path, name)
}
