package wasm

import (
	"errors"
	"fmt"
	"math"
	"testing"
)

// TestReader reads one instruction of each kind of immediates.
func TestReader(t *testing.T) {
	for _, c := range []struct {
		code []byte
		want string // "" when refused
	}{
		{[]byte{0x01}, "nop"},
		{[]byte{0x02, 0x40}, "block empty"},
		{[]byte{0x03, 0x7e}, "loop i64"},
		{[]byte{0x04, 0x6f}, "if externref"},
		{[]byte{0x02, 0x80, 0x01}, "block type 128"},
		{[]byte{0x02, 0xff, 0xff, 0xff, 0xff, 0x0f}, "block type 4294967295"},
		{[]byte{0x02, 0x7a}, ""},
		{[]byte{0x02, 0xc0, 0x7f}, ""}, // 0x40 in two bytes
		{[]byte{0x0d, 0x85, 0x00}, "br_if 5"},
		{[]byte{0x0e, 0x02, 1, 2, 3}, "br_table [1 2 3]"},
		{[]byte{0x0e, 0x02, 1, 2}, ""},
		{[]byte{0x11, 4, 5}, "call_indirect 4 5"},
		{[]byte{0x13, 4, 5}, "return_call_indirect 4 5"},
		{[]byte{0x1c, 1, 0x7d}, "select [f32]"},
		{[]byte{0x28, 2, 0x80, 0x80, 0x04}, "i32.load align 2 offset 65536"},
		{[]byte{0x28, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}, "i32.load align 0 offset 4294967295"},
		{[]byte{0x28, 0, 0xff, 0xff, 0xff, 0xff, 0x1f}, ""},
		{[]byte{0x28, 0x20, 0}, ""},
		{[]byte{0x41, 0x80, 0x80, 0x80, 0x80, 0x78}, "i32.const 80000000"},
		{[]byte{0x41, 0x7f}, "i32.const ffffffff"},
		{[]byte{0x41, 0xff, 0xff, 0xff, 0xff, 0x07}, "i32.const 7fffffff"},
		{[]byte{0x41, 0xff, 0xff, 0xff, 0xff, 0x0f}, ""}, // sign bits differ
		{[]byte{0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, ""},
		{[]byte{0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, "i64.const 8000000000000000"},
		{[]byte{0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, ""},
		{[]byte{0x43, 0, 0, 0xa0, 0x7f}, "f32.const 7fa00000"},
		{[]byte{0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, fmt.Sprintf("f64.const %x", math.Float64bits(1.5))},
		{[]byte{0xd0, 0x70}, "ref.null funcref"},
		{[]byte{0xd0, 0x7f}, ""},
		{[]byte{0xfc, 0x08, 3, 0}, "memory.init 3"},
		{[]byte{0xfc, 0x0a, 0, 0}, "memory.copy"},
		{[]byte{0xfc, 0x0b, 0x80}, ""},
		{[]byte{0xfc, 0x8e, 0x00, 1, 2}, "table.copy 1 2"},
		{[]byte{0xfc, 0x12}, ""},
		{[]byte{0xfd, 0x0c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, "v128.const [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15]"},
		{[]byte{0xfd, 0x15, 3}, "i8x16.extract_lane_s lane 3"},
		{[]byte{0xfd, 0x80, 2}, "i8x16.relaxed_swizzle"},
		{[]byte{0xfd, 0x94, 2}, ""}, // behind the last one
		{[]byte{0xfd, 0x80, 4}, ""},
		{[]byte{0xfd, 0xd4, 0x01, 1, 2, 9}, ""}, // a hole in the table: 0xd4
		{[]byte{0xfd, 0x57, 1, 2, 1}, "v128.load64_lane align 1 offset 2 lane 1"},
		{[]byte{0xfe, 0x03, 0}, "atomic.fence"},
		{[]byte{0xfe, 0x03, 1}, ""},
		{[]byte{0xfe, 0x1e, 2, 0}, "i32.atomic.rmw.add align 2 offset 0"},
		{[]byte{0xff}, ""},
		{[]byte{0x27}, ""},
		{nil, ""},
	} {
		r := NewReader(c.code, 100)
		in, err := r.Next()
		var e *Error
		switch {
		case c.want == "" && err == nil:
			t.Errorf("% x: read as %q, expected an error", c.code, show(in))
		case c.want == "" && (!errors.As(err, &e) || e.Offset < 100 || e.Offset > 100+len(c.code)):
			t.Errorf("% x: bad error %v", c.code, err)
		case c.want != "" && err != nil:
			t.Errorf("% x: %v", c.code, err)
		case c.want != "" && (show(in) != c.want || !r.Done() || in.Offset != 100):
			t.Errorf("% x: read as %q, expected %q", c.code, show(in), c.want)
		}
	}
}

func show(in Instr) string {
	s := in.Op.String()
	switch in.Op.Info().Imm {
	case ImmBlock:
		s += " " + in.Block.String()
	case ImmLabel, ImmFunc, ImmLocal, ImmGlobal, ImmTable, ImmElem, ImmData, ImmMemoryInit:
		s += fmt.Sprint(" ", in.Index)
	case ImmBrTable:
		s += fmt.Sprint(" ", in.Targets)
	case ImmCallIndirect, ImmTableCopy, ImmTableInit:
		s += fmt.Sprint(" ", in.Index, " ", in.Index2)
	case ImmMemArg:
		s += fmt.Sprintf(" align %d offset %d", in.Align, in.MemOffset)
	case ImmMemArgLane:
		s += fmt.Sprintf(" align %d offset %d lane %d", in.Align, in.MemOffset, in.Lane)
	case ImmLane:
		s += fmt.Sprint(" lane ", in.Lane)
	case ImmConstI32, ImmConstI64, ImmConstF32, ImmConstF64:
		s += fmt.Sprintf(" %x", in.Value)
	case ImmV128, ImmShuffle:
		s += fmt.Sprint(" ", in.V128)
	case ImmRefType:
		s += " " + in.RefType.String()
	case ImmSelectT:
		s += fmt.Sprint(" ", in.Types)
	}
	return s
}

// TestOpcodeTable checks the table against itself.
func TestOpcodeTable(t *testing.T) {
	names := map[string]Opcode{}
	n := 0
	for page, prefix := range []Opcode{0, prefixBulk, prefixSIMD, prefixAtomic, prefixRelaxed} {
		for i := range opTable[page] {
			op := prefix<<8 | Opcode(i)
			info := op.Info()
			if info == nil {
				continue
			}
			n++
			if info.Op != op {
				t.Errorf("row %#x is at %#x", info.Op, op)
			}
			if other, ok := names[info.Name]; ok && info.Name != "select" {
				t.Errorf("%s is both %#x and %#x", info.Name, other, op)
			}
			names[info.Name] = op
			if mem := info.Imm == ImmMemArg || info.Imm == ImmMemArgLane; mem != (info.Width > 0) || mem && info.Width != 1<<info.Align {
				t.Errorf("%s: width %d, alignment %d", info.Name, info.Width, info.Align)
			}
		}
	}
	if rows := len(coreOps) + len(bulkOps) + len(simdOps) + len(atomicOps) + len(relaxedOps); n != rows {
		t.Errorf("%d opcodes from %d rows: one stands twice", n, rows)
	}
	if Opcode(0xfa12).Info() != nil || Opcode(0xfb00).Info() != nil {
		t.Error("opcode of an unknown prefix is in the table")
	}
}
