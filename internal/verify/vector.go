package verify

// vform says what a vector instruction does with its operands. V and W are vector registers;
// W and E may be memory.
type vform uint8

const (
	vRead     vform  = iota + 1 // reads W into V
	vFlags                      // compares W with V and sets the flags
	vWrite                      // writes V to W
	vWriteMem                   // writes V to memory only
	vReadMem                    // reads memory only
	vShift                      // shifts W, a register, by a constant
	vToG                        // reads W into a general register
	vToGReg                     // the same, W is a register
	vFromE                      // reads a general register or memory into V
	vToE                        // writes V to a general register or memory
	vStore                      // movnti: a general register to memory
	vCRC                        // crc32: into a general register
	sized     = 0xff            // size of a general operand: 4 or 8 by REX.W
)

// ventry is a vector opcode. sizes are those of memory operands by mandatory prefix: none,
// 66, F3, F2; 0 is refused.
type ventry struct {
	form  vform
	imm   bool
	sizes [4]uint8
}

// vrange gives a run of opcodes one entry.
type vrange struct {
	from, to byte
	ventry
}

var (
	all4   = [4]uint8{16, 16, 4, 8}
	packed = [4]uint8{16, 16, 0, 0}
	only66 = [4]uint8{0, 16, 0, 0}
	halves = [4]uint8{8, 8, 0, 0}
)

// vectors0f is SSE and SSE2 (and SSE3) of the map 0F. Not there: MMX, that is integer vectors
// without prefix, and maskmovdqu, which writes where rdi points.
var vectors0f = vectorMap([]vrange{
	{0x10, 0x10, ventry{vRead, false, all4}},
	{0x11, 0x11, ventry{vWrite, false, all4}},
	{0x12, 0x12, ventry{vRead, false, [4]uint8{8, 0, 16, 8}}}, // movlps or movhlps, movsldup, movddup
	{0x13, 0x13, ventry{vWriteMem, false, halves}},
	{0x14, 0x15, ventry{vRead, false, packed}},
	{0x16, 0x16, ventry{vRead, false, [4]uint8{8, 0, 16, 0}}}, // movhps or movlhps, movshdup
	{0x17, 0x17, ventry{vWriteMem, false, halves}},
	{0x28, 0x28, ventry{vRead, false, packed}},
	{0x29, 0x29, ventry{vWrite, false, packed}},
	{0x2a, 0x2a, ventry{vFromE, false, [4]uint8{0, 0, sized, sized}}}, // cvtsi2ss, cvtsi2sd
	{0x2b, 0x2b, ventry{vWriteMem, false, packed}},
	{0x2c, 0x2d, ventry{vToG, false, [4]uint8{0, 0, 4, 8}}},
	{0x2e, 0x2f, ventry{vFlags, false, [4]uint8{4, 8, 0, 0}}},
	{0x50, 0x50, ventry{vToGReg, false, packed}},
	{0x51, 0x51, ventry{vRead, false, all4}},
	{0x52, 0x53, ventry{vRead, false, [4]uint8{16, 0, 4, 0}}},
	{0x54, 0x57, ventry{vRead, false, packed}},
	{0x58, 0x59, ventry{vRead, false, all4}},
	{0x5a, 0x5a, ventry{vRead, false, [4]uint8{8, 16, 4, 8}}},
	{0x5b, 0x5b, ventry{vRead, false, [4]uint8{16, 16, 16, 0}}},
	{0x5c, 0x5f, ventry{vRead, false, all4}},
	{0x60, 0x6d, ventry{vRead, false, only66}},
	{0x6e, 0x6e, ventry{vFromE, false, [4]uint8{0, sized, 0, 0}}},
	{0x6f, 0x6f, ventry{vRead, false, [4]uint8{0, 16, 16, 0}}},
	{0x70, 0x70, ventry{vRead, true, [4]uint8{0, 16, 16, 16}}},
	{0x71, 0x73, ventry{vShift, true, only66}},
	{0x74, 0x76, ventry{vRead, false, only66}},
	{0x7c, 0x7d, ventry{vRead, false, [4]uint8{0, 16, 0, 16}}},
	{0x7e, 0x7e, ventry{vToE, false, [4]uint8{0, sized, 0, 0}}}, // with F3: movq, see vector
	{0x7f, 0x7f, ventry{vWrite, false, [4]uint8{0, 16, 16, 0}}},
	{0xc2, 0xc2, ventry{vRead, true, all4}},
	{0xc3, 0xc3, ventry{vStore, false, [4]uint8{sized, 0, 0, 0}}},
	{0xc4, 0xc4, ventry{vFromE, true, [4]uint8{0, 2, 0, 0}}},
	{0xc5, 0xc5, ventry{vToGReg, true, only66}},
	{0xc6, 0xc6, ventry{vRead, true, packed}},
	{0xd0, 0xd0, ventry{vRead, false, [4]uint8{0, 16, 0, 16}}},
	{0xd1, 0xd5, ventry{vRead, false, only66}},
	{0xd6, 0xd6, ventry{vWrite, false, [4]uint8{0, 8, 0, 0}}},
	{0xd7, 0xd7, ventry{vToGReg, false, only66}},
	{0xd8, 0xe5, ventry{vRead, false, only66}},
	{0xe6, 0xe6, ventry{vRead, false, [4]uint8{0, 16, 8, 16}}},
	{0xe7, 0xe7, ventry{vWriteMem, false, only66}},
	{0xe8, 0xef, ventry{vRead, false, only66}},
	{0xf0, 0xf0, ventry{vReadMem, false, [4]uint8{0, 0, 0, 16}}},
	{0xf1, 0xf6, ventry{vRead, false, only66}},
	{0xf8, 0xfe, ventry{vRead, false, only66}},
})

