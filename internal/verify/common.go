package verify

import (
	"encoding/binary"
	"sync"
)

// Most code consists of few forms: GS or no prefix, REX or none, an opcode of a few dozens, a register and a
// r/m field. These are read at once, by tables and with few branches; decodeCommon leaves all others, and all
// that is strange, to the decoder that knows all, and gives what that would give: a test compares the two.

// commonEntry is an opcode, or one of the eight of a group.
type commonEntry struct {
	form   commonForm
	op     op
	access access // of the operand, if it is memory
	imm    uint8  // bytes of the constant: 0, 1 or 4
	source uint8  // bytes that are extended; 0: as many as the operation has
	byte   bool   // an operation of bytes
	group  uint8  // of grouped: where its eight are in commonGroups

	commonShape // made from these
}

// commonShape is how to read an opcode without many questions: each is an index or a mask.
type commonShape struct {
	heads    [2]head  // without and with REX.W
	memSize  [2]uint8 // of what is accessed, without and with REX.W
	dst, src uint8    // one of these: reg field, r/m field, none, in the opcode, rax
	noModrm  int      // none follows: this is where places says that
	length   int      // of opcode and modrm byte
	noRex    uint8    // bits of REX that are left to decodeAny
	refused  [2]uint8 // places that are refused, without and with GS
	highByte uint8    // a register that is one of these may be ah, ch, dh, bh
	quicks   [4]quick // by the operand, see place
}

const (
	ofField, ofRM, ofNone, ofOpcode, ofRax = 0, 1, 2, 3, 4

	withoutModrm = 256
)

// The kinds of places.
const (
	atReg = 1 << iota
	atRip
	atMemory
	atNone
)

type commonForm uint8

const (
	uncommon commonForm = iota
	regToRM
	rmToReg
	justRM  // a r/m field, or one and a constant
	grouped // the same; the reg field chooses the operation
	onRax   // rax and a constant; this and what follows have no r/m field
	jumpNear
	pushPop
	movImm
	alone
)

// common are the opcodes of the one-byte map, then those of the map 0F; commonGroups what a reg field
// chooses.
var (
	common       [512]commonEntry
	commonGroups [16][8]commonEntry
)

// prepare makes the tables, when something is verified: no other start of the program pays for them. Until then
// nothing is common.
var prepare = sync.OnceFunc(func() {
	buildCommon()
	buildGroups()
	buildPlaces()
})

func buildCommon() {
	m := &common
	for i, op := range alu {
		to, from := reads|writes, reads
		if op == opCmp {
			to = reads
		}
		m[8*i] = commonEntry{form: regToRM, op: op, access: to, byte: true}
		m[8*i+1] = commonEntry{form: regToRM, op: op, access: to}
		m[8*i+2] = commonEntry{form: rmToReg, op: op, access: from, byte: true}
		m[8*i+3] = commonEntry{form: rmToReg, op: op, access: from}
		m[8*i+4] = commonEntry{form: onRax, op: op, imm: 1, byte: true}
		m[8*i+5] = commonEntry{form: onRax, op: op, imm: 4}
	}
	for i := range 16 {
		m[0x70+i] = commonEntry{form: jumpNear, op: opJcc, imm: 1}
		m[0x180+i] = commonEntry{form: jumpNear, op: opJcc, imm: 4}
		m[0x140+i] = commonEntry{form: rmToReg, op: opCmov, access: reads}
		m[0x190+i] = commonEntry{form: justRM, op: opSet, access: writes, byte: true}
		m[0x50+i] = commonEntry{form: pushPop, op: oneByte[0x50+i].op}
	}
	for i := range 8 {
		m[0xb8+i] = commonEntry{form: movImm, op: opMov, imm: 4}
	}
	for c, e := range map[int]commonEntry{
		0x84: {form: regToRM, op: opTest, access: reads, byte: true},
		0x85: {form: regToRM, op: opTest, access: reads},
		0x88: {form: regToRM, op: opMov, access: writes, byte: true},
		0x89: {form: regToRM, op: opMov, access: writes},
		0x8a: {form: rmToReg, op: opMov, access: reads, byte: true},
		0x8b: {form: rmToReg, op: opMov, access: reads},
		0x8d: {form: rmToReg, op: opLea},
		0xa8: {form: onRax, op: opTest, imm: 1, byte: true}, 0xa9: {form: onRax, op: opTest, imm: 4},
		0x11f: {form: justRM, op: opPad},
		0x80:  {form: grouped, imm: 1, byte: true}, 0x81: {form: grouped, imm: 4}, 0x83: {form: grouped, imm: 1},
		0xc0: {form: grouped, imm: 1, byte: true}, 0xc1: {form: grouped, imm: 1},
		0xc6: {form: grouped, imm: 1, byte: true}, 0xc7: {form: grouped, imm: 4},
		0xf6: {form: grouped, byte: true}, 0xf7: {form: grouped}, 0xff: {form: grouped},
		0xe8: {form: jumpNear, op: opCall, imm: 4}, 0xe9: {form: jumpNear, op: opJmp, imm: 4}, 0xeb: {form: jumpNear, op: opJmp, imm: 1},
		0xc3: {form: alone, op: opRet}, 0xcc: {form: alone, op: opPad}, 0x10b: {form: alone, op: opTrap},
		0x1af: {form: rmToReg, op: opImul, access: reads},
		0x1b6: {form: rmToReg, op: opZext, access: reads, source: 1}, 0x1b7: {form: rmToReg, op: opZext, access: reads, source: 2},
		0x1be: {form: rmToReg, op: opSext, access: reads, source: 1}, 0x1bf: {form: rmToReg, op: opSext, access: reads, source: 2},
	} {
		m[c] = e
	}
	for i := range m {
		m[i].shape(uint8(i & 15))
	}
}

