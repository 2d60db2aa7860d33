package verify

// operands reads the operands of a general instruction.
func (d *decoder) operands(e entry, c byte, escape byte) bool {
	in := d.in
	in.op = e.op
	switch e.form {
	case bad:
		return false
	case none:
		return d.implied(c)
	case jb, jz:
		return d.jump(e.form)
	case zv, zviv, zbib:
		return d.inOpcode(e, c)
	case alib, axiz:
		return d.accumulator(e.form)
	}
	if !d.readModrm() {
		return false
	}
	if e.form == group {
		return d.group(c, escape)
	}
	size := d.width()
	switch e.form {
	case ebgb, gbeb, eb, ebib, ebcl, ebone:
		size = 1
	}
	in.size = size
	switch e.form {
	case ebgb, evgv, evgvib, evgvcl:
		d.toE(size)
		in.src = d.general(d.regField(), size)
	case gbeb, gvev, gveviz, gvevib:
		d.toG(size, size)
	case gveb:
		d.toG(size, 1)
	case gvew:
		d.toG(size, 2)
	case gved:
		d.toG(size, 4)
	default:
		d.toE(size)
	}
	return d.finish(e, c, escape)
}

// toE sets the r/m field as destination, toG the reg field.
func (d *decoder) toE(size uint8) {
	in := d.in
	if !d.isMem() {
		in.dst = d.general(d.rm(), size)
		return
	}
	switch in.op {
	case opMov, opSet:
		d.touch(writes, size)
	case opCmp, opTest, opCompare:
		d.touch(reads, size)
	case opPad:
	default:
		d.touch(reads|writes, size)
	}
}

func (d *decoder) toG(size, srcSize uint8) {
	in := d.in
	in.dst, in.srcSize = d.general(d.regField(), size), srcSize
	if !d.isMem() {
		in.src = d.general(d.rm(), srcSize)
	} else if in.op != opLea {
		d.touch(reads, srcSize)
	}
}

// finish reads immediates and refuses what is special about single opcodes.
func (d *decoder) finish(e entry, c, escape byte) bool {
	in := d.in
	switch e.form {
	case evgvib, gvevib, ebib:
		if !d.immediate(1) {
			return false
		}
	case gveviz:
		if !d.immediate(int(min(in.size, 4))) {
			return false
		}
	}
	switch {
	case in.op == opLea:
		return d.isMem() && in.size >= 4
	case in.op == opCmpxchg && !d.isMem(): // no compiler makes it; what becomes of upper halves is not said
		return false
	case in.op == opXchg && d.isMem():
		in.locked = true
	case escape == 0x0f && (c == 0xa3 || c == 0xab || c == 0xb3 || c == 0xbb):
		return !d.isMem() // a bit number in a register reaches beyond the operand
	case in.op == opSext && e.form == gved:
		return in.size == 8
	}
	return true
}

// implied are instructions without a modrm byte.
func (d *decoder) implied(c byte) bool {
	in := d.in
	switch c {
	case 0x68, 0x6a: // push
		in.size = 8
		if d.opsize || d.rex != 0 {
			return false
		}
		if c == 0x6a {
			return d.immediate(1)
		}
		return d.immediate(4)
	case 0x98:
		in.dst, in.src, in.size = rax, rax, d.width()
		return true
	case 0x99:
		in.dst, in.size = rdx, d.width()
		return true
	}
	return !d.opsize && d.rex == 0 && !d.in.locked // ret, int3, ud2
}

func (d *decoder) jump(f form) bool {
	if d.opsize || d.rex != 0 || d.segment || d.in.locked {
		return false
	}
	if f == jb {
		return d.immediate(1)
	}
	return d.immediate(4)
}

// inOpcode has a register in the low bits of the opcode.
func (d *decoder) inOpcode(e entry, c byte) bool {
	in := d.in
	n := c&7 | d.rex&1<<3
	in.size = d.width()
	switch e.op {
	case opPush:
		in.src, in.size = reg(n), 8
		return !d.opsize && d.rex&0x0e == 0
	case opPop:
		in.dst, in.size = reg(n), 8
		return !d.opsize && d.rex&0x0e == 0
	case opXchg:
		in.dst, in.src = reg(n), rax
		return true
	case opShift: // bswap
		in.dst = reg(n)
		return in.size >= 4
	}
	size := int(in.size)
	if e.form == zbib {
		in.size, size = 1, 1
	}
	in.dst = d.general(n, in.size)
	return d.immediate(size)
}

func (d *decoder) accumulator(f form) bool {
	d.in.dst = rax
	if d.in.size = d.width(); f == alib {
		d.in.size = 1
	}
	return d.immediate(int(min(d.in.size, 4)))
}
