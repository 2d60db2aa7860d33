package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// defaultStack is the size of the stack of a program's main thread.
const defaultStack = "1048576"

// Driver is the compiler: it reads gcc's arguments and runs clang and wasm-ld.
type Driver struct {
	Toolchain      *Toolchain
	CXX            bool // called as a C++ compiler: C sources are C++, and its library is linked
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// exitError is the status of a tool that has already said what is wrong.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Main runs a command line and gives its exit status.
func (d *Driver) Main(ctx context.Context, args []string) int {
	err := d.run(ctx, args)
	var status exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(d.Stderr, "vkcc: error: %v\n", err)
	return 1
}

func (d *Driver) run(ctx context.Context, args []string) error {
	inv, err := parseArgs(args)
	if err != nil {
		return err
	}
	if d.CXX {
		inv.useCXX()
	}
	switch inv.stage {
	case printHelp:
		_, err := io.WriteString(d.Stdout, helpText)
		return err
	case printVersion:
		version, err := d.Toolchain.toolVersion(clang)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(d.Stdout, "vkcc %s (%s)\n", Triple, version)
		return err
	}
	sysroot, err := d.Toolchain.Sysroot(ctx)
	if err != nil {
		return err
	}
	if inv.needsCXX() {
		if inv.cxx, err = d.Toolchain.CXX(ctx, sysroot); err != nil {
			return err
		}
	}
	switch {
	case inv.stage == printQuery:
		return d.answer(ctx, sysroot, inv.query)
	case len(inv.inputs) == 0 && inv.verbose:
		_, err := fmt.Fprintf(d.Stderr, "vkcc: target %s, sysroot %s\n", Triple, sysroot)
		return err
	case len(inv.inputs) == 0:
		return errors.New("no input files (vkcc --help explains)")
	case inv.stage != link:
		return d.compileOnly(ctx, inv, sysroot)
	}
	return d.compileAndLink(ctx, inv, sysroot)
}

// compileOnly runs clang once for each language: it names several outputs itself.
func (d *Driver) compileOnly(ctx context.Context, inv *invocation, sysroot string) error {
	var c, cxx []source // if there are none, as gcc: files for the linker are unused, which is no error
	for _, s := range inv.sources {
		if s.isCXX() {
			cxx = append(cxx, s)
		} else {
			c = append(c, s)
		}
	}
	for _, sources := range [][]source{c, cxx} {
		if len(sources) > 0 {
			if err := d.compileSources(ctx, inv, sysroot, sources); err != nil {
				return err
			}
		}
	}
	return nil
}

// compileSources compiles sources of one language.
func (d *Driver) compileSources(ctx context.Context, inv *invocation, sysroot string, sources []source) error {
	args := d.compileArgs(inv, sysroot, sources[0])
	switch inv.stage {
	case compile:
		args = append(args, "-c")
	case assembly:
		args = append(args, "-S")
	case preprocess:
		args = append(args, "-E")
	case syntaxOnly:
		args = append(args, "-fsyntax-only")
	}
	if inv.output != "" {
		args = append(args, "-o", inv.output)
	}
	return d.tool(ctx, inv, clang, append(args, sourceArgs(sources)...)...)
}

// compileArgs are the flags of a compilation of what is in the language of s. Our headers come
// after the program's own, but before those of the compiler.
func (d *Driver) compileArgs(inv *invocation, sysroot string, s source) []string {
	args := d.Toolchain.target()
	args = append(args, "-nostdlibinc", "-Qunused-arguments", "-Wno-ignored-optimization-argument")
	if s.isCXX() {
		args = append(args, cxxLanguageFlags...)
		args = append(args, "-nostdinc++")
	}
	args = append(args, inv.flags...)
	if inv.noInc {
		return append(args, "-nostdinc")
	}
	if s.isCXX() && !inv.noIncCXX {
		args = append(args, "-isystem", filepath.Join(inv.cxx, "include/c++/v1"))
	}
	return append(args, "-isystem", filepath.Join(sysroot, "include"), "-isystem", filepath.Join(sysroot, "kernel"))
}

// sourceArgs gives the sources, each with its language.
func sourceArgs(sources []source) []string {
	var args []string
	language := ""
	for _, s := range sources {
		if s.language != language {
			language = s.language
			if language == "" {
				args = append(args, "-x", "none")
			} else {
				args = append(args, "-x", language)
			}
		}
		args = append(args, s.path)
	}
	return args
}

// compileAndLink compiles the sources to temporary objects and links them in their places.
func (d *Driver) compileAndLink(ctx context.Context, inv *invocation, sysroot string) error {
	temp, err := os.MkdirTemp("", "vkcc")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	objects := make([]string, len(inv.sources))
	for i, s := range inv.sources {
		name := strings.TrimSuffix(filepath.Base(s.path), filepath.Ext(s.path))
		objects[i] = filepath.Join(temp, fmt.Sprintf("%d-%s.o", i, name))
		args := append(d.compileArgs(inv, sysroot, s), "-c", "-o", objects[i])
		if err := d.tool(ctx, inv, clang, append(args, sourceArgs([]source{s})...)...); err != nil {
			return err
		}
	}
	inputs := make([]string, 0, len(inv.inputs))
	for _, in := range inv.inputs {
		if n, ok := strings.CutPrefix(in, "\x00"); ok {
			i, _ := strconv.Atoi(n)
			in = objects[i]
		}
		inputs = append(inputs, in)
	}
	return d.link(ctx, inv, sysroot, inputs)
}

// tool runs clang or wasm-ld on the user's terminal.
func (d *Driver) tool(ctx context.Context, inv *invocation, name string, args ...string) error {
	if inv.verbose || inv.dryRun {
		fmt.Fprintln(d.Stderr, name, strings.Join(args, " "))
	}
	if inv.dryRun {
		return nil
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = d.Stdin, d.Stdout, d.Stderr
	return toolError(name, cmd.Run())
}

func toolError(name string, err error) error {
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exitError(max(exit.ExitCode(), 1))
	case errors.Is(err, exec.ErrNotFound):
		return missing(name)
	}
	return err
}
