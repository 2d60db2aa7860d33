package verify

import "encoding/binary"

// decoder reads one instruction of at most 15 bytes.
type decoder struct {
	b   []byte
	pos int
	in  *inst

	opsize   bool // 66
	rep      byte // F2 or F3
	segment  bool // GS
	narrow   bool // 67: an address of 32 bits
	filler   bool // prefixes that only a nop may have
	rex      byte
	modrm    byte
	hasModrm bool
}

const maxLength = 15

// decode reads the instruction at the start of b. It knows what compilers make for the
// baseline of package aot and nothing else; all other bytes are refused, whatever a processor
// may make of them.
func decode(b []byte, in *inst) bool { return decodeCommon(b, in) || decodeAny(b, in) }

// decodeAny is decode for all instructions.
func decodeAny(b []byte, in *inst) bool {
	if len(b) > maxLength {
		b = b[:maxLength]
	}
	d := decoder{b: b, in: in}
	*in = inst{dst: noReg, src: noReg}
	in.mem.base, in.mem.index = noReg, noReg
	if !d.prefixes() || !d.opcode() {
		in.op = opBad
		return false
	}
	in.len = uint8(d.pos)
	if in.op == opBad || !d.fits() {
		return false
	}
	in.classify()
	return true
}

// fits checks what holds for all instructions: where the prefixes have a meaning.
func (d *decoder) fits() bool {
	in := d.in
	in.stack = in.dst == rsp || in.src == rsp || in.mem.base == rsp && in.mem.access == hasMem && in.op != opPad
	if d.filler && in.op != opPad {
		return false
	}
	if d.narrow && (!d.segment || !d.hasModrm) {
		return false
	}
	if d.segment {
		if in.mem.access&(reads|writes) == 0 || in.mem.rip {
			return false
		}
		in.mem.gs, in.mem.narrow = true, d.narrow
	}
	return true
}

func (d *decoder) prefixes() bool {
	for d.pos < len(d.b) {
		c := d.b[d.pos]
		if !isPrefix[c] {
			return true
		}
		switch {
		case c == 0x66:
			d.filler = d.filler || d.opsize
			d.opsize = true
		case c == 0xf2 || c == 0xf3:
			if d.rep != 0 {
				return false
			}
			d.rep = c
		case c == 0xf0:
			if d.in.locked {
				return false
			}
			d.in.locked = true
		case c == 0x65:
			if d.segment {
				return false
			}
			d.segment = true
		case c == 0x67:
			if d.narrow {
				return false
			}
			d.narrow = true
		case c == 0x2e:
			d.filler = true
		case c&0xf0 == 0x40:
			d.rex = c
			d.pos++
			return true
		}
		d.pos++
	}
	return false
}

// isPrefix are the bytes that prefixes knows.
var isPrefix = [256]bool{
	0x2e: true, 0x65: true, 0x66: true, 0x67: true, 0xf0: true, 0xf2: true, 0xf3: true,
	0x40: true, 0x41: true, 0x42: true, 0x43: true, 0x44: true, 0x45: true, 0x46: true, 0x47: true,
	0x48: true, 0x49: true, 0x4a: true, 0x4b: true, 0x4c: true, 0x4d: true, 0x4e: true, 0x4f: true,
}

func (d *decoder) byte() (byte, bool) {
	if d.pos >= len(d.b) {
		return 0, false
	}
	c := d.b[d.pos]
	d.pos++
	return c, true
}

func (d *decoder) immediate(n int) bool {
	if len(d.b)-d.pos < n {
		return false
	}
	p := d.b[d.pos:]
	switch n {
	case 1:
		d.in.imm = int64(int8(p[0]))
	case 2:
		d.in.imm = int64(int16(binary.LittleEndian.Uint16(p)))
	case 4:
		d.in.imm = int64(int32(binary.LittleEndian.Uint32(p)))
	case 8:
		d.in.imm = int64(binary.LittleEndian.Uint64(p))
	}
	d.pos += n
	d.in.hasImm = true
	return true
}

// width is the operand size of an instruction that follows the usual rule.
func (d *decoder) width() uint8 {
	switch {
	case d.rex&8 != 0:
		return 8
	case d.opsize:
		return 2
	}
	return 4
}

// general is a register field as a general register of a size.
func (d *decoder) general(n byte, size uint8) reg {
	if size == 1 && d.rex == 0 && n >= 4 && n < 8 {
		return reg(n-4) | highByte
	}
	return reg(n)
}

func (d *decoder) regField() byte { return d.modrm>>3&7 | d.rex&4<<1 }

// isMem tells whether the r/m field is a memory operand.
func (d *decoder) isMem() bool { return d.modrm < 0xc0 }

// rm is the r/m field as a register.
func (d *decoder) rm() byte { return d.modrm&7 | d.rex&1<<3 }

// readModrm reads the byte and the address that may follow it.
func (d *decoder) readModrm() bool {
	var ok bool
	if d.modrm, ok = d.byte(); !ok {
		return false
	}
	d.hasModrm = true
	if !d.isMem() {
		return true
	}
	n := d.in.mem.read(d.b[d.pos:], d.modrm, d.rex)
	if n < 0 {
		return false
	}
	d.pos += n
	return true
}

// touch declares what is done to the operand, if it is memory.
func (d *decoder) touch(a access, size uint8) {
	if d.in.mem.access != 0 {
		d.in.mem.access |= a
		d.in.mem.size = size
	}
}
