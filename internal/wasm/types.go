package wasm

// valType reads a value type.
func (b *buffer) valType() (ValType, error) {
	at := b.offset()
	c, err := b.byte()
	if err != nil {
		return 0, err
	}
	switch t := ValType(c); t {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef, ExnRef:
		return t, nil
	}
	return 0, unknownType(at, c, "a value type")
}

// refType reads a reference type.
func (b *buffer) refType() (ValType, error) {
	at := b.offset()
	c, err := b.byte()
	if err != nil {
		return 0, err
	}
	if t := ValType(c); t.IsRef() {
		return t, nil
	}
	return 0, unknownType(at, c, "funcref, externref or exnref")
}

func unknownType(at int, c byte, expected string) error {
	switch {
	case c == 0x63 || c == 0x64:
		return unsupported(at, "function-references", "type %#x", c)
	case c >= 0x6a && c <= 0x6e || c >= 0x71 && c <= 0x74:
		return unsupported(at, "gc", "type %#x", c)
	}
	return malformed(at, "found type %#x, expected %s", c, expected)
}
