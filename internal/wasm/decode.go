package wasm

import "bytes"

// Section ids, in the binary format.
const (
	secCustom = iota
	secType
	secImport
	secFunc
	secTable
	secMemory
	secGlobal
	secExport
	secStart
	secElem
	secCode
	secData
	secDataCount
	secTag
	numSections
)

// section describes a kind of section: its place among the others and its decoder.
type section struct {
	name   string
	order  int
	decode func(*Module, *buffer) error
}

var sections = [...]section{
	secType:      {"type", 1, (*Module).decodeTypes},
	secImport:    {"import", 2, (*Module).decodeImports},
	secFunc:      {"function", 3, (*Module).decodeFuncs},
	secTable:     {"table", 4, (*Module).decodeTables},
	secMemory:    {"memory", 5, (*Module).decodeMems},
	secTag:       {"tag", 6, (*Module).decodeTags},
	secGlobal:    {"global", 7, (*Module).decodeGlobals},
	secExport:    {"export", 8, (*Module).decodeExports},
	secStart:     {"start", 9, (*Module).decodeStart},
	secElem:      {"element", 10, (*Module).decodeElems},
	secDataCount: {"data count", 11, (*Module).decodeDataCount},
	secCode:      {"code", 12, (*Module).decodeCode},
	secData:      {"data", 13, (*Module).decodeData},
}

var (
	magic            = []byte("\x00asm")
	moduleVersion    = []byte{1, 0, 0, 0}
	componentVersion = []byte{0x0d, 0, 1, 0}
)

// Decode decodes a module in the binary format. The module refers to data, which must
// not change while it is in use. It is not validated; errors are of type *Error.
func Decode(data []byte) (*Module, error) {
	if len(data) > MaxModule {
		return nil, errAt(ErrLimit, 0, "module of %d bytes, at most %d are allowed", len(data), MaxModule)
	}
	b := &buffer{data: data}
	if err := header(b); err != nil {
		return nil, err
	}
	m := &Module{}
	d := moduleDecoder{m: m}
	for !b.done() {
		if err := d.section(b); err != nil {
			return nil, err
		}
	}
	if err := d.finish(b); err != nil {
		return nil, err
	}
	return m, nil
}

// DecodeValidated decodes and validates.
func DecodeValidated(data []byte) (*Module, error) {
	m, err := Decode(data)
	if err == nil {
		err = Validate(m)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func header(b *buffer) error {
	p, err := b.bytes(4)
	if err != nil || !bytes.Equal(p, magic) {
		return malformed(0, "magic header not detected, expected the bytes 00 61 73 6d")
	}
	v, err := b.bytes(4)
	switch {
	case err != nil:
		return malformed(4, "unexpected end, expected the version 1")
	case bytes.Equal(v, componentVersion):
		return unsupported(4, "component-model", "this is a component, expected a core module")
	case !bytes.Equal(v, moduleVersion):
		return malformed(4, "unknown binary version % x, expected 01 00 00 00", v)
	}
	return nil
}

// moduleDecoder holds what is needed between sections.
type moduleDecoder struct {
	m    *Module
	last int // order of the last section that was no custom one
}

// section decodes one section.
func (d *moduleDecoder) section(b *buffer) error {
	at := b.offset()
	id, err := b.byte()
	if err != nil {
		return err
	}
	size, err := b.u32()
	if err != nil {
		return err
	}
	start := b.offset()
	data, err := b.bytes(size)
	if err != nil {
		return malformed(at, "section %d of %d bytes, unexpected end: only %d bytes left", id, size, b.left())
	}
	body := &buffer{data: data, base: start}
	switch {
	case id == secCustom:
		return d.m.decodeCustom(body)
	case int(id) >= len(sections):
		return malformed(at, "malformed section id %d", id)
	}
	s := &sections[id]
	if s.order <= d.last {
		return malformed(at, "unexpected content after last section: %s section out of order or repeated", s.name)
	}
	d.last = s.order
	d.m.spaces.sections[id] = start
	if err := s.decode(d.m, body); err != nil {
		return err
	}
	if !body.done() {
		return malformed(body.offset(), "section size mismatch: %d bytes after the end of the %s section's content", body.left(), s.name)
	}
	return nil
}

// finish checks what spans sections.
func (d *moduleDecoder) finish(b *buffer) error {
	m := d.m
	for i := range m.Funcs {
		if m.Funcs[i].Body == nil {
			return malformed(b.offset(), "function and code section have inconsistent lengths: %d functions, no code", len(m.Funcs))
		}
	}
	if m.DataCount != nil && int64(*m.DataCount) != int64(len(m.Data)) {
		return malformed(b.offset(), "data count and data section have inconsistent lengths: %d announced, %d found", *m.DataCount, len(m.Data))
	}
	return nil
}

func (m *Module) decodeCustom(b *buffer) error {
	name, err := b.name()
	if err != nil {
		return err
	}
	m.Customs = append(m.Customs, Custom{Name: name, Data: b.data[b.pos:], Offset: b.offset()})
	return nil
}
