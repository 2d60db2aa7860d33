package main

import (
	"bytes"
	"flag"
	"testing"

	"vkernel/internal/wasm"
	"vkernel/test/fuzz/gen"
)

var seeds = flag.Uint64("seeds", 1000, "how many modules the generator's tests make")

// TestGenerator holds that all that is generated is valid, for both engines and in both encodings
// of exceptions.
func TestGenerator(t *testing.T) {
	size, legacy := 0, 0
	for seed := uint64(1); seed <= *seeds; seed++ {
		c := newCase(seed, features)
		size += len(c.module.Wasm)
		if _, err := wasm.DecodeValidated(c.module.Wasm); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if c.legacy != nil {
			legacy++
			if _, err := wasm.DecodeValidated(c.legacy); err != nil {
				t.Fatalf("seed %d, first encoding of exceptions: %v", seed, err)
			}
		}
		r, err := newReference(c.module.Wasm)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		r.close()
	}
	t.Logf("%d modules of %d bytes on average, %d with exceptions", *seeds, size/int(*seeds), legacy)
}

// TestSame holds that a seed gives the same bytes each time.
func TestSame(t *testing.T) {
	for seed := uint64(1); seed <= 50; seed++ {
		first, second := gen.New(seed, features), gen.New(seed, features)
		if !bytes.Equal(first.Wasm, second.Wasm) {
			t.Fatalf("seed %d gives two modules", seed)
		}
	}
}

// TestCoverage holds that each opcode that is generated is also executed.
func TestCoverage(t *testing.T) {
	counting := features
	counting.Count = true
	executed := make([]int, len(gen.Opcodes))
	calls, traps := 0, 0
	for seed := uint64(1); seed <= *seeds/2; seed++ {
		c := newCase(seed, counting)
		r, err := newReference(c.module.Wasm)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		i := &interpreted{reference: r}
		if i.start().trap == "" {
			for _, k := range c.calls {
				i.call("fuel", nil, []uint64{fuel})
				calls++
				if i.call(k.export.Name, k.export.Results, k.args).trap != "" {
					traps++
				}
			}
			for n := range executed {
				executed[n] += int(i.instance.ExportedGlobal(gen.Counter(n)).Get())
			}
		}
		i.close()
		r.close()
	}
	rare := *seeds
	for n, op := range gen.Opcodes {
		rare = min(rare, uint64(executed[n]))
		if executed[n] == 0 {
			t.Errorf("%v (%#x) was never executed", op, uint16(op))
		}
	}
	t.Logf("%d opcodes, each executed in %d modules at least; %d of %d calls trapped", len(executed), rare, traps, calls)
}
