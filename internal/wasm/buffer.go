package wasm

import (
	"encoding/binary"
	"unicode/utf8"
)

// buffer is a cursor over a part of the file. base is the file offset of data[0], so that
// errors name places in the file. Reads past the end are malformed, never a panic.
type buffer struct {
	data []byte
	pos  int
	base int
}

func (b *buffer) offset() int { return b.base + b.pos }
func (b *buffer) left() int   { return len(b.data) - b.pos }
func (b *buffer) done() bool  { return b.pos == len(b.data) }

func (b *buffer) byte() (byte, error) {
	if b.done() {
		return 0, malformed(b.offset(), "unexpected end, expected a byte")
	}
	c := b.data[b.pos]
	b.pos++
	return c, nil
}

// bytes returns the next n bytes, not copied.
func (b *buffer) bytes(n uint32) ([]byte, error) {
	if uint64(n) > uint64(b.left()) {
		return nil, malformed(b.offset(), "unexpected end: %d bytes expected, %d left", n, b.left())
	}
	p := b.data[b.pos : b.pos+int(n) : b.pos+int(n)]
	b.pos += int(n)
	return p, nil
}

// u32 reads an unsigned LEB128 number of at most 32 bits.
func (b *buffer) u32() (uint32, error) {
	if b.pos < len(b.data) && b.data[b.pos] < 0x80 { // the common case
		b.pos++
		return uint32(b.data[b.pos-1]), nil
	}
	start := b.offset()
	var v uint32
	for shift := uint(0); ; shift += 7 {
		c, err := b.byte()
		if err != nil {
			return 0, err
		}
		if shift == 28 && c > 0x0f {
			return 0, malformed(start, "integer too long or too large for 32 bits")
		}
		v |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return v, nil
		}
	}
}

// signed reads a signed LEB128 number of at most the given bits (32, 33 or 64).
func (b *buffer) signed(bits uint) (int64, error) {
	start := b.offset()
	var v int64
	for shift := uint(0); ; shift += 7 {
		c, err := b.byte()
		if err != nil {
			return 0, err
		}
		v |= int64(c&0x7f) << shift
		if rest := bits - shift; rest <= 7 { // the last byte there may be
			// Bits beyond the number's sign bit must repeat it.
			sign := int8(c<<1) >> rest // c's payload, sign bit and above
			if c >= 0x80 || (sign != 0 && sign != -1) {
				return 0, malformed(start, "integer too long or too large for %d bits", bits)
			}
		}
		if c < 0x80 {
			if up := shift + 7; up < 64 {
				v = v << (64 - up) >> (64 - up)
			}
			return v, nil
		}
	}
}

func (b *buffer) fixed32() (uint32, error) {
	p, err := b.bytes(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(p), nil
}

func (b *buffer) fixed64() (uint64, error) {
	p, err := b.bytes(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(p), nil
}

// name reads a length-prefixed UTF-8 string.
func (b *buffer) name() (string, error) {
	n, err := b.u32()
	if err != nil {
		return "", err
	}
	at := b.offset()
	p, err := b.bytes(n)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(p) {
		return "", malformed(at, "malformed UTF-8 encoding in a name of %d bytes", n)
	}
	return string(p), nil
}

// count reads the length of a vector whose elements take at least min bytes each and of
// which there may be at most limit, so that a short file cannot ask for much memory.
func (b *buffer) count(what string, min, limit int) (int, error) {
	at := b.offset()
	n, err := b.u32()
	if err != nil {
		return 0, err
	}
	if uint64(n)*uint64(min) > uint64(b.left()) {
		return 0, malformed(at, "%d %s announced, unexpected end: only %d bytes left", n, what, b.left())
	}
	if uint64(n) > uint64(limit) {
		return 0, errAt(ErrLimit, at, "%d %s, at most %d are allowed", n, what, limit)
	}
	return int(n), nil
}
