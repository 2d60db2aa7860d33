package aot_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vkernel/internal/aot"
	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
)

// load builds one module of testdata and makes an instance of it.
func load(t *testing.T, name string) *host {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "x.aot")
	if _, err := aot.Build(context.Background(), []aot.Input{{Name: name, Wasm: data}}, aot.Options{OutAOT: out}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	code, err := engine.Load(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { code.Close() })
	h := &host{t: t, code: code}
	h.renew()
	t.Cleanup(func() { h.Free() })
	return h
}

// host drives one instance.
type host struct {
	*engine.Instance
	t    *testing.T
	code *engine.Code
}

func (h *host) renew() {
	h.t.Helper()
	if h.Instance != nil {
		h.Free()
	}
	i, e := h.code.Programs()[0].New()
	if e != 0 {
		h.t.Fatal(e)
	}
	h.Instance = i
}

// start begins an export and runs it to its first exit.
func (h *host) start(name string, args ...uint64) engine.Exit {
	h.t.Helper()
	for _, e := range h.Program().Meta.Exports {
		if e.Name == name {
			h.Start(e.Thunk, args...)
			watch := time.AfterFunc(10*time.Second, h.Kick)
			defer watch.Stop()
			return h.Resume(0)
		}
	}
	h.t.Fatalf("no export %s", name)
	return 0
}

// call runs an export that just returns, and gives its first result.
func (h *host) call(name string, args ...uint64) uint64 {
	h.t.Helper()
	if exit := h.start(name, args...); exit != layout.ExitReturn {
		h.t.Fatalf("%s%v: exit %d, %+v", name, args, exit, h.Trap())
	}
	defer h.Return()
	return h.Results()[0][0]
}

// trap runs an export that traps, checks why and makes a new instance.
func (h *host) trap(code int, name string, args ...uint64) {
	h.t.Helper()
	exit := h.start(name, args...)
	if exit != layout.ExitTrap || h.Trap().Code != code {
		h.t.Errorf("%s%v: exit %d, %+v; expected trap %d", name, args, exit, h.Trap(), code)
	}
	h.renew()
}
