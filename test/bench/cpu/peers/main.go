// Command peers runs a program that vkcc compiled in other WebAssembly engines, for the
// comparison of CPU speed. It is a module of its own, so that nothing else of vkernel depends
// on those engines.
//
// # Model
//
// An engine compiles the module once and then makes a new instance for each run; only the run
// itself, from instantiation to exit, is timed. What a program needs of Linux to compute is
// served by a small host (host.go for engines in Go, hosts/host.mjs, hosts/host.c): memory, files that are
// only read, standard output, the clock. All else is ENOSYS, and a longjmp is an abort.
//
// Output: nanoseconds of one run a line, then a line "#" and the digest of what the program
// wrote, as the benchmark program of test/bench/guest prints it. With -pass the program runs
// once and prints for itself.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// program is what to run.
type program struct {
	module  []byte
	path    string
	argv    []string
	runs    int
	pass    bool
	scratch string // directory for what an engine must compile with other tools
}

// instance is one run: it returns when the program has ended.
type instance func(h *host) error

// engines make a program runnable in this process. Others are started as commands.
var engines = map[string]func(p *program) (run instance, err error){
	"wazero":   onWazero,
	"wasmtime": onWasmtime,
}

var commands = map[string]func(p *program) error{
	"v8":     onV8,
	"wasm2c": onWasm2c,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run() error {
	engine := flag.String("engine", "", "wazero, wasmtime, v8 or wasm2c")
	runs := flag.Int("runs", 1, "how often the program runs")
	pass := flag.Bool("pass", false, "run once, and pass the program's own output on")
	scratch := flag.String("scratch", os.TempDir(), "directory for compiled programs, reused")
	flag.Parse()
	if flag.NArg() == 0 {
		return errors.New("usage: peers -engine NAME [-runs N | -pass] MODULE ARGUMENT...")
	}
	module, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		return err
	}
	p := &program{module: module, path: flag.Arg(0), argv: flag.Args(), runs: *runs, pass: *pass, scratch: *scratch}
	if p.pass {
		p.runs = 1
	}
	if command := commands[*engine]; command != nil {
		return command(p)
	}
	prepare := engines[*engine]
	if prepare == nil {
		return fmt.Errorf("unknown engine %q", *engine)
	}
	instance, err := prepare(p)
	if err != nil {
		return err
	}
	return measure(p, instance)
}

// measure runs the program as often as asked, and prints.
func measure(p *program, run instance) error {
	var last []byte
	for range p.runs {
		sum := newDigest()
		out := io.Writer(sum)
		if p.pass {
			out = os.Stdout
		}
		h := newHost(p.argv, out)
		start := time.Now()
		if err := run(h); err != nil {
			return err
		}
		elapsed := time.Since(start)
		h.close()
		if h.status != 0 {
			return fmt.Errorf("%s: exit status %d", p.path, h.status)
		}
		if p.pass {
			return nil
		}
		fmt.Println(elapsed.Nanoseconds())
		text := sum.text()
		if last != nil && !bytes.Equal(last, text) {
			return fmt.Errorf("%s: two runs printed different output", p.path)
		}
		last = text
	}
	fmt.Printf("#%s\n", last)
	return nil
}

// digest is 64-bit FNV-1a over all bytes; the guest's and the other hosts' are the same.
type digest struct {
	sum  uint64
	size int
}

func newDigest() *digest { return &digest{sum: 14695981039346656037} }

func (d *digest) Write(p []byte) (int, error) {
	for _, b := range p {
		d.sum = (d.sum ^ uint64(b)) * 1099511628211
	}
	d.size += len(p)
	return len(p), nil
}

func (d *digest) text() []byte { return fmt.Appendf(nil, "%016x %d", d.sum, d.size) }
