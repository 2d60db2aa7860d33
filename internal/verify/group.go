package verify

// shifts are the operations of group 2.
var shifts = [8]op{opShift, opShift, opShift, opShift, opShl, opShr, opBad, opSar}

// group reads an instruction whose reg field is part of the opcode.
func (d *decoder) group(c, escape byte) bool {
	n := d.modrm >> 3 & 7
	in := d.in
	in.size = d.width()
	if escape == 0 && c&1 == 0 && c != 0x83 {
		in.size = 1
	}
	if escape == 0x0f {
		return d.group0f(c, n)
	}
	switch c {
	case 0x80, 0x81, 0x83:
		in.op = alu[n]
		d.toE(in.size)
		if c == 0x81 {
			return d.immediate(int(min(in.size, 4)))
		}
		return d.immediate(1)
	case 0xc0, 0xc1:
		in.op = shifts[n]
		d.toE(in.size)
		return in.op != opBad && d.immediate(1)
	case 0xd0, 0xd1:
		in.op, in.imm, in.hasImm = shifts[n], 1, true
		d.toE(in.size)
		return in.op != opBad
	case 0xd2, 0xd3:
		in.op = shifts[n]
		d.toE(in.size)
		return in.op != opBad
	case 0xc6, 0xc7:
		in.op = opMov
		d.toE(in.size)
		return n == 0 && d.immediate(int(min(in.size, 4)))
	case 0xf6, 0xf7:
		return d.group3(n)
	}
	return d.group5(c, n)
}

// group3 is test, not, neg and the multiplications and divisions with implied registers.
func (d *decoder) group3(n byte) bool {
	in := d.in
	switch n {
	case 0:
		in.op = opTest
		d.toE(in.size)
		return d.immediate(int(min(in.size, 4)))
	case 2:
		in.op = opNot
		d.toE(in.size)
	case 3:
		in.op = opNeg
		d.toE(in.size)
	case 4, 5, 6, 7:
		in.op = opMulDiv
		d.touch(reads, in.size)
		if !d.isMem() {
			in.src = d.general(d.rm(), in.size)
		}
	default:
		return false
	}
	return true
}

// group5 is inc and dec, and calls, jumps and pushes of a register; push of memory too.
func (d *decoder) group5(c, n byte) bool {
	in := d.in
	switch n {
	case 0, 1:
		if in.op = opInc; n == 1 {
			in.op = opDec
		}
		d.toE(in.size)
		return true
	case 2, 4:
		if in.op = opCallInd; n == 4 {
			in.op = opJmpInd
		}
		in.size = 8
		in.src = reg(d.rm())
		return c == 0xff && !d.isMem() && !d.opsize && d.rex&8 == 0
	case 6:
		in.op, in.size = opPush, 8
		d.touch(reads, 8)
		return c == 0xff && d.isMem() && !d.opsize
	}
	return false
}

func (d *decoder) group0f(c, n byte) bool {
	in := d.in
	switch c {
	case 0xba: // bt, bts, btr, btc by a constant, which is taken modulo the size
		if n < 4 {
			return false
		}
		if in.op = opShift; n == 4 {
			in.op = opCompare
		}
		in.cc = 0xa
		d.toE(in.size)
		return d.immediate(1)
	case 0xae: // fences
		in.op = opNop
		return !d.isMem() && n >= 5 && !d.opsize && d.rex == 0 && !in.locked && d.modrm&7 == 0
	case 0xc7: // cmpxchg8b, cmpxchg16b
		in.op = opMulDiv
		size := uint8(8)
		if d.rex&8 != 0 {
			size = 16
		}
		d.touch(reads|writes, size)
		in.locked = false
		return n == 1 && d.isMem() && !d.opsize
	}
	return false
}
