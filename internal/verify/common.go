package verify

import "encoding/binary"

// Most code consists of few forms: GS or no prefix, REX or none, one of the opcodes below, a register
// and a r/m field; pushes, pops, and direct jumps and calls. These are read at once; decodeCommon leaves all others,
// and all that is strange, to the decoder that knows all, and gives what that would give: a test compares the
// two.

// common are these opcodes; where the reg field chooses the operation, op is not that.
var common = buildCommon()

type commonEntry struct {
	form commonForm
	op   op
}

func buildCommon() [256]commonEntry {
	m := commonRM
	for i := range 16 {
		m[0x70+i] = commonEntry{jumpByte, opJcc}
		m[0x50+i] = commonEntry{pushPop, oneByte[0x50+i].op}
	}
	m[0xe8], m[0xe9], m[0xeb] = commonEntry{jumpLong, opCall}, commonEntry{jumpLong, opJmp}, commonEntry{jumpByte, opJmp}
	return m
}

var commonRM = [256]commonEntry{
	0x01: {regToRM, opAdd}, 0x09: {regToRM, opOr}, 0x21: {regToRM, opAnd}, 0x29: {regToRM, opSub}, 0x31: {regToRM, opXor},
	0x39: {regToRM, opCmp}, 0x85: {regToRM, opTest}, 0x89: {regToRM, opMov},
	0x03: {rmToReg, opAdd}, 0x0b: {rmToReg, opOr}, 0x23: {rmToReg, opAnd}, 0x2b: {rmToReg, opSub}, 0x33: {rmToReg, opXor},
	0x3b: {rmToReg, opCmp}, 0x8b: {rmToReg, opMov}, 0x8d: {rmToReg, opLea},
	0x83: {byteToRM, opBad}, 0x81: {longToRM, opBad}, 0xc7: {longToRM, opMov},
}

type commonForm uint8

const (
	uncommon commonForm = iota
	regToRM
	rmToReg
	byteToRM // a constant of 1 byte
	longToRM // of 4
	jumpByte // these have no r/m field
	jumpLong
	pushPop
)

// decodeCommon reads an instruction at the start of b, if it is one of the common ones.
func decodeCommon(b []byte, in *inst) bool {
	if len(b) < maxLength {
		return false
	}
	b = b[:maxLength]
	gs, rex, pos := b[0] == 0x65, byte(0), 0
	if gs {
		pos = 1
	}
	if b[pos]&0xf0 == 0x40 {
		rex = b[pos]
		pos++
	}
	c, modrm := b[pos], b[pos+1]
	e := &common[c]
	switch {
	case e.form == uncommon:
		return false
	case e.form >= jumpByte:
		return !gs && decodeShort(b[pos+1:], e, rex, c, in)
	}
	*in = inst{op: e.op, size: 4 + rex&8>>1, cc: c & 15, dst: noReg, src: noReg}
	m := &in.mem
	m.base, m.index = noReg, noReg
	pos += 2
	rm := noReg
	if modrm >= 0xc0 {
		rm = reg(modrm&7 | rex&1<<3)
	} else if n := m.read(b[pos:], modrm, rex); n >= 0 {
		pos += n
	} else {
		return false
	}
	field := modrm >> 3 & 7
	switch e.form {
	case regToRM:
		in.dst, in.src = rm, reg(field|rex&4<<1)
	case rmToReg:
		in.dst, in.src, in.srcSize = reg(field|rex&4<<1), rm, in.size
	case byteToRM:
		in.dst, in.imm, in.hasImm, in.op = rm, int64(int8(b[pos])), true, alu[field]
		pos++
	case longToRM:
		in.dst, in.imm, in.hasImm = rm, int64(int32(binary.LittleEndian.Uint32(b[pos:]))), true
		pos += 4
		if c == 0x81 {
			in.op = alu[field]
		} else if field != 0 {
			return false
		}
	}
	if rm == noReg {
		in.touch(e.form != rmToReg)
	} else if gs || in.op == opLea {
		return false
	}
	in.len, m.gs = uint8(pos), gs
	in.stack = in.dst == rsp || in.src == rsp || m.base == rsp && m.access == hasMem
	return !gs || m.access&(reads|writes) != 0 && !m.rip
}

// decodeShort reads a push, pop or direct jump of the opcode c, after which comes b.
func decodeShort(b []byte, e *commonEntry, rex, c byte, in *inst) bool {
	if rex != 0 && (e.form != pushPop || rex != 0x41) {
		return false
	}
	*in = inst{op: e.op, cc: c & 15, dst: noReg, src: noReg, len: 1, hasImm: true}
	in.mem.base, in.mem.index = noReg, noReg
	switch e.form {
	case jumpByte:
		in.imm, in.len = int64(int8(b[0])), 2
	case jumpLong:
		in.imm, in.len = int64(int32(binary.LittleEndian.Uint32(b))), 5
	default:
		in.hasImm, in.size, in.len = false, 8, 1+rex>>6
		if r := reg(c&7 | rex&1<<3); e.op == opPush {
			in.src, in.stack = r, r == rsp
		} else {
			in.dst, in.stack = r, r == rsp
		}
	}
	return true
}

// touch says what is done to a memory operand, which is the destination or the source.
func (in *inst) touch(destination bool) {
	m := &in.mem
	switch {
	case in.op == opLea:
		return
	case !destination || in.op == opCmp || in.op == opTest:
		m.access |= reads
	case in.op == opMov:
		m.access |= writes
	default:
		m.access |= reads | writes
	}
	m.size = in.size
}

// read reads a memory operand: what follows the modrm byte. It gives its length, or -1.
func (m *memory) read(b []byte, modrm, rex byte) int {
	m.access, m.scale = hasMem, 1
	mod, low := modrm>>6, modrm&7
	m.base = reg(low | rex&1<<3)
	n, size := 0, 0
	if low == 4 {
		if len(b) == 0 {
			return -1
		}
		sib := b[0]
		n = 1
		m.base = reg(sib&7 | rex&1<<3)
		m.index = reg(sib>>3&7 | rex&2<<2)
		m.scale = 1 << (sib >> 6)
		if m.index == rsp {
			m.index = noReg
		}
		if sib&7 == 5 && mod == 0 {
			m.base, size = noReg, 4
		}
	} else if low == 5 && mod == 0 {
		m.base, m.rip, size = noReg, true, 4
	}
	switch mod {
	case 1:
		size = 1
	case 2:
		size = 4
	}
	if len(b) < n+size {
		return -1
	}
	switch size {
	case 1:
		m.disp = int64(int8(b[n]))
	case 4:
		m.disp = int64(int32(binary.LittleEndian.Uint32(b[n:])))
	}
	return n + size
}