// vectors0f38 and vectors0f3a are SSSE3, SSE4.1 and SSE4.2 without string comparison.
var vectors0f38 = vectorMap([]vrange{
	{0x00, 0x0b, ventry{vRead, false, only66}},
	{0x10, 0x10, ventry{vRead, false, only66}},
	{0x14, 0x15, ventry{vRead, false, only66}},
	{0x17, 0x17, ventry{vFlags, false, only66}},
	{0x1c, 0x1e, ventry{vRead, false, only66}},
	{0x20, 0x20, ventry{vRead, false, [4]uint8{0, 8, 0, 0}}},
	{0x21, 0x21, ventry{vRead, false, [4]uint8{0, 4, 0, 0}}},
	{0x22, 0x22, ventry{vRead, false, [4]uint8{0, 2, 0, 0}}},
	{0x23, 0x23, ventry{vRead, false, [4]uint8{0, 8, 0, 0}}},
	{0x24, 0x24, ventry{vRead, false, [4]uint8{0, 4, 0, 0}}},
	{0x25, 0x25, ventry{vRead, false, [4]uint8{0, 8, 0, 0}}},
	{0x28, 0x29, ventry{vRead, false, only66}},
	{0x2a, 0x2a, ventry{vReadMem, false, only66}},
	{0x2b, 0x2b, ventry{vRead, false, only66}},
	{0x30, 0x30, ventry{vRead, false, [4]uint8{0, 8, 0, 0}}},
	{0x31, 0x31, ventry{vRead, false, [4]uint8{0, 4, 0, 0}}},
	{0x32, 0x32, ventry{vRead, false, [4]uint8{0, 2, 0, 0}}},
	{0x33, 0x33, ventry{vRead, false, [4]uint8{0, 8, 0, 0}}},
	{0x34, 0x34, ventry{vRead, false, [4]uint8{0, 4, 0, 0}}},
	{0x35, 0x35, ventry{vRead, false, [4]uint8{0, 8, 0, 0}}},
	{0x37, 0x41, ventry{vRead, false, only66}},
	{0xf0, 0xf1, ventry{vCRC, false, [4]uint8{0, 0, 0, sized}}},
})

var vectors0f3a = vectorMap([]vrange{
	{0x08, 0x09, ventry{vRead, true, only66}},
	{0x0a, 0x0a, ventry{vRead, true, [4]uint8{0, 4, 0, 0}}},
	{0x0b, 0x0b, ventry{vRead, true, [4]uint8{0, 8, 0, 0}}},
	{0x0c, 0x0f, ventry{vRead, true, only66}},
	{0x14, 0x14, ventry{vToE, true, [4]uint8{0, 1, 0, 0}}},
	{0x15, 0x15, ventry{vToE, true, [4]uint8{0, 2, 0, 0}}},
	{0x16, 0x16, ventry{vToE, true, [4]uint8{0, sized, 0, 0}}},
	{0x17, 0x17, ventry{vToE, true, [4]uint8{0, 4, 0, 0}}},
	{0x20, 0x20, ventry{vFromE, true, [4]uint8{0, 1, 0, 0}}},
	{0x21, 0x21, ventry{vRead, true, [4]uint8{0, 4, 0, 0}}},
	{0x22, 0x22, ventry{vFromE, true, [4]uint8{0, sized, 0, 0}}},
	{0x40, 0x42, ventry{vRead, true, only66}},
})

