package verify_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"vkernel/internal/aot"
	"vkernel/internal/verify"
)

func init() {
	verify.BuildReal = func(t testing.TB) []byte {
		t.Helper()
		var inputs []aot.Input
		for _, name := range []string{"bulk", "unwind", "tail", "waits", "atomics", "exits"} {
			wasm, err := os.ReadFile("../aot/testdata/" + name + ".wasm")
			if err != nil {
				t.Fatal(err)
			}
			inputs = append(inputs, aot.Input{Name: name, Wasm: wasm})
		}
		out := filepath.Join(t.TempDir(), "real.aot")
		if _, err := aot.Build(context.Background(), inputs, aot.Options{OutAOT: out}); err != nil {
			t.Skip(err) // no clang; package aot's tests tell if it is something else
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}
