package emit

import (
	"bytes"
	"encoding/binary"

	"vkernel/internal/wasm"
)

// stackPointer finds the global that LLVM calls __stack_pointer: by its name, or, in a
// stripped module, global 0 if it is a mutable i32 and some function begins as LLVM's
// functions with a frame do: global.get 0, i32.const, i32.sub.
func (p *program) stackPointer() (uint32, bool) {
	if i, ok := p.globalNamed("__stack_pointer"); ok {
		return i, true
	}
	if p.m.NumImportedGlobals() > 0 || !p.isPointer(0) {
		return 0, false
	}
	for i := range p.m.Funcs {
		if body := p.m.Funcs[i].Body; bytes.HasPrefix(body, []byte{0x23, 0, 0x41}) && subtracts(body[3:]) {
			return 0, true
		}
	}
	return 0, false
}

func (p *program) isPointer(i uint32) bool {
	t, ok := p.m.GlobalTypeOf(i)
	return ok && t.Mutable && t.Type == wasm.I32
}

// subtracts says whether code is a LEB128 number and i32.sub.
func subtracts(code []byte) bool {
	for len(code) > 0 && code[0]&0x80 != 0 {
		code = code[1:]
	}
	return len(code) > 1 && code[1] == 0x6b
}

// globalNamed looks a global up in the name section (subsection 7).
func (p *program) globalNamed(want string) (uint32, bool) {
	for i := range p.m.Customs {
		if p.m.Customs[i].Name != "name" {
			continue
		}
		b := p.m.Customs[i].Data
		for len(b) > 0 {
			id := b[0]
			size, n := binary.Uvarint(b[1:])
			if n <= 0 || size > uint64(len(b)-1-n) {
				break
			}
			part := b[1+n : 1+n+int(size)]
			if id == 7 {
				return p.findName(part, want)
			}
			b = b[1+n+int(size):]
		}
	}
	return 0, false
}

func (p *program) findName(b []byte, want string) (uint32, bool) {
	count, n := binary.Uvarint(b)
	for ; n > 0 && count > 0; count-- {
		b = b[n:]
		index, k := binary.Uvarint(b)
		if k <= 0 {
			return 0, false
		}
		b = b[k:]
		size, k := binary.Uvarint(b)
		if k <= 0 || size > uint64(len(b)-k) {
			return 0, false
		}
		n = k + int(size)
		if string(b[k:n]) == want && index < uint64(p.m.NumGlobals()) && p.isPointer(uint32(index)) {
			return uint32(index), true
		}
	}
	return 0, false
}
