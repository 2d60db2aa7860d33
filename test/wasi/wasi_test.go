// Package wasi_test runs programs of other toolchains: Go's, Rust's and those of wasi-libc, as
// they come out of their compilers, next to the shell and its tools in one container. What
// can be compared is compared with the same module in wazero.
//
// The module is one of its own because of wazero, which nothing else needs. VKERNEL_WASI
// names the folder of what test/wasi/wasi.mk has built, VKERNEL the command, and KEY the key
// of the bundles.
package wasi_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// built gives the path of something that the makefile has built.
func built(t *testing.T, elem ...string) string {
	t.Helper()
	dir := os.Getenv("VKERNEL_WASI")
	if dir == "" {
		t.Skip("VKERNEL_WASI is not set: run 'make test-wasi'")
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// result is how a command ended.
type result struct {
	out, err string
	status   int
}

// vkernel runs a command in a container of a bundle.
func vkernel(t *testing.T, limit time.Duration, options []string, bundle string, command ...string) result {
	t.Helper()
	args := append([]string{"run", "--key", os.Getenv("KEY") + ".pub", "--log", os.DevNull}, options...)
	if !filepath.IsAbs(bundle) {
		bundle = built(t, bundle)
	}
	args = append(append(args, bundle), command...)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv("VKERNEL"), args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		t.Fatalf("%v: %v %v\n%s", command, err, ctx.Err(), stderr.String())
	}
	return result{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}
