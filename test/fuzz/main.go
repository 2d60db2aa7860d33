// Command fuzz compares vkernel's compiled code with wazero's interpreter on modules that are
// made by chance (package gen).
//
// # Model
//
// A batch of modules is compiled into one .aot. Each module then gets the same calls on both
// engines; after every call the results, or the kind of trap, are compared, and at the end
// globals and all bytes of memory. A difference is a find: its module is kept with the
// seed, which makes it again. If V8, as a third opinion, does what vkernel does, the find is
// wazero's: it is told and counted apart.
//
// `make fuzz` runs until it is stopped or a time has passed; the test of this package runs a
// fixed set of seeds, and all modules in testdata, each of which was a find.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"vkernel/test/fuzz/gen"
)

// features is all that both engines have.
var features = gen.Features{Atomics: true, TailCalls: true, Exceptions: true, Faults: true}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run() error {
	duration := flag.Duration("time", 0, "stop after this time (default: run until interrupted)")
	first := flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the first module; the following ones count up")
	batch := flag.Int("batch", 64, "modules that are compiled at a time")
	flag.BoolVar(&features.Faults, "faults", features.Faults, "some modules do much that traps")
	flag.BoolVar(&features.TailCalls, "tailcalls", features.TailCalls, "generate tail calls")
	flag.BoolVar(&features.Exceptions, "exceptions", features.Exceptions, "generate exceptions")
	single := flag.Bool("one", false, "try the module of -seed alone, and tell what each call did")
	reduce := flag.Bool("reduce", false, "cut down the module of -seed, which must be a find")
	out := flag.String("out", "out/fuzz", "directory for modules on which the engines differ")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *duration)
		defer cancel()
	}
	if *single || *reduce {
		*batch = 1
	}
	f := &fuzzer{verbose: *single}
	for seed := *first; ctx.Err() == nil; seed += uint64(*batch) {
		cases := make([]*testCase, *batch)
		for i := range cases {
			cases[i] = newCase(seed+uint64(i), features)
		}
		if err := f.try(cases); err != nil {
			return fmt.Errorf("seeds from %d: %w", seed, err)
		}
		if err := f.keep(*out, cases); err != nil {
			return err
		}
		if *reduce {
			return f.reduceTo(*out, cases[0])
		}
		if *single {
			break
		}
		fmt.Fprintf(os.Stderr, "\r%v   ", f)
	}
	fmt.Printf("\n%v; first seed %d\n", f, *first)
	if f.finds+f.refused > 0 {
		return fmt.Errorf("%d finds, %d refused, in %s", f.finds, f.refused, *out)
	}
	return nil
}

// reduceTo writes what is left of a find.
func (f *fuzzer) reduceTo(dir string, c *testCase) error {
	if c.find+c.refused == "" {
		return fmt.Errorf("seed %d is no find", c.seed)
	}
	path := filepath.Join(dir, fmt.Sprintf("%d-reduced.wasm", c.seed))
	code, err := f.reduce(c, path)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s: %d bytes of %d\n", path, len(code), len(c.module.Wasm))
	return os.WriteFile(path, code, 0o644)
}

// keep writes the modules of finds, and of those that are refused.
func (f *fuzzer) keep(dir string, cases []*testCase) error {
	for _, c := range cases {
		if c.apart != "" {
			f.apart++
			fmt.Printf("\nseed %d: wazero alone: %s\n", c.seed, c.apart)
		}
		if c.find+c.refused == "" {
			continue
		}
		if c.find != "" {
			f.finds++
		} else {
			f.refused++
		}
		fmt.Printf("\nseed %d: %s%s\n  again: go run ./test/fuzz -one -seed %d\n", c.seed, c.find, c.refused, c.seed)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.wasm", c.seed)), c.module.Wasm, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// String says what was done.
func (f *fuzzer) String() string {
	return fmt.Sprintf("%d modules, %d calls of which %d trapped, %d of them in plain loops (%d only in wazero), %d slices, %d forks, %d finds, %d refused, %d that differ in wazero alone, %s of CPU and %s of compilers'",
		f.modules, f.calls, f.traps, f.loose, f.vanished, f.exits, f.copies, f.finds, f.refused, f.apart, cpuTime(syscall.RUSAGE_SELF), cpuTime(syscall.RUSAGE_CHILDREN))
}

// cpuTime is that of a process, or of its children that have ended.
func cpuTime(who int) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(who, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Round(time.Second)
}
