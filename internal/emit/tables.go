package emit

import (
	"fmt"

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
		f.p.addRef(in.Index)
		f.emit(f.temp(wasm.FuncRef), "FUNC_REF(fn", in.Index, ", ", f.p.typeID(in.Index), "u);")
		return true, f.p.refer(in.Index, "used as a reference")
	case wasm.OpTableGet:
		t, typ := a.tables[in.Index], f.elem(in.Index)
		i := f.pop()
		f.emit(f.temp(typ), "table_get(", t.offset, ", ", t.size(), ", ", t.mask, "u, ", i, ");")
	case wasm.OpTableSet:
		v, i := f.pop(), f.pop()
		f.emit("table_set(", in.Index, ", ", i, ", ", v, ");")
	case wasm.OpTableSize:
		f.emit(f.temp(wasm.I32), a.tables[in.Index].size(), ";")
	case wasm.OpTableGrow:
		n, v := f.pop(), f.pop()
		f.emit(f.temp(wasm.I32), "table_grow(", in.Index, ", ", v, ", ", n, ");")
	case wasm.OpTableFill:
		f.emit("table_fill(", in.Index, ", ", list(f.popN(3)), ");")
	case wasm.OpTableCopy:
		f.emit("table_copy(", in.Index, ", ", in.Index2, ", ", list(f.popN(3)), ");")
	case wasm.OpTableInit:
		f.emit("table_init(", in.Index2, ", ", in.Index, ", ", list(f.popN(3)), ");")
	case wasm.OpElemDrop:
		f.emit("elem_drop(", a.elems[in.Index].length, ");")
	case wasm.OpMemoryInit:
		f.emit("memory_init(", in.Index, ", ", list(f.popN(3)), ");")
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
