// Package toolchain makes WebAssembly programs from C: it builds the guest's C library,
// drives the compiler and runs recipes.
//
// # Model
//
// A Toolchain reads the guest's sources (package vkernel/guest: the musl port, recipes) and
// keeps everything it makes in a cache directory, each under a key that is the digest of all
// that went into it:
//
//	source/   upstream tarballs, by the SHA-256 that the repository pins
//	sysroot/  the C library: headers, libc.a, crt1.o
//	build/    what a recipe installs, as a small root directory
//	apt/      private state of apt-get, which fetches Debian's source packages
//
// An entry appears by one rename and is never changed, so readers need no lock; two builders
// of one entry wait for each other on a lock file beside it.
//
// Driver is the compiler (cmd/vkcc): it takes the arguments of gcc, and calls clang and
// wasm-ld. Recipe is one upstream program (cmd/vkport).
//
// # Rules
//
// Nothing is downloaded but Debian source packages, from the mirror the machine is set up
// with, and nothing downloaded is used before its digest is checked. What a build prints
// goes to a log that is shown when it fails.
package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Triple is what the compiler says it compiles for.
const Triple = "wasm32-linux-musl"

// Packages are the Debian packages that the toolchain calls.
var Packages = []string{
	"clang-19", "lld-19", "llvm-19", "libclang-rt-19-dev-wasm32", "linux-libc-dev",
	"make", "patch", "gcc", "musl-tools", "xz-utils", "bzip2",
}

// Tools are the programs behind the driver.
const (
	clang   = "clang-19"
	wasmLD  = "wasm-ld-19"
	llvmBin = "llvm-%s-19"
)

// Toolchain builds and caches. Its zero value is not usable; see New.
type Toolchain struct {
	Guest  fs.FS     // the folder guest of the repository
	Cache  string    // directory of the cache
	Log    io.Writer // progress, a line for each thing built
	Jobs   int       // parallel compilations
	Scalar bool      // no vectors and atomics, for engines without them
}

// scalarEnv, not empty, tells the compiler of a build what Toolchain.Scalar says.
const scalarEnv = "VKCC_SCALAR"

// New gives a toolchain over the guest's sources. The cache is $VK_CACHE, or vkernel in the
// user's cache directory.
func New(guest fs.FS) (*Toolchain, error) {
	cache := os.Getenv("VK_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no place for the cache: %w (set VK_CACHE)", err)
		}
		cache = filepath.Join(dir, "vkernel")
	}
	cache, err := filepath.Abs(cache)
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	return &Toolchain{Guest: guest, Cache: cache, Log: os.Stderr, Jobs: runtime.NumCPU(), Scalar: os.Getenv(scalarEnv) != ""}, nil
}

func (t *Toolchain) progress(format string, args ...any) {
	fmt.Fprintf(t.Log, format+"\n", args...)
}

// run executes a command in dir; its output is part of the error.
func run(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, missing(name)
	}
	if err != nil {
		return out, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, tail(out))
	}
	return out, nil
}

// missing is the error for a program that is not installed.
func missing(name string) error {
	return fmt.Errorf("%s is not installed: apt-get install %s", name, strings.Join(Packages, " "))
}

// tail keeps the last lines of a build's output, where the error stands.
func tail(out []byte) string {
	const lines, bytes = 30, 8000
	s := strings.TrimRight(string(out), "\n")
	if len(s) > bytes {
		s = s[len(s)-bytes:]
	}
	l := strings.Split(s, "\n")
	if len(l) > lines {
		l = l[len(l)-lines:]
	}
	return strings.Join(l, "\n")
}
