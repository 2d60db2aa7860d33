// Command python runs files of CPython's own test suite on Linux and on vkernel, each file in a
// process and a container of its own, and compares them file by file.
//
//	python -native DIR -bundle BUNDLE -tests LIB/test [-out FILE] [FILE...]
//
// Native is a root directory with the same python3.11, built from the same source with the same
// configuration. A file counts if it passes there. Its output is one line a file that differs or
// fails, and the sums; -v prints what the failed ones said. The exit status is 1 if a file that
// passes natively fails on vkernel and is not in the list of the known (known.txt), or the other way about.
package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed known.txt
var knownText string

type options struct {
	native, bundle, tests, vkernel string
	timeout                        time.Duration
	verbose                        bool
}

// outcome of one file on one side.
type outcome string

const (
	passed  outcome = "passed"
	skipped outcome = "skipped"
	failed  outcome = "failed"
	hung    outcome = "hung"
)

// result is what became of one file.
type result struct {
	name            string
	native, vkernel outcome
	nativeTime      time.Duration
	vkernelTime     time.Duration
	said            []byte // by the one on vkernel
}

func main() {
	var o options
	flag.StringVar(&o.native, "native", "out/python/native", "root directory with the native python3.11")
	flag.StringVar(&o.bundle, "bundle", "out/python.vk", "bundle with python3.11")
	flag.StringVar(&o.tests, "tests", "out/src/python/Lib/test", "the folder of the test suite")
	flag.StringVar(&o.vkernel, "vkernel", "out/vkernel", "the program")
	flag.DurationVar(&o.timeout, "timeout", 3*time.Minute, "for one file on one side")
	flag.BoolVar(&o.verbose, "v", false, "print what failed files said")
	jobs := flag.Int("j", 2, "files at a time")
	out := flag.String("out", "", "write a line per file")
	flag.Parse()
	names := flag.Args()
	good, err := compare(o, names, *jobs, *out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "python:", err)
		os.Exit(2)
	}
	if !good {
		os.Exit(1)
	}
}

// compare runs the files, all if there are none, and reports whether all is as known.
func compare(o options, names []string, jobs int, out string) (bool, error) {
	if len(names) == 0 {
		var err error
		if names, err = allFiles(o.tests); err != nil {
			return false, err
		}
	}
	installed, err := os.MkdirTemp("", "pynative")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(installed)
	if err := o.install(installed); err != nil {
		return false, err
	}
	o.native = installed
	results := runAll(o, names, jobs)
	if out != "" {
		var text bytes.Buffer
		for _, r := range results {
			fmt.Fprintf(&text, "%-32s %-8s %6.1f s  %-8s %6.1f s\n", r.name, r.native, r.nativeTime.Seconds(), r.vkernel, r.vkernelTime.Seconds())
		}
		if err := os.WriteFile(out, text.Bytes(), 0o644); err != nil {
			return false, err
		}
	}
	return report(o, results), nil
}

// allFiles lists the files and folders of tests.
func allFiles(dir string) ([]string, error) {
	matches, err := filepath.Glob(filepath.Join(dir, "test_*"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range matches {
		name := strings.TrimSuffix(filepath.Base(m), ".py")
		if info, err := os.Stat(filepath.Join(m, "__init__.py")); strings.HasSuffix(m, ".py") || (err == nil && info.Mode().IsRegular()) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names, nil
}

func runAll(o options, names []string, jobs int) []result {
	results := make([]result, len(names))
	next := make(chan int)
	var wg sync.WaitGroup
	for range jobs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				r := &results[i]
				r.name = names[i]
				r.native, r.nativeTime, _ = runOne(o, o.nativeCommand(r.name))
				r.vkernel, r.vkernelTime, r.said = runOne(o, o.vkernelCommand(r.name))
				fmt.Fprintf(os.Stderr, "%-32s native %-8s %5.1f s   vkernel %-8s %5.1f s\n", r.name, r.native, r.nativeTime.Seconds(), r.vkernel, r.vkernelTime.Seconds())
			}
		}()
	}
	for i := range names {
		next <- i
	}
	close(next)
	wg.Wait()
	return results
}

// inside are the tests that the suite has outside its own folder; beside is the source that some look for.
var (
	inside = []string{"test", "distutils/tests", "lib2to3/tests", "unittest/test"}
	beside = []string{"Doc", "Grammar", "Include", "Misc", "Modules", "Objects", "PC", "Parser", "Programs", "Python", "Tools"}
)

