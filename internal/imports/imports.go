// Package imports is what a program may import: the calls of both ABIs, module wali of
// package syscalls and the modules of package wasi.
//
// Check judges an import when a program is built and again when it is loaded; Syscall names
// the system call that an import is charged to, which is what a manifest lists; Bind gives
// each import of a program its handler under a policy (package policy): a call is one indirect
// call, to its handler if it is allowed whatever its arguments, so that a policy costs those
// who may nothing.
package imports

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/policy"
	"vkernel/internal/proc"
	"vkernel/internal/syscalls"
	"vkernel/internal/wasi"
)

// Check reports whether the kernel knows an import; one that it does not know, of a module
// that it knows, answers ENOSYS. An error is why a program with the import cannot run.
func Check(im layout.Import) (known bool, err error) {
	switch im.Module {
	case wasi.Module, wasi.ThreadModule:
		return wasi.CheckImport(im.Module, im.Name, im.Type)
	case syscalls.Module, syscalls.OwnModule:
		if err := syscalls.CheckImport(im.Module, im.Name, im.Type); err != nil {
			return false, err
		}
		_, known = syscalls.Signature(im.Module, im.Name)
		return known, nil
	}
	return false, fmt.Errorf("import %s: unknown module %q, want %q or %q",
		syscalls.Shown(im.Module, im.Name), im.Module, syscalls.Module, wasi.Module)
}

// Syscall gives the name of the system call that an import is charged to; empty if it is
// none.
func Syscall(module, name string) string {
	if c, ok := wasi.Lookup(module, name); ok {
		return c.Linux
	}
	if module == syscalls.Module {
		if name == threadSpawn {
			return "clone"
		}
		if call, ok := strings.CutPrefix(name, syscalls.Prefix); ok {
			if c, ok := syscalls.Lookup(call); ok {
				return c.Name // also of one that is imported by another of its names
			}
			return call
		}
	}
	return ""
}

// threadSpawn is the one import of module wali that is no system call by name and does what
// one does.
const threadSpawn = "__wasm_thread_spawn"

// shown reports whether a trace shows an import.
func shown(im layout.Import) bool {
	return im.Name != threadSpawn && Syscall(im.Module, im.Name) != ""
}

// WASI reports whether a program is one of package wasi's ABI.
func WASI(program *layout.Program) bool {
	return slices.ContainsFunc(program.Imports, func(im layout.Import) bool { return im.Module == wasi.Module })
}

// Listed makes sure that an entry names each system call that its program can make. What the
// linked text refers to is a subset of the program's imports, which the verifier has proven.
func Listed(program *layout.Program, entry *policy.Policy) error {
	for _, im := range program.Imports {
		if call := Syscall(im.Module, im.Name); call != "" && !entry.Lists(call) && !mutant.Off("policy.listed") {
			return fmt.Errorf("import %s: entry %s lists %s neither in syscalls nor in withheld", syscalls.Shown(im.Module, im.Name), entry.ID(), call)
		}
	}
	return nil
}

// Options say how to bind.
type Options struct {
	Policy *policy.Policy // nil allows all
	// Around, if any, gets the handler of each system call, with the call's name and the
	// kinds of its arguments (package trace), and gives the one to be used.
	Around func(call, kinds string, h proc.Handler) proc.Handler
	Log    *slog.Logger
}

// Bind gives the handler of each import of a program. What is not known, or denied, is named
// in the log, once for each program.
func Bind(program *layout.Program, o Options) []proc.Handler {
	bound := make([]proc.Handler, len(program.Imports))
	var unknown, denied []string
	for i, im := range program.Imports {
		h, kinds := handler(im)
		call := Syscall(im.Module, im.Name)
		if h == nil {
			h = unimplemented
			unknown = append(unknown, im.Module+"."+im.Name)
		}
		if call != "" && o.Policy != nil {
			d := &denial{program: program.Name, call: call, kills: o.Policy.Kills(), log: o.Log}
			if !o.Policy.Allows(call) && !mutant.Off("policy.denied") {
				h = d.deny
				denied = append(denied, im.Module+"."+im.Name)
			} else {
				h = conditional(im, kinds, h, o.Policy, d)
			}
		}
		if o.Around != nil && shown(im) {
			h = o.Around(call, kinds, h)
		}
		if im.Module == wasi.Module {
			h = wasi.Encode(h)
		}
		bound[i] = h
	}
	if len(unknown) > 0 {
		o.Log.Info("imports that answer ENOSYS", "program", program.Name, "imports", unknown)
	}
	if len(denied) > 0 {
		o.Log.Info("imports that the manifest denies", "program", program.Name, "imports", denied)
	}
	return bound
}

// handler finds the handler of an import, nil if there is none, and how a trace shows it.
func handler(im layout.Import) (h proc.Handler, kinds string) {
	if c, ok := wasi.Lookup(im.Module, im.Name); ok {
		return c.Handler, c.Args
	}
	if im.Module == syscalls.OwnModule {
		return syscalls.OwnHandler(im.Name), ""
	}
	if im.Module != syscalls.Module {
		return nil, ""
	}
	if call, ok := strings.CutPrefix(im.Name, syscalls.Prefix); ok {
		if c, ok := syscalls.Lookup(call); ok {
			kinds = c.Args
		}
	}
	return syscalls.HandlerOf(im.Name), kinds
}

func unimplemented(*proc.Thread, proc.Args) (int64, linux.Errno) { return 0, linux.ENOSYS }
