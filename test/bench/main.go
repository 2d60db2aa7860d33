// Command bench measures vkernel against the native kernel, side by side in one run.
//
// It runs the same C program (guest/bench.c) on both, in turns, so that noise of the
// machine meets both alike; prints medians and ratios; and writes them as JSON. It judges
// nothing: a benchmark that fails is one that cannot run, never one that is slow.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vkernel/internal/sandbox"
)

// Result is one line of out/bench.json. Values are medians of one operation, in Unit.
type Result struct {
	Name    string  `json:"name"`
	Unit    string  `json:"unit"`
	Samples int     `json:"samples"`
	VKernel float64 `json:"vkernel"`
	Native  float64 `json:"native,omitempty"` // 0, and left out: there is no counterpart
	Ratio   float64 `json:"ratio,omitempty"`  // vkernel / native
}

// benchmark is one row: samples are taken in rounds, alternating between the two sides.
type benchmark struct {
	name    string
	rounds  int
	samples int // per round
}

var benchmarks = []benchmark{
	{"exec_exit_wait", 5, 400},
	{"exec_glibc", 5, 200},
	{"exec_5mb", 5, 400},
	{"fork_exit_wait", 5, 400},
	{"spawn_2loops", 5, 10},
	{"fork_1m", 5, 100},
	{"fork_1m_dirty10", 5, 100},
	{"fork_4m", 5, 50},
	{"fork_4m_dirty10", 5, 50},
	{"fork_16m", 5, 30},
	{"fork_16m_dirty10", 5, 30},
	{"fork_64m", 5, 15},
	{"fork_64m_dirty10", 5, 15},
	{"fork_64m_moving10", 5, 15},
	{"fork_256m", 5, 9},
	{"fork_256m_dirty10", 5, 9},
	{"fork_exec_64m", 5, 15},
	{"vfork_exec_64m", 5, 50},
	{"sh_pipeline", 5, 60},
	{"pipe_roundtrip", 5, 40},
	{"unix_pingpong", 5, 40},
	{"tcp_pingpong", 5, 40},
	{"tcp_connect", 5, 20},
	{"tcp_64k", 5, 20},
	{"eventfd_pingpong", 5, 40},
	{"epoll_1000", 5, 40},
	{"getpid", 5, 20},
	{"memfile_read_4k", 5, 20},
	{"memfile_write_4k", 5, 20},
	{"thread_create_join", 5, 20},
	{"thread_mutex_free", 5, 10},
	{"thread_mutex_contended", 5, 10},
	{"thread_cond_handoff", 5, 20},
	{"thread_sem_handoff", 5, 20},
}

// side runs one benchmark on one kernel and gives what it printed.
type side func(name string, samples int) ([]byte, error)

