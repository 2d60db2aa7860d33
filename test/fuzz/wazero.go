package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"vkernel/internal/wasm"
)

// reference is a module compiled for wazero's interpreter.
type reference struct {
	ctx     context.Context
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

func newReference(code []byte) (*reference, error) {
	ctx := context.Background()
	config := wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesThreads |
		experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExceptionHandling)
	r := wazero.NewRuntimeWithConfig(ctx, config)
	m, err := r.CompileModule(ctx, code)
	if err != nil {
		r.Close(ctx)
		return nil, fmt.Errorf("wazero refuses a valid module: %w", err)
	}
	return &reference{ctx, r, m}, nil
}

func (r *reference) close() { r.runtime.Close(r.ctx) }

// interpreted is an instance in wazero's interpreter.
type interpreted struct {
	*reference
	instance api.Module
}

func (i *interpreted) start() outcome {
	m, err := i.runtime.InstantiateModule(i.ctx, i.module, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		if strings.HasPrefix(err.Error(), "data[") { // an active segment that does not fit
			return outcome{trap: outOfBounds}
		}
		_, cause, _ := strings.Cut(err.Error(), " failed: ") // start function[index] failed: ...
		return outcome{trap: wazeroTrap(cause)}
	}
	i.instance = m
	return outcome{}
}

func (i *interpreted) close() {
	if i.instance != nil {
		i.instance.Close(i.ctx)
	}
}

func (i *interpreted) memory() []byte {
	m := i.instance.Memory()
	b, _ := m.Read(0, m.Size())
	return b
}

func (i *interpreted) call(name string, results []wasm.ValType, args []uint64) outcome {
	f := i.instance.ExportedFunction(name)
	if f == nil {
		return outcome{trap: "no export " + name}
	}
	words, err := f.Call(i.ctx, args...)
	if err != nil {
		return outcome{trap: wazeroTrap(err.Error())}
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

// wazeroTrap is the name of a trap in wazero's text of an error.
func wazeroTrap(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimPrefix(strings.TrimSuffix(first, " (recovered by wazero)"), "wasm error: ")
}
