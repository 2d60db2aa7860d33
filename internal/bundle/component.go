package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// A megabinary is a component in the binary format of the Component Model: a preamble,
// one core module section per program, and a custom section that names the modules.
// Nothing is instantiated or exported; which function of which module is an entry point
// is in the manifest.
var componentPreamble = []byte("\x00asm\x0d\x00\x01\x00") // version 13, layer 1

const (
	sectionCustom = 0
	sectionModule = 1
)

// Module is one core module of a megabinary.
type Module struct {
	Name string // for other tools; not read back
	Wasm []byte
}

// EncodeComponent gives the megabinary of modules.
func EncodeComponent(modules []Module) []byte {
	size := len(componentPreamble)
	for _, m := range modules {
		size += len(m.Wasm) + len(m.Name) + 32
	}
	out := append(make([]byte, 0, size), componentPreamble...)
	for _, m := range modules {
		out = appendSection(out, sectionModule, m.Wasm)
	}
	return appendSection(out, sectionCustom, moduleNames(modules))
}

// moduleNames is the content of the custom section "component-name": one subsection
// (id 1) with the names of things of the sort core module.
func moduleNames(modules []Module) []byte {
	names := []byte{0x00, 0x11} // sort: core module
	names = binary.AppendUvarint(names, uint64(len(modules)))
	for i, m := range modules {
		names = binary.AppendUvarint(names, uint64(i))
		names = appendString(names, m.Name)
	}
	return appendSection(appendString(nil, "component-name"), 1, names)
}

// appendSection appends a section or subsection. Unsigned LEB128 is what
// encoding/binary calls a uvarint.
func appendSection(out []byte, id byte, content []byte) []byte {
	out = binary.AppendUvarint(append(out, id), uint64(len(content)))
	return append(out, content...)
}

func appendString(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// ComponentModules returns the core modules of a megabinary, in order. They share data's
// memory. Sections that EncodeComponent does not write are an error.
func ComponentModules(data []byte) ([][]byte, error) {
	rest, ok := bytes.CutPrefix(data, componentPreamble)
	if !ok {
		return nil, errors.New("not a WebAssembly component: wrong preamble")
	}
	var modules [][]byte
	for len(rest) > 0 {
		offset := len(data) - len(rest)
		id := rest[0]
		size, n := binary.Uvarint(rest[1:])
		if n <= 0 || n > 5 || size > uint64(len(rest)-1-n) {
			return nil, fmt.Errorf("section at offset %#x is longer than the file", offset)
		}
		content := rest[1+n : 1+n+int(size)]
		switch id {
		case sectionModule:
			modules = append(modules, content)
		case sectionCustom:
		default:
			return nil, fmt.Errorf("section at offset %#x has id %d, expected core modules only", offset, id)
		}
		rest = rest[1+n+int(size):]
	}
	return modules, nil
}
