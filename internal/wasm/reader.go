package wasm

// Reader walks the instructions of a function body or constant expression:
//
//	r := m.BodyReader(i)
//	for !r.Done() {
//		in, err := r.Next()
//		...
//	}
//
// It checks the binary format only; on a body that Validate accepted Next never fails.
type Reader struct {
	buf     buffer
	targets []uint32
	types   []ValType
	catches []Catch
}

// NewReader returns a Reader over code that starts at offset in the file.
func NewReader(code []byte, offset int) *Reader {
	r := &Reader{}
	r.Reset(code, offset)
	return r
}

// Reset makes r start anew over other code, keeping its buffers.
func (r *Reader) Reset(code []byte, offset int) {
	r.buf = buffer{data: code, base: offset}
}

// Done says whether all bytes were read.
func (r *Reader) Done() bool { return r.buf.done() }

// Offset is the place in the file of what comes next.
func (r *Reader) Offset() int { return r.buf.offset() }

// Limits of one instruction.
const (
	maxTargets     = 65520 // of br_table, as engines have it
	maxSelectTypes = 1000
	maxCatches     = 10_000 // of try_table
)

// Next reads the next instruction. Slices in it are valid until the next call.
func (r *Reader) Next() (Instr, error) {
	in := Instr{Offset: r.buf.offset()}
	op, err := r.opcode()
	if err != nil {
		return in, err
	}
	in.Op = op
	info := op.Info()
	if info == nil {
		return in, unknownOpcode(in.Offset, op)
	}
	if info.Imm != ImmNone {
		if err := r.immediates(info.Imm, &in); err != nil {
			return in, err
		}
	}
	return in, nil
}

func (r *Reader) opcode() (Opcode, error) {
	at := r.buf.offset()
	c, err := r.buf.byte()
	if err != nil || c < prefixBulk || c > prefixAtomic {
		return Opcode(c), err
	}
	n, err := r.buf.u32()
	if err != nil {
		return 0, err
	}
	if n > 0xff {
		if c == prefixSIMD && n>>8 == relaxedBase>>8 {
			return prefixRelaxed<<8 | Opcode(n&0xff), nil
		}
		return 0, malformed(at, "illegal opcode %#x %d", c, n)
	}
	return Opcode(c)<<8 | Opcode(n), nil
}

// immediates reads what follows an opcode.
func (r *Reader) immediates(imm Imm, in *Instr) (err error) {
	b := &r.buf
	switch imm {
	case ImmBlock:
		in.Block, err = r.blockType()
	case ImmLabel, ImmFunc, ImmLocal, ImmGlobal, ImmTable, ImmElem, ImmData, ImmTag:
		in.Index, err = b.u32()
	case ImmBrTable:
		err = r.brTable(in)
	case ImmCallIndirect, ImmTableCopy, ImmTableInit:
		if in.Index, err = b.u32(); err == nil {
			in.Index2, err = b.u32()
		}
	case ImmMemory, ImmFence:
		err = r.zeroByte(imm)
	case ImmMemoryCopy:
		if err = r.zeroByte(imm); err == nil {
			err = r.zeroByte(imm)
		}
	case ImmMemoryInit:
		if in.Index, err = b.u32(); err == nil {
			err = r.zeroByte(imm)
		}
	case ImmMemArg:
		err = r.memArg(in)
	case ImmMemArgLane:
		if err = r.memArg(in); err == nil {
			in.Lane, err = b.byte()
		}
	case ImmLane:
		in.Lane, err = b.byte()
	case ImmRefType:
		in.RefType, err = b.refType()
	case ImmSelectT:
		err = r.selectTypes(in)
	case ImmTryTable:
		if in.Block, err = r.blockType(); err == nil {
			err = r.catchClauses(in)
		}
	default:
		err = r.constant(imm, in)
	}
	return err
}

func (r *Reader) constant(imm Imm, in *Instr) error {
	var v int64
	var w uint32
	var err error
	switch imm {
	case ImmConstI32:
		v, err = r.buf.signed(32)
		in.Value = uint64(uint32(v))
	case ImmConstI64:
		v, err = r.buf.signed(64)
		in.Value = uint64(v)
	case ImmConstF32:
		w, err = r.buf.fixed32()
		in.Value = uint64(w)
	case ImmConstF64:
		in.Value, err = r.buf.fixed64()
	case ImmV128, ImmShuffle:
		var p []byte
		if p, err = r.buf.bytes(16); err == nil {
			copy(in.V128[:], p)
		}
	}
	return err
}

