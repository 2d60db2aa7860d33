package wasm

import (
	"bytes"
	"testing"
)

// BenchmarkDecodeValidated measures bytes of code a second.
func BenchmarkDecodeValidated(b *testing.B) {
	step := []byte{0x20, 0, 0x41, 0xe4, 0x00, 0x6a, 0x22, 0, 0x28, 2, 8, 0x21, 0, 0x02, 0x40, 0x20, 0, 0x45, 0x0d, 0, 0x20, 0, 0x10, 0, 0x1a, 0x0b}
	data := oneFunc("i", "i", cat(bytes.Repeat(step, 1<<16), []byte{0x20, 0, 0x0b})...)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeValidated(data); err != nil {
			b.Fatal(err)
		}
	}
}