// buildGroups gives to each opcode of a group eight entries.
func buildGroups() {
	for c, group := 0, uint8(0); c < 256; c++ {
		e := common[c]
		if e.form != grouped {
			continue
		}
		m := &commonGroups[group]
		common[c].group = group
		group++
		for n := range 8 {
			g := e
			g.form, g.access = justRM, reads|writes
			switch c {
			case 0x80, 0x81, 0x83:
				if g.op = alu[n]; g.op == opCmp {
					g.access = reads
				}
			case 0xc0, 0xc1:
				g.op = shifts[n]
			case 0xc6, 0xc7:
				g.access = writes
				g.op = [8]op{opMov}[n]
			case 0xf6, 0xf7:
				g.op = [8]op{opTest, 2: opNot, 3: opNeg}[n]
				if g.op == opTest {
					g.access, g.imm = reads, [2]uint8{1, 4}[c&1]
				}
			case 0xff:
				g.op = [8]op{opInc, opDec}[n]
			}
			if g.op != opBad {
				g.shape(uint8(c & 15))
				m[n] = g
			}
		}
	}
}

// shape makes the shape of an opcode, of which cc are the lowest bits.
func (e *commonEntry) shape(cc uint8) {
	e.noModrm, e.dst, e.src = 0, ofNone, ofNone
	for w := range uint8(2) {
		h := head{op: e.op, size: 4 + 4*w, cc: cc, hasImm: e.imm != 0}
		if e.byte {
			h.size = 1
		}
		source := e.source
		if source == 0 {
			source = h.size
		}
		switch e.form {
		case rmToReg:
			h.srcSize = source
		case jumpNear, alone:
			h.size = 0
		case pushPop:
			h.size = 8
		}
		e.heads[w] = h
		if e.access != 0 {
			e.memSize[w] = source
		}
	}
	e.refused = [2]uint8{0, atReg | atRip | atNone}
	if e.access == 0 {
		e.refused[1] |= atMemory
	}
	if e.op == opLea {
		e.refused[0] = atReg
	}
	switch e.form {
	case regToRM:
		e.dst, e.src = ofRM, ofField
	case rmToReg:
		e.dst, e.src = ofField, ofRM
	case justRM:
		e.dst = ofRM
	case jumpNear, alone:
		e.noModrm, e.noRex = withoutModrm, 0x4f
	case pushPop:
		e.noModrm, e.noRex = withoutModrm, 0x0e
		if e.dst = ofOpcode; e.op == opPush {
			e.dst, e.src = ofNone, ofOpcode
		}
	case movImm:
		e.noModrm, e.noRex, e.dst = withoutModrm, 8, ofOpcode
	case onRax:
		e.noModrm, e.dst = withoutModrm, ofRax
	}
	if e.byte || e.source == 1 {
		e.highByte = 4 // 4 to 7: none else has this bit and not the next
	}
	e.length = 2 - e.noModrm/withoutModrm
	e.quicks = e.kinds()
}

// is tells whether a byte is one, as a number.
func is(c, one byte) int {
	n := 0
	if c == one {
		n = 1
	}
	return n
}

