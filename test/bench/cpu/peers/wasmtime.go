package main

import (
	"errors"

	"github.com/bytecodealliance/wasmtime-go/v39"
)

// onWasmtime uses Cranelift at its best optimisation.
func onWasmtime(p *program) (instance, error) {
	config := wasmtime.NewConfig()
	config.SetCraneliftOptLevel(wasmtime.OptLevelSpeed)
	engine := wasmtime.NewEngineWithConfig(config)
	module, err := wasmtime.NewModule(engine, p.module)
	if err != nil {
		return nil, err
	}
	return func(h *host) error {
		store := wasmtime.NewStore(engine)
		defer store.Close()
		linker := wasmtime.NewLinker(engine)
		for _, i := range module.Imports() {
			if err := linker.FuncNew(i.Module(), *i.Name(), i.Type().FuncType(), wasmtimeCall(h, *i.Name(), i.Type().FuncType())); err != nil {
				return err
			}
		}
		inst, err := linker.Instantiate(store, module)
		if err != nil {
			return err
		}
		_, err = inst.GetFunc(store, "_start").Call(store)
		if err != nil && h.ended {
			return nil
		}
		return err
	}, nil
}

func wasmtimeCall(h *host, name string, ty *wasmtime.FuncType) func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
	results := ty.Results()
	return func(c *wasmtime.Caller, args []wasmtime.Val) (out []wasmtime.Val, trap *wasmtime.Trap) {
		memory := c.GetExport("memory").Memory()
		h.memory = func() []byte { return memory.UnsafeData(c) }
		h.grow = func(pages uint32) bool { _, err := memory.Grow(c, uint64(pages)); return err == nil }
		var a [8]uint64
		for k, v := range args {
			if v.Kind() == wasmtime.KindI64 {
				a[k] = uint64(v.I64())
			} else {
				a[k] = uint64(uint32(v.I32()))
			}
		}
		defer func() {
			if r := recover(); r != nil {
				err, ok := r.(error)
				if !ok || !errors.As(err, new(exited)) {
					panic(r)
				}
				h.ended = true
				trap = wasmtime.NewTrap("exited")
			}
		}()
		n := h.call(name, a[:len(args)])
		if len(results) == 0 {
			return nil, nil
		}
		if results[0].Kind() == wasmtime.KindI64 {
			return []wasmtime.Val{wasmtime.ValI64(n)}, nil
		}
		return []wasmtime.Val{wasmtime.ValI32(int32(n))}, nil
	}
}
