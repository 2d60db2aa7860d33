package aot_test

import (
	"context"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"vkernel/internal/aot"
	"vkernel/internal/wasm"
)

// TestUnsupported builds modules of proposals that are not supported: the error names the
// program and the proposal. They are what wat2wasm makes of a function that uses each.
func TestUnsupported(t *testing.T) {
	for proposal, module := range map[string]string{
		"memory64":            "0061736d0100000001060160017e017f030201000503010401070501016600000a0901070020002802000b",
		"multi-memory":        "0061736d010000000105016000017f0302010005050200010001070501016600000a0a0108004100284201000b",
		"function-references": "0061736d0100000001090260000060016b000003020101070501016600000a070105002000140b",
		"gc":                  "0061736d010000000108025f017f0060000003020101070501016600000a040102000b",
	} {
		data, err := hex.DecodeString(module)
		if err != nil {
			t.Fatal(err)
		}
		if proposal == "function-references" { // (ref 0) as the proposal has it now
			data = []byte(strings.Replace(string(data), "\x60\x01\x6b\x00\x00", "\x60\x01\x64\x00\x00", 1))
		}
		_, err = aot.Build(context.Background(), []aot.Input{{Name: "prog", Wasm: data}}, aot.Options{OutAOT: filepath.Join(t.TempDir(), "x.aot")})
		var e *wasm.Error
		if !errors.As(err, &e) || e.Proposal != proposal || !strings.Contains(err.Error(), "program prog") || !strings.Contains(err.Error(), `proposal "`+proposal+`" is not supported`) {
			t.Errorf("%s: %v", proposal, err)
		}
	}
}
