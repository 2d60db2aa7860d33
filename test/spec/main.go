// Spec runs the official WebAssembly test suite on vkernel's compiler and engine.
//
//	go run ./test/spec [-only core/i32] [-preempt 100us] [-cache folder] [-aot file] [-text=false]
//
// # Model
//
// Each script of the suite is planned first (script.go): its modules are decoded and their
// imports resolved. Modules that share a memory, a table, a global or a tag are linked into
// one (group.go, link.go), for programs of vkernel share nothing; all others are compiled as
// they are. All of it becomes one file of native code. Then the commands run in order
// (run.go), each on the live instance that it names (machine.go), and are judged (judge.go).
//
// # What is counted
//
// Every command of every script is counted, none is skipped. assert_unlinkable is judged by
// the runner's linker (linkable.go): vkernel itself refuses such imports at build. Scripts of
// proposals that are not supported run as far as they do not need the proposal; the rest must
// be refused by the proposal's name. Malformed texts are judged by wabt's wat2wasm and counted
// apart: vkernel reads no texts.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"vkernel/internal/wasm/wasmtest"
)

func main() {
	o := options{log: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	suite := flag.String("suite", wasmtest.Path(), "archive of the suite")
	flag.StringVar(&o.only, "only", "", "run scripts whose folder/name starts so")
	flag.StringVar(&o.cache, "cache", defaultCache(), "folder of compiled objects")
	flag.StringVar(&o.keep, "aot", "", "file to keep the native code in")
	flag.IntVar(&o.jobs, "j", 0, "compilers at a time (default: one per CPU)")
	flag.DurationVar(&o.preempt, "preempt", 0, "stop running code so often; below 10us, all the time")
	flag.BoolVar(&o.text, "text", true, "judge malformed texts by wat2wasm")
	flag.Parse()
	if *suite == "" {
		fmt.Fprintln(os.Stderr, "spec: no archive of the official test suite: name it with -suite or VK_SPEC")
		os.Exit(2)
	}
	scripts, err := wasmtest.Read(*suite)
	if err != nil {
		fmt.Fprintln(os.Stderr, "spec:", err)
		os.Exit(2)
	}
	r, err := runSuite(scripts, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "spec:", err)
		os.Exit(2)
	}
	r.report(os.Stdout)
	if r.counts.total(failed) > 0 {
		os.Exit(1)
	}
}

// defaultCache is a folder of the user.
func defaultCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "vkernel", "spec")
}