func vectorMap(ranges []vrange) (m [256]ventry) {
	for _, r := range ranges {
		for c := int(r.from); c <= int(r.to); c++ {
			m[c] = r.ventry
		}
	}
	return m
}

func (d *decoder) vector0f(c byte) bool {
	switch {
	case c == 0x7e && d.rep == 0xf3:
		return d.vector(ventry{vRead, false, [4]uint8{0, 0, 8, 0}}, c)
	case (c == 0x12 || c == 0x16) && d.opsize && d.rep == 0:
		return d.vector(ventry{vReadMem, false, [4]uint8{0, 8, 0, 0}}, c)
	}
	return d.vector(vectors0f[c], c)
}

func (d *decoder) vector38(which byte) bool {
	c, ok := d.byte()
	if !ok {
		return false
	}
	if which == 0x38 {
		return d.vector(vectors0f38[c], c)
	}
	return d.vector(vectors0f3a[c], c)
}

// vector reads the operands of a vector instruction.
func (d *decoder) vector(e ventry, c byte) bool {
	column := 0
	switch {
	case d.rep == 0xf3:
		column = 2
	case d.rep == 0xf2:
		column = 3
	case d.opsize:
		column = 1
	}
	size := e.sizes[column]
	in := d.in
	if size == 0 || in.locked || d.opsize && d.rep != 0 || !d.readModrm() {
		return false
	}
	general := uint8(4)
	if d.rex&8 != 0 {
		// Where it says nothing no compiler writes it, and disassemblers do not agree what it is.
		if general = 8; size != sized && e.form != vToG && e.form != vCRC {
			return false
		}
	}
	if size == sized {
		size = general
	}
	in.op = opSSE
	if !d.vectorOperands(e.form, c, size, general) {
		return false
	}
	return !e.imm || d.immediate(1)
}

func (d *decoder) vectorOperands(f vform, c byte, size, general uint8) bool {
	in := d.in
	switch f {
	case vRead:
		d.touch(reads, size)
	case vFlags:
		in.op = opCompare
		d.touch(reads, size)
	case vFromE:
		d.touch(reads, size)
		if !d.isMem() {
			in.src = reg(d.rm())
		}
	case vWrite:
		d.touch(writes, size)
	case vWriteMem:
		d.touch(writes, size)
		return d.isMem()
	case vReadMem:
		d.touch(reads, size)
		return d.isMem()
	case vShift: // 71, 72: shifts of words and doublewords; 73: of quadwords and of the whole
		n := d.modrm >> 3 & 7
		return !d.isMem() && (n == 2 || n == 6 || c != 0x73 && n == 4 || c == 0x73 && (n == 3 || n == 7))
	case vToG, vToGReg:
		in.dst, in.size = reg(d.regField()), general
		d.touch(reads, size)
		if f == vToGReg {
			in.bits = 16 // a word, or a bit of each lane,
			if c == 0x50 {
				in.bits = 4 // of which there are four, or two
				if d.opsize {
					in.bits = 2
				}
			}
		}
		return f == vToG || !d.isMem()
	case vToE:
		if d.isMem() {
			d.touch(writes, size)
		} else {
			in.dst, in.size = reg(d.rm()), general
			if size < 4 {
				in.bits = 8 * size // a lane, extended with zeros
			}
		}
	case vStore:
		d.touch(writes, size)
		in.src = reg(d.regField())
		return d.isMem()
	case vCRC: // which reads its destination, too
		in.op = opShift
		in.dst, in.size = reg(d.regField()), general
		if c == 0xf0 {
			size = 1
		}
		d.touch(reads, size)
		if !d.isMem() {
			in.src = reg(d.rm())
		}
	}
	return true
}
