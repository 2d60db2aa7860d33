package gen

import (
	"strings"

	"vkernel/internal/wasm"
)

// rows lists the instructions of simple type by their result; statements are those without.
var rows, statements = func() (map[wasm.ValType][]*wasm.OpInfo, []*wasm.OpInfo) {
	byResult, none := map[wasm.ValType][]*wasm.OpInfo{}, []*wasm.OpInfo{}
	for op := range 0x10000 {
		info := wasm.Opcode(op).Info()
		if info == nil || !info.Simple || !generated(info) {
			continue
		}
		switch len(info.Results) {
		case 0:
			none = append(none, info)
		case 1:
			byResult[info.Results[0]] = append(byResult[info.Results[0]], info)
		}
	}
	return byResult, none
}()

// generated says whether an instruction of simple type is made from the table: not what waits,
// what another engine has not, and what is made elsewhere.
func generated(info *wasm.OpInfo) bool {
	switch info.Imm {
	case wasm.ImmNone, wasm.ImmMemArg, wasm.ImmMemArgLane, wasm.ImmLane, wasm.ImmShuffle:
	default:
		return false
	}
	return info.Op>>8 != 0xff && !strings.Contains(info.Name, "relaxed") && !strings.HasPrefix(info.Name, "memory.")
}

// expr makes an expression of a type.
func (f *body) expr(t wasm.ValType, depth int) {
	f.room--
	if depth <= 0 || f.room <= 0 {
		f.leaf(t)
		return
	}
	switch f.r.IntN(18) {
	case 0, 1:
		f.leaf(t)
	case 2:
		f.block(t, depth-1)
	case 3:
		f.choice(t, depth-1)
	case 4:
		f.selection(t, depth-1)
	case 5:
		f.call(t, depth-1)
	case 6:
		if l := f.local(t); l >= 0 {
			f.expr(t, depth-1)
			f.index(wasm.OpLocalTee, l)
			return
		}
		f.leaf(t)
	case 7:
		if t == wasm.I32 {
			f.size(depth - 1)
			return
		}
		f.instruction(t, depth-1)
	case 8:
		f.try([]wasm.ValType{t}, depth-1)
	default:
		f.instruction(t, depth-1)
	}
}

// leaf makes a constant, or reads a variable.
func (f *body) leaf(t wasm.ValType) {
	switch f.r.IntN(4) {
	case 0:
		if g := f.global(t); g >= 0 {
			f.index(wasm.OpGlobalGet, g)
			return
		}
	case 1, 2:
		if l := f.local(t); l >= 0 {
			f.index(wasm.OpLocalGet, l)
			return
		}
	}
	f.constant(t)
}

// constant makes a constant, references included.
func (f *body) constant(t wasm.ValType) {
	switch {
	case t == wasm.FuncRef && !f.chance(3):
		f.index(wasm.OpRefFunc, f.r.IntN(len(f.funcs)))
	case t.IsRef():
		f.op(wasm.OpRefNull)
		f.code.put(byte(t))
	default:
		constant(f.r, &f.code, t)
	}
}

// instruction takes a row of the table.
func (f *body) instruction(t wasm.ValType, depth int) {
	if t.IsRef() {
		if n := f.tableOf(t); n >= 0 && !f.inPlain {
			f.element(n, depth)
			f.index(wasm.OpTableGet, n)
			return
		}
		f.leaf(t)
		return
	}
	info := pick(f.r, rows[t])
	if info.Op.Atomic() && (!f.features.Atomics || f.inPlain) || info.Width > 0 && f.pages == 0 && !f.wild || f.inPlain && mayTrap(info.Name) {
		f.leaf(t)
		return
	}
	f.operands(info, depth)
	if madeNaN(info.Name) {
		f.canonical(t, info.Name)
	}
}

// mayTrap says whether arithmetic traps for some operands.
func mayTrap(name string) bool {
	return strings.Contains(name, ".div_") || strings.Contains(name, ".rem_") || strings.Contains(name, ".trunc_f") && !strings.Contains(name, "x")
}

// operands makes an instruction's operands and the instruction.
func (f *body) operands(info *wasm.OpInfo, depth int) {
	tame := mayTrap(info.Name) && !f.seldom(2)
	for i, p := range info.Params {
		switch {
		case i == 0 && info.Width > 0:
			f.address(info, depth)
			continue
		case tame && len(info.Params) == 1:
			f.small(p, depth)
			continue
		}
		f.expr(p, depth)
		if i == 1 && tame {
			f.positive(p)
		}
		if i == 1 && strings.HasSuffix(info.Name, "cmpxchg_u") { // wazero compares less than all bits
			f.mask(p, info.Width)
		}
	}
	f.op(info.Op)
	f.immediate(info)
}

// small makes a number that fits all integers.
func (f *body) small(t wasm.ValType, depth int) {
	f.expr(wasm.I32, depth)
	f.i32(8)
	f.op(wasm.OpI32ShrU)
	if t == wasm.F32 {
		f.op(wasm.OpF32ConvertI32S)
	} else {
		f.op(wasm.OpF64ConvertI32S)
	}
}

