package main

import (
	"context"
	"errors"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// onWazero uses wazero's compiler.
func onWazero(p *program) (instance, error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesThreads))
	compiled, err := r.CompileModule(ctx, p.module)
	if err != nil {
		return nil, err
	}
	var current *host
	b := r.NewHostModuleBuilder("wali")
	for _, f := range compiled.ImportedFunctions() {
		_, name, _ := f.Import()
		params, results := f.ParamTypes(), f.ResultTypes()
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, m api.Module, stack []uint64) {
			memory := m.Memory()
			current.memory = func() []byte { b, _ := memory.Read(0, memory.Size()); return b }
			current.grow = func(pages uint32) bool { _, ok := memory.Grow(pages); return ok }
			for k, t := range params {
				if t == api.ValueTypeI32 {
					stack[k] = uint64(uint32(stack[k]))
				}
			}
			n := current.call(name, stack[:len(params)])
			if len(results) > 0 {
				stack[0] = uint64(n)
			}
		}), params, results).Export(name)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return nil, err
	}
	return func(h *host) error {
		current = h
		m, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
		if err != nil {
			return err
		}
		defer m.Close(ctx)
		_, err = m.ExportedFunction("_start").Call(ctx)
		if errors.As(err, new(exited)) {
			return nil
		}
		return err
	}, nil
}