func main() {
	if sandbox.Entered() { // of container_spare
		os.Exit(sandbox.Main())
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	vkernel := flag.String("vkernel", "out/vkernel", "the vkernel command")
	bundle := flag.String("bundle", "out/bench.vk", "bundle with /bin/bench, /bin/true and /bin/sh")
	key := flag.String("key", "", "public key that signed the bundle (default: the user's trusted keys)")
	native := flag.String("native", "out/bench/native", "directory with native bench, trivial, large, idle, two of them with glibc, and bin/ with busybox and its applets")
	python := flag.String("python", "out/python.vk", "bundle with /usr/bin/python3; without it there are no rows of it")
	out := flag.String("out", "out/bench.json", "where to write the results")
	only := flag.String("run", "", "run only benchmarks whose name contains this")
	flag.Parse()

	nativeDir, err := filepath.Abs(*native) // programs run elsewhere
	if err != nil {
		return err
	}
	nativeSide, cleanup, err := onNative(nativeDir)
	if err != nil {
		return err
	}
	defer cleanup()
	vkernelSide := onVKernel(*vkernel, *bundle, *key)

	results := []Result{} // never null in JSON
	fmt.Printf("%-18s %12s %12s %8s   (medians, ns an operation)\n", "", "vkernel", "native", "ratio")
	for _, b := range benchmarks {
		if !strings.Contains(b.name, *only) {
			continue
		}
		r, err := measure(b, vkernelSide, nativeSide)
		if err != nil {
			return err
		}
		fmt.Printf("%-18s %12.0f %12.0f %8.2f\n", r.Name, r.VKernel, r.Native, r.Ratio)
		results = append(results, r)
	}
	if name := "instance_2loops"; strings.Contains(name, *only) {
		r, err := measureInstances(name, *bundle, nativeSide)
		if err != nil {
			return err
		}
		fmt.Printf("%-18s %12.0f %12.0f %8.2f   (an instance without a kernel, beside a native process)\n", r.Name, r.VKernel, r.Native, r.Ratio)
		results = append(results, r)
	}
	err = measureStarts(*vkernel, *bundle, *key, nativeDir, func(name string) bool { return strings.Contains(name, *only) }, func(r Result) {
		fmt.Printf("%-18s %12.0f %12.0f %8.2f   (to the first byte that its program writes)\n", r.Name, r.VKernel, r.Native, r.Ratio)
		results = append(results, r)
	})
	if err != nil {
		return err
	}
	err = measureSaved(*bundle, func(name string) bool { return strings.Contains(name, *only) }, func(r Result) {
		fmt.Printf("%-18s %12.0f %12s %8s\n", r.Name, r.VKernel, "-", "-")
		results = append(results, r)
	})
	if err != nil {
		return err
	}
	if err := measurePolicies(*vkernel, *bundle, *key, *only, &results); err != nil {
		return err
	}
	for _, b := range idles {
		if !strings.Contains(b.name, *only) {
			continue
		}
		r, err := b.measure(vkernelStart(*vkernel, *bundle, *key), nativeStart(nativeDir))
		if err != nil {
			return err
		}
		fmt.Printf("%-18s %12.0f %12.0f %8.2f   (bytes a process)\n", r.Name, r.VKernel, r.Native, r.Ratio)
		results = append(results, r)
	}
	err = measurePython(*vkernel, *python, *key, func(name string) bool { return strings.Contains(name, *only) }, func(r Result, note string) {
		fmt.Printf("%-18s %12.0f %12.0f %8.2f%s\n", r.Name, r.VKernel, r.Native, r.Ratio, note)
		results = append(results, r)
	})
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(*out, append(text, '\n'), 0o644)
}

// onNative runs the native program, its memory files on tmpfs.
func onNative(dir string) (side, func(), error) {
	tmp, err := os.MkdirTemp("/dev/shm", "vkbench")
	if err != nil {
		return nil, nil, fmt.Errorf("tmpfs for native memory files: %w", err)
	}
	start := nativeStart(dir)
	return func(name string, samples int) ([]byte, error) {
		cmd := start(name, strconv.Itoa(samples))
		cmd.Env = append(cmd.Env, "BENCH_DIR="+tmp)
		cmd.Stderr = os.Stderr
		return cmd.Output()
	}, func() { os.RemoveAll(tmp) }, nil
}

func nativeStart(dir string) start {
	bin := filepath.Join(dir, "bin")
	return func(args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(dir, program(args)), args...)
		cmd.Env = []string{
			"PATH=" + bin + ":" + filepath.Join(dir, "usr/bin"), "BENCH_SH=" + filepath.Join(bin, "sh"),
			"BENCH_TRUE=" + filepath.Join(dir, "trivial"), "BENCH_GLIBC=" + filepath.Join(dir, "trivial_glibc"), "BENCH_LARGE=" + filepath.Join(dir, "large"), "BENCH_IDLE=" + filepath.Join(dir, "idle"),
		}
		cmd.Dir = bin // so that `ls` has as much to list as in the container
		return cmd
	}
}

// program is the one that has a benchmark: those of threads are one of their own.
func program(args []string) string {
	if strings.HasPrefix(args[0], "thread_") {
		return "threads"
	}
	return "bench"
}

// onVKernel runs the program of the bundle in a container.
func onVKernel(vkernel, bundle, key string) side {
	start := vkernelStart(vkernel, bundle, key)
	return func(name string, samples int) ([]byte, error) {
		cmd := start(name, strconv.Itoa(samples))
		cmd.Stderr = os.Stderr
		return cmd.Output()
	}
}

func vkernelStart(vkernel, bundle, key string) start {
	return func(args ...string) *exec.Cmd {
		all := []string{"run", "--processes", "20000", "-w", "/bin"}
		for _, v := range []string{
			"PATH=/bin:/usr/bin", "BENCH_DIR=/tmp", "BENCH_TRUE=/bin/trivial", "BENCH_LARGE=/bin/large", "BENCH_GLIBC=/bin/trivial",
			"BENCH_IDLE=/bin/idle", "BENCH_MAPPED=/bin/mapped", "BENCH_SH=/bin/sh",
		} {
			all = append(all, "-e", v)
		}
		if key != "" {
			all = append(all, "--key", key)
		}
		return exec.Command(vkernel, append(append(all, bundle, "/bin/"+program(args)), args...)...)
	}
}

func measure(b benchmark, vkernel, native side) (Result, error) {
	var v, n []float64
	for range b.rounds {
		for _, s := range []struct {
			kernel string
			run    side
			to     *[]float64
		}{{"vkernel", vkernel, &v}, {"native", native, &n}} {
			out, err := s.run(b.name, b.samples)
			if err == nil {
				err = parse(out, s.to)
			}
			if err != nil {
				return Result{}, fmt.Errorf("%s on %s: %w", b.name, s.kernel, err)
			}
		}
	}
	r := Result{Name: b.name, Unit: "ns", Samples: len(v), VKernel: median(v), Native: median(n)}
	r.Ratio = r.VKernel / r.Native
	return r, nil
}

// parse adds the samples in out to list.
func parse(out []byte, list *[]float64) error {
	for line := range strings.Lines(string(out)) {
		x, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
		if err != nil {
			return fmt.Errorf("unexpected output %q", line)
		}
		*list = append(*list, x)
	}
	if len(*list) == 0 {
		return fmt.Errorf("no samples")
	}
	return nil
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}