// install makes a copy of the native root with the tests where vkernelCommand shows them. PYTHONPATH would
// not do: what tests start with -I or -E has to find them too.
func (o options) install(root string) error {
	if err := os.CopyFS(root, os.DirFS(o.native)); err != nil {
		return err
	}
	library, err := filepath.Abs(filepath.Dir(o.tests))
	if err != nil {
		return err
	}
	for _, dir := range inside {
		if err := os.CopyFS(filepath.Join(root, "usr/lib/python3.11", dir), os.DirFS(filepath.Join(library, dir))); err != nil {
			return err
		}
	}
	for _, dir := range beside {
		if err := os.Symlink(filepath.Join(filepath.Dir(library), dir), filepath.Join(root, "usr/lib", dir)); err != nil {
			return err
		}
	}
	return nil
}

// nativeCommand runs with an environment like that of a container.
func (o options) nativeCommand(name string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(o.native, "usr/bin/python3.11"), "-m", "test", name)
	cmd.Env = []string{"PATH=" + filepath.Join(o.native, "usr/bin") + ":/usr/bin:/bin", "HOME=/root", "TERM=dumb"}
	return cmd
}

// vkernelCommand shows the tests where an installation has them; the recipe leaves them out.
func (o options) vkernelCommand(name string) *exec.Cmd {
	library, _ := filepath.Abs(filepath.Dir(o.tests))
	args := []string{"run", "-e", "TERM=dumb"}
	show := func(host, guest string) { args = append(args, "-v", host+":"+guest+":ro") }
	for _, dir := range inside {
		show(filepath.Join(library, dir), "/usr/lib/python3.11/"+dir)
	}
	for _, dir := range beside {
		show(filepath.Join(filepath.Dir(library), dir), "/usr/lib/"+dir)
	}
	return exec.Command(o.vkernel, append(args, o.bundle, "/usr/bin/python3.11", "-m", "test", name)...)
}

// runOne ends a file that hangs with all that it has started.
func runOne(o options, cmd *exec.Cmd) (outcome, time.Duration, []byte) {
	dir, err := os.MkdirTemp("", "pytest")
	if err != nil {
		return failed, 0, []byte(err.Error())
	}
	defer os.RemoveAll(dir)
	var said bytes.Buffer
	vkernel, _ := filepath.Abs(o.vkernel)
	bundle, _ := filepath.Abs(o.bundle)
	for i, a := range cmd.Args {
		if a == o.bundle {
			cmd.Args[i] = bundle
		}
	}
	if cmd.Args[0] == o.vkernel {
		cmd.Path = vkernel
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return failed, 0, []byte(err.Error())
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer stop()
	err = cmd.Wait()
	took := time.Since(start)
	switch text := said.Bytes(); {
	case ctx.Err() != nil:
		return hung, took, text
	case err != nil:
		return failed, took, text
	case bytes.Contains(text, []byte("1 test skipped")), bytes.Contains(text, []byte("Result: NO TESTS RAN")), bytes.Contains(text, []byte("Result: NO TEST RUN")):
		return skipped, took, text
	default:
		return passed, took, text
	}
}

// known reads the list of files that fail on vkernel, with their causes.
func known() map[string]string {
	list := map[string]string{}
	sc := bufio.NewScanner(strings.NewReader(knownText))
	for sc.Scan() {
		name, cause, _ := strings.Cut(sc.Text(), " ")
		if name != "" && name[0] != '#' {
			list[name] = strings.TrimSpace(cause)
		}
	}
	return list
}

// report prints the table. It reports false if something is not as known.
func report(o options, results []result) bool {
	list := known()
	counts, same, good := 0, 0, true
	for _, r := range results {
		if r.native != passed {
			continue
		}
		counts++
		cause, listed := list[r.name]
		if r.vkernel == passed {
			same++
			if listed {
				fmt.Printf("%-32s passes now: take it out of known.txt\n", r.name)
				good = false
			}
			continue
		}
		if !listed {
			cause, good = "NOT KNOWN", false
		}
		fmt.Printf("%-32s %-8s %s\n", r.name, r.vkernel, cause)
		if o.verbose {
			fmt.Printf("%s\n", r.said)
		}
	}
	fmt.Printf("%d files, %d pass natively, of these %d on vkernel (%.1f %%)\n", len(results), counts, same, 100*float64(same)/float64(max(counts, 1)))
	return good
}