// decodeCommon reads an instruction at the start of b, if it is one of the common ones.
func decodeCommon(b []byte, in *inst) bool {
	if len(b) < 24 {
		return false
	}
	t := (*[24]byte)(b)
	first := binary.LittleEndian.Uint64(t[:]) // the shifts are quicker than to look again
	gs := is(byte(first), 0x65)
	first >>= gs * 8 & 63
	rex := byte(first)
	prefix := is(rex&0xf0, 0x40)
	if prefix == 0 {
		rex = 0
	}
	first >>= prefix * 8 & 63
	escape := is(byte(first), 0x0f)
	first >>= escape * 8 & 63
	c, modrm := byte(first), byte(first>>8)
	e := &common[escape<<8|int(c)]
	if e.form == grouped {
		e = &commonGroups[e.group&15][modrm>>3&7]
	}
	if e.form == uncommon || rex&e.noRex != 0 {
		return false
	}
	pos := gs + prefix + escape + e.length
	wide := rex >> 3 & 1
	high := rex & 1 << 3
	p := &places[max(int(modrm), e.noModrm)]
	if e.refused[gs]&p.kind != 0 {
		return false
	}
	in.head = e.heads[wide]
	in.mem = p.mem
	in.ran, in.local, in.at, in.target = false, false, 0, 0
	m := &in.mem
	m.access |= e.access & p.mask
	m.size = e.memSize[wide] & uint8(p.mask)
	m.gs = gs != 0
	base := p.mem.base | reg(high)
	disp, kind := p.disp, p.quick-2*uint8(gs)
	if p.sib {
		s := byte(first >> 16)
		pos++
		base = reg(s&7 | high)
		m.scale = 1 << (s >> 6)
		if x := reg(s>>3&7 | rex&2<<2); x != rsp {
			m.index = x
		}
		if s&7 == 5 && modrm < 0x40 {
			base, disp = noReg, 4
		}
		if base == rsp {
			kind -= uint8(gs ^ 1)
		}
	}
	m.base = base
	shift := 64 - 8*uint(disp)
	m.disp = int64(uint64(binary.LittleEndian.Uint32(t[pos&7:]))<<(shift&63)) >> (shift & 63) & dispMask[disp&7]
	pos += int(disp)
	shift = 64 - 8*uint(e.imm)
	in.imm = int64(uint64(binary.LittleEndian.Uint32(t[pos&15:]))<<(shift&63)) >> (shift & 63) & dispMask[e.imm&7]
	pos += int(e.imm)
	in.len = uint8(pos)
	operands := [8]reg{reg(modrm>>3&7 | rex&4<<1), p.rm | reg(high), noReg, reg(c&7 | high), rax}
	dst, src := operands[e.dst&7], operands[e.src&7]
	in.dst, in.src = dst, src
	if e.highByte != 0 && rex == 0 && (dst&0xfc == 4 || src&0xfc == 4) {
		return false
	}
	in.quick = e.quicks[kind&3]
	if in.stack = dst == rsp || src == rsp || base == rsp && m.access == hasMem && in.op != opPad; in.stack {
		in.quick = slow
	}
	if in.op == opXor && dst == src && in.quick == quickAlu {
		in.quick = quickZero
	}
	return pos <= maxLength
}

// dispMask is 0 for what has no bytes.
var dispMask = [8]int64{1: -1, 4: -1}

// place says what a modrm byte means, without what REX adds.
type place struct {
	mem   memory
	mask  access // all ones for memory
	kind  uint8
	rm    reg
	disp  uint8
	quick uint8 // the kind of operand: 0 a register or none, 1 GS, 2 the frame, 3 other memory
	sib   bool
}

// places is indexed by the modrm byte; the last is for opcodes without one.
var places [withoutModrm + 1]place

func buildPlaces() {
	for c := range places {
		p := &places[c]
		p.mem.base, p.mem.index, p.rm = noReg, noReg, noReg
		switch {
		case c >= withoutModrm:
			p.kind = atNone
		case c >= 0xc0:
			p.kind, p.rm = atReg, reg(c&7)
		default:
			p.kind, p.mask, p.quick = atMemory, 0xff, 3
			p.mem.access, p.mem.scale, p.mem.base = hasMem, 1, reg(c&7)
			p.disp, p.sib = [3]uint8{0, 1, 4}[c>>6], c&7 == 4
			if c < 0x40 && c&7 == 5 {
				p.mem.base, p.mem.rip, p.disp, p.kind = noReg, true, 4, atRip
			}
		}
	}
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
