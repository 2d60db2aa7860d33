package wasm

import (
	"errors"
	"testing"
)

// FuzzBody puts a body into a module that has something of each kind, so that the validator gets
// further than with bytes from the start of a file on: exceptions, tables, vectors, atomics.
func FuzzBody(f *testing.F) {
	for _, code := range [][]byte{
		{0x0b},
		{0x41, 0, 0x28, 2, 0, 0x1a, 0x0b},
		{0x06, 0x7f, 0x41, 0, 0x07, 1, 0x19, 0x41, 2, 0x0b, 0x1a, 0x0b},
		{0x06, 0x40, 0x06, 0x40, 0x08, 0, 0x18, 0, 0x19, 0x09, 0, 0x0b, 0x0b},
		{0x02, 0x69, 0x1f, 0x40, 2, 1, 0, 0, 3, 0, 0x0b, 0x00, 0x0b, 0x0a, 0x0b},
		{0x02, 2, 0x41, 1, 0x0e, 1, 0, 1, 0x0b, 0x1a, 0x0b},
		{0xd0, 0x70, 0x41, 0, 0xfc, 15, 0, 0x1a, 0xfc, 13, 0, 0x0b},
		{0x41, 0, 0xfd, 0, 4, 0, 0xfd, 88, 0, 0, 3, 0x0b},
		{0x41, 0, 0x42, 0, 0x42, 0, 0xfe, 2, 3, 0, 0x1a, 0x0b},
		{0x41, 0, 0x12, 1, 0x41, 0, 0x13, 1, 0, 0x0b},
	} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		data := module(
			sec(secType, vec(functype("", ""), functype("i", ""), functype("", "i"), functype("il", "vr"), functype("e", "dx"))),
			sec(secFunc, vec([]byte{0}, []byte{1}, []byte{3})),
			sec(secTable, vec([]byte{byte(FuncRef), 0, 1}, []byte{byte(ExternRef), 1, 1, 9})),
			sec(secMemory, vec([]byte{3, 1, 2})),
			sec(secTag, vec([]byte{0, 0}, []byte{0, 1})),
			sec(secGlobal, vec([]byte{byte(I64), 1, 0x42, 0, 0x0b}, []byte{byte(FuncRef), 0, 0xd2, 1, 0x0b})),
			sec(secElem, vec([]byte{1, 0, 1, 0})),
			sec(secDataCount, []byte{1}),
			sec(secCode, vec(sized([]byte{1, 3, byte(V128)}, code), sized([]byte{0, 0x0b}), sized([]byte{0, 0x00, 0x0b}))),
			sec(secData, vec([]byte{1, 1, 'x'})),
		)
		m, err := DecodeValidated(data)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Msg == "" || e.Offset < 0 || e.Offset > len(data) {
				t.Fatalf("bad error %#v", err)
			}
			return
		}
		blocks := 1
		for r := m.BodyReader(0); !r.Done(); {
			in, err := r.Next()
			if err != nil {
				t.Fatalf("validated, but: %v", err)
			}
			switch in.Op {
			case OpBlock, OpLoop, OpIf, OpTry, OpTryTable:
				blocks++
			case OpEnd, OpDelegate:
				blocks--
			}
		}
		if blocks != 0 {
			t.Fatalf("validated, but %d blocks are open at its end", blocks)
		}
	})
}

// FuzzNames reads the custom section of names, which is never refused.
func FuzzNames(f *testing.F) {
	f.Add([]byte{0, 2, 1, 'm', 1, 4, 1, 0, 1, 'f'})
	f.Add([]byte{1, 4, 1, 0, 5, 'f'})
	f.Add([]byte{1, 255, 255, 255, 255, 15, 1})
	f.Fuzz(func(t *testing.T, names []byte) {
		m, err := DecodeValidated(cat(oneFunc("", "", 0x0b), sec(secCustom, cat(sized([]byte("name")), names))))
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range m.FuncNames() {
			if i != 0 || len(name) > maxNameLen {
				t.Errorf("function %d of 1 has a name of %d bytes", i, len(name))
			}
		}
	})
}