// positive makes a divisor of the number on the stack.
func (f *body) positive(t wasm.ValType) {
	if t == wasm.I32 {
		f.i32(0x7ffffff)
		f.op(wasm.OpI32And)
		f.i32(1)
		f.op(wasm.OpI32Or)
		return
	}
	f.code.op(wasm.OpI64Const)
	f.code.s(1<<50 - 1)
	f.op(wasm.OpI64And)
	f.code.op(wasm.OpI64Const)
	f.code.s(1)
	f.op(wasm.OpI64Or)
}

// mask keeps the low bytes of a number.
func (f *body) mask(t wasm.ValType, width uint8) {
	mask := int64(1)<<(8*width) - 1
	if t == wasm.I32 {
		f.i32(int64(int32(mask)))
		f.op(wasm.OpI32And)
		return
	}
	f.code.op(wasm.OpI64Const)
	f.code.s(mask)
	f.op(wasm.OpI64And)
}

// address is mostly within memory, and aligned where it must be.
func (f *body) address(info *wasm.OpInfo, depth int) {
	if f.inPlain {
		f.plainAddress()
		return
	}
	f.expr(wasm.I32, depth)
	if f.wild && f.chance(20) {
		return
	}
	mask := int64(0xffff)
	if info.Op.Atomic() && !f.seldom(20) {
		mask &^= int64(info.Width) - 1
	}
	f.i32(mask)
	f.op(wasm.OpI32And)
}

func (f *body) immediate(info *wasm.OpInfo) {
	lanes := func() byte {
		width := max(int(info.Width), laneWidth(info.Name))
		return byte(f.r.IntN(16 / width))
	}
	switch info.Imm {
	case wasm.ImmMemArg, wasm.ImmMemArgLane:
		align := int(info.Align)
		if !info.Op.Atomic() {
			align = f.r.IntN(align + 1)
		}
		f.code.u(uint64(align))
		f.code.u(f.offset(info))
		if info.Imm == wasm.ImmMemArgLane {
			f.code.put(lanes())
		}
	case wasm.ImmLane:
		f.code.put(lanes())
	case wasm.ImmShuffle:
		for range 16 {
			f.code.put(byte(f.r.IntN(32)))
		}
	}
}

// offset is that of an access to memory.
func (f *body) offset(info *wasm.OpInfo) uint64 {
	if f.wild && !f.inPlain && f.chance(30) {
		return uint64(I32(f.r)) &^ (uint64(info.Width) - 1)
	}
	return uint64(f.r.IntN(8)) << info.Align
}

// laneWidth is the size of a lane in bytes, by the name's shape: i16x8.
func laneWidth(name string) int {
	for shape, n := range map[string]int{"x16.": 1, "x8.": 2, "x4.": 4, "x2.": 8} {
		if strings.Contains(name, shape) {
			return n
		}
	}
	return 1
}

// madeNaN says whether an instruction may make a NaN whose bits are the engine's choice.
func madeNaN(name string) bool {
	kind, op, _ := strings.Cut(name, ".")
	if kind[0] != 'f' {
		return false
	}
	for _, exact := range []string{"abs", "neg", "copysign", "load", "reinterpret", "splat", "replace", "extract", "pmin", "pmax", "eq", "ne", "lt", "gt", "le", "ge"} {
		if strings.HasPrefix(op, exact) && op != "nearest" {
			return false
		}
	}
	return true
}

// canonical replaces NaNs in the value on the stack.
func (f *body) canonical(t wasm.ValType, name string) {
	switch t {
	case wasm.F32:
		l := f.scratch + scratchF32
		f.index(wasm.OpLocalTee, l)
		f.code.op(wasm.OpF32Const)
		f.code.put(0, 0, 0xc0, 0x7f)
		f.same(wasm.OpF32Eq, l)
		f.op(wasm.OpSelect)
	case wasm.F64:
		l := f.scratch + scratchF64
		f.index(wasm.OpLocalTee, l)
		f.code.op(wasm.OpF64Const)
		f.code.put(0, 0, 0, 0, 0, 0, 0xf8, 0x7f)
		f.same(wasm.OpF64Eq, l)
		f.op(wasm.OpSelect)
	default:
		f.canonicalLanes(name)
	}
}

func (f *body) canonicalLanes(name string) {
	l := f.scratch + scratchV128
	f.index(wasm.OpLocalTee, l)
	f.code.op(wasm.OpV128Const)
	eq := wasm.OpF32x4Eq
	if strings.HasPrefix(name, "f64x2") {
		eq = wasm.OpF64x2Eq
	}
	for range 2 {
		if eq == wasm.OpF64x2Eq {
			f.code.put(0, 0, 0, 0, 0, 0, 0xf8, 0x7f)
		} else {
			f.code.put(0, 0, 0xc0, 0x7f, 0, 0, 0xc0, 0x7f)
		}
	}
	f.same(eq, l)
	f.op(wasm.OpV128Bitselect)
}

// same compares a local with itself.
func (f *body) same(eq wasm.Opcode, l int) {
	f.index(wasm.OpLocalGet, l)
	f.index(wasm.OpLocalGet, l)
	f.op(eq)
}
