package wasi_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// cache keeps what wazero has compiled.
func cache(t *testing.T) wazero.CompilationCache {
	t.Helper()
	c, err := wazero.NewCompilationCacheWithDir(built(t, ".") + "/wazero-cache")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// reference runs a module in wazero.
func reference(t *testing.T, limit time.Duration, module string, fs wazero.FSConfig, env map[string]string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	code, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	c := cache(t)
	defer c.Close(ctx)
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(c).WithCloseOnContextDone(true))
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	compiled, err := r.CompileModule(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	var out, stderr bytes.Buffer
	config := wazero.NewModuleConfig().WithArgs(args...).WithStdout(&out).WithStderr(&stderr).WithFSConfig(fs).
		WithSysNanosleep().WithSysNanotime().WithSysWalltime().WithRandSource(nil)
	for k, v := range env {
		config = config.WithEnv(k, v)
	}
	_, err = r.InstantiateModule(ctx, compiled, config)
	var exit *sys.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("wazero: %v %v\n%s%s", err, ctx.Err(), out.String(), stderr.String())
	}
	status := 0
	if exit != nil {
		status = int(exit.ExitCode())
	}
	return result{out.String(), stderr.String(), status}
}
