package bundle

import (
	"bytes"
	"testing"
)

// FuzzComponentModules: no input makes the reader panic, and what was read comes back
// when it is written and read again.
func FuzzComponentModules(f *testing.F) {
	empty := []byte("\x00asm\x01\x00\x00\x00")
	f.Add(EncodeComponent(nil))
	f.Add(EncodeComponent([]Module{{Name: "a", Wasm: empty}, {Name: "b", Wasm: bytes.Repeat([]byte{0}, 200)}}))
	f.Add([]byte("\x00asm\x0d\x00\x01\x00\x01\xff\xff\xff\xff\x0f"))
	f.Add([]byte("\x00asm\x0d\x00\x01\x00\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := ComponentModules(data)
		if err != nil {
			return
		}
		var modules []Module
		total := 0
		for _, m := range found {
			modules = append(modules, Module{Name: "m", Wasm: m})
			total += len(m)
		}
		if total > len(data) {
			t.Fatalf("modules of %d bytes from %d bytes of input", total, len(data))
		}
		again, err := ComponentModules(EncodeComponent(modules))
		if err != nil || len(again) != len(found) {
			t.Fatalf("read %d modules, wrote them, read %d: %v", len(found), len(again), err)
		}
		for i := range found {
			if !bytes.Equal(found[i], again[i]) {
				t.Fatalf("module %d changed", i)
			}
		}
	})
}
