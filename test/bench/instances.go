package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
)

// What an instance costs without a kernel: the engine makes one of the trivial program, runs it
// to its exit, and frees it, in two loops at once. Beside it stands what the native kernel
// needs for a process, with as many loops (spawn_2loops).

const (
	instanceLoops = 2
	instanceEach  = 20000
)

func measureInstances(name, bundle string, native side) (Result, error) {
	r := Result{Name: name, Unit: "ns", Samples: 5}
	f, err := os.Open(filepath.Join(bundle, "megabinary.x86_64.aot"))
	if err != nil {
		return r, err
	}
	defer f.Close()
	code, err := engine.Load(f)
	if err != nil {
		return r, err
	}
	var ours, theirs []float64
	for range r.Samples {
		ns, err := runInstances(code)
		if err != nil {
			return r, err
		}
		ours = append(ours, ns)
		out, err := native("spawn_2loops", 10)
		if err != nil {
			return r, err
		}
		if err := parse(out, &theirs); err != nil {
			return r, err
		}
	}
	r.VKernel, r.Native = median(ours), median(theirs)
	r.Ratio = r.VKernel / r.Native
	return r, code.Close()
}

// runInstances gives the nanoseconds for one instance of all that the loops have run.
func runInstances(code *engine.Code) (float64, error) {
	var wg sync.WaitGroup
	errs := make([]error, instanceLoops)
	start := time.Now()
	for k := range errs {
		wg.Go(func() {
			debug.SetPanicOnFault(true)
			errs[k] = loopInstances(code)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return float64(time.Since(start)) / (instanceLoops * instanceEach), nil
}

func loopInstances(code *engine.Code) error {
	for _, p := range code.Programs() {
		if p.Meta.Name != "trivial" {
			continue
		}
		for _, x := range p.Meta.Exports {
			if x.Name == "_start" {
				for range instanceEach {
					if err := runInstance(p, x.Thunk); err != nil {
						return err
					}
				}
				return nil
			}
		}
	}
	return fmt.Errorf("the native code has no program trivial with an export _start")
}

// runInstance answers every call with 0 until the program exits.
func runInstance(p *engine.Program, thunk uint32) error {
	i, e := p.New()
	if e != 0 {
		return e
	}
	defer i.Free()
	i.Start(thunk)
	for {
		switch exit := i.Resume(0); exit {
		case layout.ExitReturn:
			return nil
		case layout.ExitSyscall:
			if name := p.Meta.Imports[i.Import()].Name; strings.HasPrefix(name, "SYS_exit") || name == "__proc_exit" {
				if status := i.Arg(0); status != 0 {
					return fmt.Errorf("the trivial program exits with %d", status)
				}
				return nil
			}
		default:
			return fmt.Errorf("the trivial program left with %d", exit)
		}
	}
}
