package emit

import (
	"fmt"
	"strconv"

	"vkernel/internal/wasm"
)

// size is the C expression of a table's current length.
func (t table) size() string {
	if t.fixed {
		return fmt.Sprintf("%du", t.min)
	}
	return fmt.Sprintf("AT(u32, %d)", t.length)
}

// tableInstr translates references, tables and segments; done is false for other
// instructions.
func (f *function) tableInstr(in *wasm.Instr) (done bool, err error) {
	a := &f.p.area
	switch in.Op {
	case wasm.OpRefNull:
		f.push(operand{kind: opConst, typ: in.RefType})
	case wasm.OpRefIsNull:
		v := f.pop()
		f.emit(f.temp(wasm.I32), "ref_is_null(", v, ");")
	case wasm.OpRefFunc:
		f.refs.funcs[in.Index] = true
		f.emit(f.temp(wasm.FuncRef), "FUNC_REF(fn", in.Index, ", ", f.p.typeID(in.Index), "u);")
		return true, f.p.refer(in.Index, "used as a reference")
	case wasm.OpTableGet:
		t, typ := a.tables[in.Index], f.elem(in.Index)
		i := f.pop()
		f.emit(f.temp(typ), "table_get(", t.offset, ", ", t.size(), ", ", i, ");")
	case wasm.OpTableSet:
		t := a.tables[in.Index]
		v, i := f.pop(), f.pop()
		f.emit("table_set(", t.offset, ", ", t.size(), ", ", i, ", ", v, ");")
	case wasm.OpTableSize:
		f.emit(f.temp(wasm.I32), a.tables[in.Index].size(), ";")
	case wasm.OpTableGrow:
		t := a.tables[in.Index]
		n, v := f.pop(), f.pop()
		f.emit(f.temp(wasm.I32), "table_grow(", t.offset, ", ", t.length, ", ", t.cap, "u, ", v, ", ", n, ");")
	case wasm.OpTableFill:
		t := a.tables[in.Index]
		args := f.popN(3)
		f.emit("table_fill(", t.offset, ", ", t.size(), ", ", list(args), ");")
	case wasm.OpTableCopy:
		d, s := a.tables[in.Index], a.tables[in.Index2]
		f.emit("table_copy(", d.offset, ", ", d.size(), ", ", s.offset, ", ", s.size(), ", ", list(f.popN(3)), ");")
	case wasm.OpTableInit:
		t, s := a.tables[in.Index2], a.elems[in.Index]
		f.emit("table_copy(", t.offset, ", ", t.size(), ", ", s.offset, ", AT(u32, ", s.length, "), ", list(f.popN(3)), ");")
	case wasm.OpElemDrop:
		f.emit("elem_drop(", a.elems[in.Index].length, ");")
	case wasm.OpMemoryInit:
		f.emit("memory_init(", f.segment(in.Index), ", ", a.data[in.Index], ", ", list(f.popN(3)), ");")
	case wasm.OpDataDrop:
		f.emit("data_drop(", a.data[in.Index], ");")
	default:
		return false, nil
	}
	return true, nil
}

func (f *function) elem(table uint32) wasm.ValType {
	t, _ := f.p.m.TableTypeOf(table)
	return t.Elem
}

// segment is the C name of a data segment; an active one is empty at run time.
func (f *function) segment(i uint32) string {
	if f.p.m.Data[i].Mode != wasm.Passive {
		return "vk_text"
	}
	f.refs.data[i] = true
	return "d" + strconv.FormatUint(uint64(i), 10)
}
