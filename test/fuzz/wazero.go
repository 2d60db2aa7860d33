package main

import (
	"context"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"vkernel/internal/wasm"
)

// interpreted is a module in wazero's interpreter.
type interpreted struct {
	ctx     context.Context
	runtime wazero.Runtime
	module  api.Module
}

func newInterpreted(code []byte) (*interpreted, error) {
	ctx := context.Background()
	config := wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesThreads | experimental.CoreFeaturesTailCall)
	r := wazero.NewRuntimeWithConfig(ctx, config)
	m, err := r.Instantiate(ctx, code)
	if err != nil {
		r.Close(ctx)
		return nil, err
	}
	return &interpreted{ctx, r, m}, nil
}

func (i *interpreted) close() { i.runtime.Close(i.ctx) }

func (i *interpreted) memory() []byte {
	m := i.module.Memory()
	b, _ := m.Read(0, m.Size())
	return b
}

func (i *interpreted) call(name string, results []wasm.ValType, args []uint64) outcome {
	words, err := i.module.ExportedFunction(name).Call(i.ctx, args...)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return outcome{trap: strings.TrimPrefix(strings.TrimSuffix(first, " (recovered by wazero)"), "wasm error: ")}
	}
	var o outcome
	for _, t := range results {
		v := value{words[0]}
		if words = words[1:]; t == wasm.V128 {
			v[1] = words[0]
			words = words[1:]
		}
		o.results = append(o.results, number(t, v))
	}
	return o
}
