package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vkernel/internal/bundle"
	"vkernel/internal/bundle/build"
	"vkernel/internal/imports"
)

// rebuildFlags are those of `vkernel verify --rebuild`.
type rebuildFlags struct {
	wanted bool
	cache  string
	jobs   int
}

func (r *rebuildFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&r.wanted, "rebuild", false, "compile the megabinary again and compare the native code")
	f.StringVar(&r.cache, "cache", "", "with --rebuild: use the compiled objects in `DIR`, and so trust whoever wrote there")
	f.IntVarP(&r.jobs, "jobs", "j", 0, "with --rebuild: compilers to run at a time (default: one per CPU)")
}

func (r *rebuildFlags) check() error {
	if !r.wanted && (r.cache != "" || r.jobs != 0) {
		return &statusError{exitUsage, errors.New("--cache and --jobs are for --rebuild")}
	}
	return nil
}

// rebuild compiles again what an open bundle holds, if that is wanted.
func (r *rebuildFlags) rebuild(cmd *cobra.Command, b *bundle.Bundle, found func(bundle.Checked)) error {
	if !r.wanted {
		return nil
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	p := newProgress(cmd.ErrOrStderr(), false)
	start := time.Now()
	err := build.Rebuild(ctx, b, build.RebuildOptions{CacheDir: r.cache, Jobs: r.jobs, CheckImport: imports.Check, Progress: p.program})
	p.end()
	if err != nil {
		return &bundle.PartError{Part: "rebuild", Err: err}
	}
	found(bundle.Checked{Part: "rebuild", Detail: fmt.Sprintf("the native code is what the compiler makes of the megabinary: %d bytes, %.1f s", b.Native.Size, time.Since(start).Seconds())})
	return nil
}
