package wasmtest

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// expandImports rewrites an import section that has groups (name "", kind 0x7f or 0x7e)
// into the ordinary form. In the archive a section's count is that of single imports.
// What it does not understand it returns as it was.
func expandImports(module []byte) []byte {
	if len(module) < 8 {
		return module
	}
	for rest := module[8:]; len(rest) > 0; {
		start := len(module) - len(rest)
		c := cursor{data: rest}
		id := c.byte()
		body := c.bytes(c.u32())
		if c.err != nil {
			return module
		}
		if id == 2 {
			section, ok := expandSection(body)
			if !ok {
				return module
			}
			out := append([]byte{}, module[:start+1]...)
			out = binary.AppendUvarint(out, uint64(len(section)))
			out = append(out, section...)
			return append(out, c.data...)
		}
		rest = c.data
	}
	return module
}

func expandSection(body []byte) (out []byte, ok bool) {
	c := cursor{data: body}
	total := c.u32()
	out = binary.AppendUvarint(nil, uint64(total))
	grouped := false
	for n := uint32(0); n < total && c.err == nil; {
		module := c.name()
		name := c.name()
		if len(c.data) == 0 || len(name) != 1 || c.data[0] != 0x7f && c.data[0] != 0x7e {
			out = append(append(append(out, module...), name...), c.desc()...)
			n++
			continue
		}
		grouped = true
		var desc []byte
		same := c.byte() == 0x7e
		if same {
			desc = c.desc()
		}
		for k := c.u32(); k > 0 && c.err == nil; k-- {
			name := c.name()
			if !same {
				desc = c.desc()
			}
			out = append(append(append(out, module...), name...), desc...)
			n++
		}
	}
	return out, grouped && c.err == nil && len(c.data) == 0
}

// cursor reads parts of an import section; after an error it returns zeros.
type cursor struct {
	data []byte
	err  error
}

var errShort = errors.New("unexpected end")

func (c *cursor) bytes(n uint32) []byte {
	if c.err != nil || uint64(n) > uint64(len(c.data)) {
		c.err = errShort
		return nil
	}
	p := c.data[:n]
	c.data = c.data[n:]
	return p
}

func (c *cursor) byte() byte {
	if p := c.bytes(1); len(p) == 1 {
		return p[0]
	}
	return 0
}

func (c *cursor) u32() uint32 {
	v, n := binary.Uvarint(c.data)
	if n <= 0 || v > 1<<32-1 {
		c.err = errShort
		return 0
	}
	c.data = c.data[n:]
	return uint32(v)
}

// span returns the bytes that read consumes.
func (c *cursor) span(read func()) []byte {
	before := c.data
	read()
	return bytes.Clone(before[:len(before)-len(c.data)])
}

// name returns a name with its length.
func (c *cursor) name() []byte { return c.span(func() { c.bytes(c.u32()) }) }

// desc returns the kind and type of an import.
func (c *cursor) desc() []byte {
	return c.span(func() {
		switch kind := c.byte(); kind {
		case 0:
			c.u32()
		case 1:
			c.byte()
			c.limits()
		case 2:
			c.limits()
		case 3:
			c.bytes(2)
		case 4:
			c.byte()
			c.u32()
		default:
			c.err = errors.New("unknown kind of import")
		}
	})
}

func (c *cursor) limits() {
	flags := c.byte()
	for i := byte(0); i <= flags&1; i++ { // minimum, maximum; 64 bits wide at most
		_, n := binary.Uvarint(c.data)
		c.bytes(uint32(max(n, 0)))
	}
}
