// Command cpu measures the speed of compiled code: twelve kernels and four programs, on
// vkernel, natively (clang and gcc), and in other WebAssembly engines, in one run.
//
// # Model
//
// A workload runs on each side in turns, so that noise of the machine meets all alike; a
// number is the median of the samples, and a ratio is over native clang. The sides run the
// same source: natively static over the same musl, with the same -march as vkernel's own
// native code; the engines run the very module that vkernel compiles, wasm2c one without
// vectors and atomics, which Debian's wasm2c does not know. All sides must print the same.
// Compilation is not in the times, and neither is the start of a container or of an engine.
//
// It judges nothing: a benchmark that fails is one that cannot run, never one that is slow.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cpu:", err)
		os.Exit(1)
	}
}

func run() error {
	dir := flag.String("dir", "out/cpu", "where `make` has built the programs")
	vkernel := flag.String("vkernel", "out/vkernel", "the vkernel command")
	bundle := flag.String("bundle", "out/cpu.vk", "the signed bundle")
	out := flag.String("out", "out/bench.json", "JSON file whose cpu_ rows are replaced")
	report := flag.String("report", "", "Markdown file whose measured part is replaced; a plot is written beside it")
	only := flag.String("run", "", "measure only workloads whose name contains this")
	engines := flag.String("sides", strings.Join(sideNames, ","), "what to measure")
	rounds := flag.Int("rounds", 5, "rounds over all sides")
	flag.Parse()
	if flag.NArg() != 0 {
		return errors.New("unexpected arguments; see -help")
	}
	d, err := filepath.Abs(*dir)
	if err != nil {
		return err
	}
	if err := makeText(filepath.Join(d, "data", "text")); err != nil {
		return err
	}
	sides, err := newSides(d, *vkernel, *bundle, strings.Split(*engines, ","))
	if err != nil {
		return err
	}
	var results []Result
	printHeader(sides)
	for _, w := range workloads {
		if !strings.Contains(w.name, *only) {
			continue
		}
		r, err := measure(w, sides, *rounds)
		if err != nil {
			return err
		}
		r.print(sides)
		results = append(results, r)
	}
	if err := merge(*out, results); err != nil {
		return err
	}
	if *report == "" {
		return nil
	}
	if err := writePlot(strings.TrimSuffix(*report, ".md")+".svg", results, sides); err != nil {
		return err
	}
	return writeReport(*report, results, sides)
}
