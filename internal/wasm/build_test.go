package wasm

import "encoding/binary"

// Functions that write modules for tests.

func cat(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func uleb(v int) []byte { return binary.AppendUvarint(nil, uint64(v)) }

// sized prefixes its content with the length.
func sized(parts ...[]byte) []byte {
	p := cat(parts...)
	return append(uleb(len(p)), p...)
}

// vec is a vector of encoded elements.
func vec(elems ...[]byte) []byte { return append(uleb(len(elems)), cat(elems...)...) }

func sec(id byte, content []byte) []byte { return append([]byte{id}, sized(content)...) }

func module(sections ...[]byte) []byte {
	return cat(magic, moduleVersion, cat(sections...))
}

func functype(params, results string) []byte {
	out := append([]byte{0x60}, uleb(len(params))...)
	for _, c := range params {
		out = append(out, byte(letterType[c]))
	}
	out = append(out, uleb(len(results))...)
	for _, c := range results {
		out = append(out, byte(letterType[c]))
	}
	return out
}

// oneFunc is a module with one memory, one table and one function of the given type.
func oneFunc(params, results string, code ...byte) []byte {
	return module(
		sec(secType, vec(functype(params, results))),
		sec(secFunc, vec([]byte{0})),
		sec(secTable, vec([]byte{byte(FuncRef), 0, 1})),
		sec(secMemory, vec([]byte{0, 1})),
		sec(secCode, vec(sized([]byte{0}, code))),
	)
}
