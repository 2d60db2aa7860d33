// Command vkport builds upstream programs for vkernel by the recipes of guest/recipes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"vkernel/guest"
	"vkernel/internal/manifest"
	"vkernel/internal/toolchain"
)

const usage = `usage: vkport [-native | -clang | -scalar] [-o ROOT] [-j JOBS] RECIPE...
       vkport -source -o DIR RECIPE
       vkport -sources RECIPE...
       vkport -list | -packages

Builds programs by their recipes (guest/recipes) and installs them into the directory ROOT
(default out/rootfs, or out/native), at their paths in a root file system. What has been
built once comes from the cache ($VK_CACHE, or vkernel in the user's cache directory).

  -native    build the same sources with the same configuration for Linux, with musl-gcc,
             statically linked: the programs that vkernel's are compared with
  -clang     the same, with clang-19 (default directory out/clang)
  -scalar    for WebAssembly without vectors and atomics, for other engines
  -o ROOT    where to install
  -source    build nothing: unpack the recipe's upstream source, verified and patched, into DIR
  -sources   build nothing: list what the recipes' programs are made of, for 'vkernel build --source'
  -j JOBS    parallel compilations
  -list      list the recipes
  -packages  list the Debian packages that the toolchain needs
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	t, err := toolchain.New(guest.FS)
	if err == nil && strings.TrimSuffix(filepath.Base(os.Args[0]), "++") == "vkcc" { // the compiler of a build, see toolchain.Build
		d := &toolchain.Driver{Toolchain: t, CXX: strings.HasSuffix(os.Args[0], "++"), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
		os.Exit(d.Main(ctx, os.Args[1:]))
	}
	if err == nil {
		err = run(ctx, t, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vkport:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, t *toolchain.Toolchain, args []string) error {
	flags := flag.NewFlagSet("vkport", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are told once, by main
	native := flags.Bool("native", false, "")
	clang := flags.Bool("clang", false, "")
	flags.BoolVar(&t.Scalar, "scalar", t.Scalar, "")
	source := flags.Bool("source", false, "")
	sources := flags.Bool("sources", false, "")
	root := flags.String("o", "", "")
	list := flags.Bool("list", false, "")
	packages := flags.Bool("packages", false, "")
	flags.IntVar(&t.Jobs, "j", t.Jobs, "")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Print(usage)
		return nil
	} else if err != nil {
		return fmt.Errorf("%w (vkport -help explains)", err)
	}
	switch {
	case *packages:
		fmt.Println(strings.Join(toolchain.Packages, " "))
		return nil
	case *list:
		names, err := t.RecipeNames()
		fmt.Println(strings.Join(names, "\n"))
		return err
	case flags.NArg() == 0:
		return fmt.Errorf("no recipe named (vkport -list lists them, vkport -help explains)")
	case *sources:
		return printSources(t, flags.Args())
	case *source:
		if flags.NArg() != 1 || *root == "" {
			return fmt.Errorf("-source takes one recipe, and -o DIR")
		}
		r, err := t.Recipe(flags.Arg(0))
		if err != nil {
			return err
		}
		return t.Unpack(ctx, r, *root)
	}
	kind, into := toolchain.Wasm, "out/rootfs"
	if *native {
		kind, into = toolchain.Native, "out/native"
	}
	if *clang {
		kind, into = toolchain.Clang, "out/clang"
	}
	if *root != "" {
		into = *root
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, name := range flags.Args() {
		r, err := t.Recipe(name)
		if err != nil {
			return err
		}
		dir, err := t.Build(ctx, r, kind, self)
		if err != nil {
			return err
		}
		if err := toolchain.InstallRoot(dir, into); err != nil {
			return fmt.Errorf("install %s: %w", name, err)
		}
	}
	return nil
}

// printSources lists what programs are made of.
func printSources(t *toolchain.Toolchain, recipes []string) error {
	list, err := t.Sources(recipes)
	if err != nil {
		return err
	}
	text, err := manifest.MarshalSources(list)
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	return err
}
