package verify

// form says where the operands of an instruction are, in the letters of the processor's
// manuals: E is the r/m field, G the reg field, Z the opcode's low bits, V and W vectors,
// b a byte, v the operand size, I and J immediate and distance.
type form uint8

const (
	bad form = iota
	none
	ebgb
	evgv
	gbeb
	gvev
	alib
	axiz
	ebib
	eviz
	evib
	zv
	zviv
	zbib
	jb
	jz
	gveb
	gvew
	gved
	evcl
	ebcl
	ebone
	evone
	eb
	ev
	evgvib
	evgvcl
	gveviz
	gvevib
	group // the reg field chooses; see group.go
)

// entry describes an opcode of the one-byte map or of the map 0F.
type entry struct {
	form form
	op   op
}

// alu are the eight operations of the lowest opcodes and of group 1.
var alu = [8]op{opAdd, opOr, opAdc, opSbb, opAnd, opSub, opXor, opCmp}

// oneByte and twoByte are the maps; what is not set is refused.
var oneByte, twoByte = buildOneByte(), buildTwoByte()

func buildOneByte() (m [256]entry) {
	for i, op := range alu {
		at := 8 * i
		for k, f := range []form{ebgb, evgv, gbeb, gvev, alib, axiz} {
			m[at+k] = entry{f, op}
		}
		m[0x70+i], m[0x78+i] = entry{jb, opJcc}, entry{jb, opJcc}
		m[0x50+i], m[0x58+i] = entry{zv, opPush}, entry{zv, opPop}
		m[0x90+i] = entry{zv, opXchg}
		m[0xb0+i], m[0xb8+i] = entry{zbib, opMov}, entry{zviv, opMov}
	}
	for at, e := range map[int]entry{
		0x63: {gved, opSext}, 0x68: {none, opPush}, 0x69: {gveviz, opImulImm}, 0x6a: {none, opPush}, 0x6b: {gvevib, opImulImm},
		0x80: {group, opBad}, 0x81: {group, opBad}, 0x83: {group, opBad},
		0x84: {ebgb, opTest}, 0x85: {evgv, opTest}, 0x86: {ebgb, opXchg}, 0x87: {evgv, opXchg},
		0x88: {ebgb, opMov}, 0x89: {evgv, opMov}, 0x8a: {gbeb, opMov}, 0x8b: {gvev, opMov}, 0x8d: {gvev, opLea},
		0x98: {none, opCdqe}, 0x99: {none, opCwd}, 0xa8: {alib, opTest}, 0xa9: {axiz, opTest},
		0xc0: {group, opBad}, 0xc1: {group, opBad}, 0xc3: {none, opRet}, 0xc6: {group, opBad}, 0xc7: {group, opBad}, 0xcc: {none, opPad},
		0xd0: {group, opBad}, 0xd1: {group, opBad}, 0xd2: {group, opBad}, 0xd3: {group, opBad},
		0xe8: {jz, opCall}, 0xe9: {jz, opJmp}, 0xeb: {jb, opJmp},
		0xf6: {group, opBad}, 0xf7: {group, opBad}, 0xfe: {group, opBad}, 0xff: {group, opBad},
	} {
		m[at] = e
	}
	return m
}

func buildTwoByte() (m [256]entry) {
	for i := range 16 {
		m[0x40+i], m[0x80+i], m[0x90+i] = entry{gvev, opCmov}, entry{jz, opJcc}, entry{eb, opSet}
	}
	for i := range 8 {
		m[0xc8+i] = entry{zv, opShift} // bswap
	}
	for at, e := range map[int]entry{
		0x0b: {none, opTrap}, 0x1f: {ev, opPad},
		0xa3: {evgv, opCompare}, 0xab: {evgv, opShift}, 0xb3: {evgv, opShift}, 0xbb: {evgv, opShift}, 0xba: {group, opBad},
		0xa4: {evgvib, opShift}, 0xa5: {evgvcl, opShift}, 0xac: {evgvib, opShift}, 0xad: {evgvcl, opShift},
		0xae: {group, opBad}, 0xaf: {gvev, opImul}, 0xb0: {ebgb, opCmpxchg}, 0xb1: {evgv, opCmpxchg},
		0xb6: {gveb, opZext}, 0xb7: {gvew, opZext}, 0xbe: {gveb, opSext}, 0xbf: {gvew, opSext},
		0xb8: {gvev, opBits}, 0xbc: {gvev, opBits}, 0xbd: {gvev, opBits},
		0xc0: {ebgb, opXadd}, 0xc1: {evgv, opXadd}, 0xc7: {group, opBad},
	} {
		m[at] = e
	}
	return m
}

// opcode reads the opcode and what follows.
func (d *decoder) opcode() bool {
	c, ok := d.byte()
	if !ok {
		return false
	}
	if c != 0x0f {
		return d.general1(c)
	}
	if c, ok = d.byte(); !ok {
		return false
	}
	switch {
	case c == 0x38 || c == 0x3a:
		return d.vector38(c)
	case twoByte[c].form == bad:
		return d.vector0f(c)
	case d.rep != 0 && !(c == 0xb8 || c == 0xbc || c == 0xbd) || c == 0xb8 && d.rep != 0xf3 || d.rep == 0xf2:
		return false
	case c == 0x1f && d.in.locked:
		return false
	}
	d.in.cc = c & 15
	return d.operands(twoByte[c], c, 0x0f) && d.lockable()
}

func (d *decoder) general1(c byte) bool {
	if d.rep != 0 {
		if c == 0x90 && d.rep == 0xf3 && !d.opsize && d.rex == 0 && !d.in.locked { // pause
			d.in.op = opNop
			return true
		}
		return false
	}
	if c == 0x90 && d.rex&1 == 0 {
		d.in.op = opPad
		return !d.in.locked
	}
	d.in.cc = c & 15
	return d.operands(oneByte[c], c, 0) && d.lockable()
}

// lockable refuses lock where the processor would: without a memory destination.
func (d *decoder) lockable() bool {
	if !d.in.locked {
		return true
	}
	if d.in.mem.access&(reads|writes) != reads|writes {
		return false
	}
	switch d.in.op {
	case opAdd, opSub, opAnd, opOr, opXor, opAdc, opSbb, opInc, opDec, opNeg, opNot, opXchg, opCmpxchg, opXadd:
		return true
	case opShift: // of which only bts, btr, btc may be locked
		return d.in.hasImm && d.in.cc == 0xa
	}
	return false
}
