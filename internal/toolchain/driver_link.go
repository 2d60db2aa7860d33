package toolchain

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// link runs wasm-ld. A program that can start threads needs a shared memory, and only such
// a program refers to the linker's __tls_size: it is linked a second time, with one.
func (d *Driver) link(ctx context.Context, inv *invocation, sysroot string, inputs []string) error {
	args := linkArgs(inv, sysroot, inputs)
	if inv.verbose || inv.dryRun || inv.partial {
		return d.tool(ctx, inv, wasmLD, args...)
	}
	cmd := exec.CommandContext(ctx, wasmLD, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = d.Stdout, &said
	err := cmd.Run()
	if err != nil && bytes.Contains(said.Bytes(), []byte("undefined symbol: __tls_size")) {
		return d.tool(ctx, inv, wasmLD, append(args, "--shared-memory", "--max-memory=4294967296")...)
	}
	d.Stderr.Write(said.Bytes())
	return toolError(wasmLD, err)
}

// linkArgs is wasm-ld's command line. The stack lies below the data, so that running over
// its end faults in the unmapped first page and not in variables.
func linkArgs(inv *invocation, sysroot string, inputs []string) []string {
	output := inv.output
	if output == "" {
		output = "a.out"
	}
	args := []string{"-m", "wasm32", "-o", output}
	if inv.partial {
		return append(append(args, "-r"), inputs...)
	}
	stack := inv.stack
	if stack == "" {
		stack = defaultStack
	}
	args = append(args, "-z", "stack-size="+stack, "--stack-first", "--export-if-defined=__stack_pointer")
	if inv.strip {
		args = append(args, "--strip-debug") // function names stay: they are what a profile shows
	}
	lib := filepath.Join(sysroot, "lib")
	if !inv.noStart {
		args = append(args, filepath.Join(lib, "crt1.o"))
		if inv.cxx != "" && inv.linksCXX() {
			args = append(args, filepath.Join(inv.cxx, "lib/crtcxx.o"), "--wrap=__main_void")
		}
	}
	args = append(args, inputs...)
	args = append(args, "-L"+lib)
	if inv.linksCXX() {
		args = append(args, "-L"+filepath.Join(inv.cxx, "lib"), "-lc++", "-lc++abi", "-lunwind")
	}
	if !inv.noLibs {
		args = append(args, "-lc", filepath.Join(lib, "libclang_rt.builtins.a"))
	}
	return args
}

// answer prints what -print-... and -dump... ask for.
func (d *Driver) answer(ctx context.Context, sysroot, query string) error {
	name, arg, _ := strings.Cut(query, "=")
	lib := filepath.Join(sysroot, "lib")
	out := ""
	switch name {
	case "dumpmachine", "print-target-triple", "print-effective-triple", "print-multiarch":
		out = Triple
	case "dumpversion", "dumpfullversion":
		b, err := exec.CommandContext(ctx, clang, "-dumpversion").Output()
		if err != nil {
			return missing(clang)
		}
		out = strings.TrimSpace(string(b))
	case "print-sysroot":
		out = sysroot
	case "print-libgcc-file-name":
		out = filepath.Join(lib, "libclang_rt.builtins.a")
	case "print-search-dirs":
		out = "install: " + sysroot + "\nprograms: =" + filepath.Join(sysroot, "bin") + "\nlibraries: =" + lib
	case "print-file-name":
		out = arg
		if p := filepath.Join(lib, arg); fileExists(p) {
			out = p
		}
	case "print-prog-name":
		out = arg
		if p := filepath.Join(sysroot, "bin", Triple+"-"+arg); fileExists(p) {
			out = p
		} else if arg == "ld" {
			out = wasmLD
		}
	case "print-multi-lib":
		out = ".;"
	case "print-multi-directory", "print-multi-os-directory":
		out = "."
	default:
		return d.tool(ctx, &invocation{}, clang, append(d.Toolchain.target(), "-"+query)...)
	}
	_, err := fmt.Fprintln(d.Stdout, out)
	return err
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