func (r *Reader) blockType() (BlockType, error) {
	b := &r.buf
	at := b.offset()
	if b.left() > 0 {
		// One byte with bit 6 set and bit 7 clear is negative: empty or a value type.
		switch c := b.data[b.pos]; {
		case c == 0x40:
			b.pos++
			return BlockEmpty, nil
		case c > 0x40 && c < 0x80:
			t, err := b.valType()
			return BlockType(t) - 0x80, err
		}
	}
	v, err := b.signed(33)
	if err == nil && v < 0 {
		err = malformed(at, "block type %d, expected a value type, 0x40 or a type index", v)
	}
	return BlockType(v), err
}

func (r *Reader) brTable(in *Instr) error {
	n, err := r.buf.count("branch targets", 1, maxTargets)
	if err != nil {
		return err
	}
	r.targets = r.targets[:0]
	for i := 0; i <= n; i++ { // and the default
		t, err := r.buf.u32()
		if err != nil {
			return err
		}
		r.targets = append(r.targets, t)
	}
	in.Targets = r.targets
	return nil
}

func (r *Reader) selectTypes(in *Instr) error {
	n, err := r.buf.count("select types", 1, maxSelectTypes)
	if err != nil {
		return err
	}
	r.types = r.types[:0]
	for i := 0; i < n; i++ {
		t, err := r.buf.valType()
		if err != nil {
			return err
		}
		r.types = append(r.types, t)
	}
	in.Types = r.types
	return nil
}

// catchClauses reads the clauses of try_table.
func (r *Reader) catchClauses(in *Instr) error {
	b := &r.buf
	n, err := b.count("catch clauses", 2, maxCatches)
	if err != nil {
		return err
	}
	r.catches = r.catches[:0]
	for i := 0; i < n; i++ {
		c := Catch{Offset: b.offset()}
		kind, err := b.byte()
		if err != nil {
			return err
		}
		if c.Kind = CatchKind(kind); c.Kind > CatchAllRef {
			return malformed(c.Offset, "malformed catch clause %#x, expected 0 to 3", kind)
		}
		if !c.Kind.All() {
			if c.Tag, err = b.u32(); err != nil {
				return err
			}
		}
		if c.Label, err = b.u32(); err != nil {
			return err
		}
		r.catches = append(r.catches, c)
	}
	in.Catches = r.catches
	return nil
}

// Bit of the alignment field that says that a memory index follows (multi-memory).
const memArgIndexed = 0x40

func (r *Reader) memArg(in *Instr) error {
	at := r.buf.offset()
	align, err := r.buf.u32()
	if err != nil {
		return err
	}
	switch {
	case align >= memArgIndexed && align < 2*memArgIndexed:
		return unsupported(at, "multi-memory", "memory index in an access")
	case align >= 32:
		return malformed(at, "malformed memory access flags %#x, expected an alignment below 2^32", align)
	}
	in.Align = align
	in.MemOffset, err = r.buf.u32()
	return err
}

// zeroByte reads a reserved byte, a place for a memory index in multi-memory.
func (r *Reader) zeroByte(imm Imm) error {
	at := r.buf.offset()
	c, err := r.buf.byte()
	switch {
	case err != nil || c == 0:
		return err
	case imm == ImmFence:
		return malformed(at, "found %#x, zero byte expected", c)
	case c < 0x80:
		return unsupported(at, "multi-memory", "memory index %d", c)
	}
	return malformed(at, "found %#x, zero byte expected", c)
}

// unknownOpcode names the proposal of an opcode that is not in the table.
func unknownOpcode(at int, op Opcode) error {
	switch op {
	case 0x14, 0x15, 0xd4, 0xd5, 0xd6:
		return unsupported(at, "function-references", "opcode %#x", uint16(op))
	case 0xd3, prefixGC:
		return unsupported(at, "gc", "opcode %#x", uint16(op))
	}
	if op > 0xff {
		return malformed(at, "illegal opcode %#x %#x", uint16(op>>8), uint16(op&0xff))
	}
	return malformed(at, "illegal opcode %#x", uint16(op))
}
