package emit

import (
	"fmt"
	"strconv"
	"strings"

	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

const maxResults = layout.MaxResults

// call translates call and call_indirect.
func (f *function) call(in *wasm.Instr) error {
	t, callee, err := f.callee(in)
	if err != nil {
		return err
	}
	args := ""
	if in.Op == wasm.OpCall && (f.p.setjmp[in.Index] || f.p.sigsetjmp[in.Index]) {
		args = list(f.popN(len(t.Params)))
	} else {
		args = f.arguments(t)
	}
	head := ""
	if len(t.Results) > 0 {
		head = f.temp(t.Results[0])
	}
	f.emit(head, callee, "(", args, ");")
	if f.p.calls.recursive(f.index, in) {
		f.emit("NOT_LAST;")
	}
	f.check(in)
	for k := 1; k < len(t.Results); k++ {
		f.emit(f.temp(t.Results[k]), "RESULT(", cType(t.Results[k]), ", ", uint32(k), ");")
	}
	return nil
}

// callee returns the type of what is called and the C expression of its address. It pops
// the index of an indirect call.
func (f *function) callee(in *wasm.Instr) (wasm.FuncType, string, error) {
	if in.Op == wasm.OpCall || in.Op == wasm.OpReturnCall {
		t, _ := f.p.m.FuncTypeOf(in.Index)
		switch {
		case f.p.setjmp[in.Index]:
			return t, "VK_SETJMP", nil
		case f.p.sigsetjmp[in.Index]:
			return t, "vk_setjmp", nil
		}
		f.refs.funcs[in.Index] = true
		if f.bound > BoundOuter {
			f.p.out.Calls[f.index] = append(f.p.out.Calls[f.index], in.Index)
		}
		if in.Index <= f.index {
			f.emit("OBSERVE;")
		}
		return t, "fn" + strconv.FormatUint(uint64(in.Index), 10), nil
	}
	t := f.p.m.Types[in.Index]
	if len(t.Results) > maxResults {
		return t, "", fmt.Errorf("%d results, at most %d are supported", len(t.Results), maxResults)
	}
	tab := f.p.area.tables[in.Index2]
	index := f.pop()
	form := "((%s)vk_callee(%d, %s, %du, %du, %s))"
	if f.bound > BoundOuter {
		form = calleeBound
	}
	return t, fmt.Sprintf(form, f.p.pointerType(t), tab.offset, tab.size(), tab.mask,
		f.p.typeIDs[in.Index], index.appendTo(nil)), nil
}

// calleeBound is vk_callee of runtime/vk_table.h for functions that the verifier refused: each
// type is compared by itself, with a number in the instruction, not with one that clang shares
// between calls and keeps on the stack.
const calleeBound = `((%s)({ s64 t_ = %d; u32 n_ = %s, m_ = %du, d_ = %du, i_ = %s; if (UNLIKELY(i_ >= n_)) vk_trap_table(); ` +
	`__asm__("" : "+r"(i_)); u64 e_ = ENTRY(t_, i_ & m_); u32 h_ = (u32)(e_ >> 32); __asm__("" : "+r"(h_)); ` +
	`if (UNLIKELY(h_ != d_)) vk_trap_element(e_); vk_text + (u32)e_; }))`

// arguments pops the arguments of a call of type t and gives their C text.
func (f *function) arguments(t wasm.FuncType) string {
	var args []string
	for _, o := range f.popN(len(t.Params)) {
		args = append(args, f.used(o))
	}
	return strings.Join(f.p.arguments(t, args, func(s string) { f.emit(s) }), ", ")
}

// list joins operands with commas.
func list(args []operand) string {
	var b []byte
	for i, a := range args {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = a.appendTo(b)
	}
	return string(b)
}

// pointerType is the C type of a pointer to a function of type t.
func (p *program) pointerType(t wasm.FuncType) string {
	return string(append(p.appendParams([]byte(resultOf(t)+" (*)("), t, ""), ')'))
}

func resultOf(t wasm.FuncType) string {
	if len(t.Results) == 0 {
		return "void"
	}
	return cType(t.Results[0])
}

// appendParams adds the types of the parameters, each with name and its number unless name
// is empty.
func (p *program) appendParams(b []byte, t wasm.FuncType, name string) []byte {
	if p.uniform.on {
		return p.appendUniform(b, name != "")
	}
	for i, typ := range t.Params {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, cType(typ)...)
		if name != "" {
			b = strconv.AppendInt(append(b, name...), int64(i), 10)
		}
	}
	if len(t.Params) == 0 {
		b = append(b, "void"...)
	}
	return b
}

// appendPrototype adds the declarator of function i; name is as for appendParams.
func (p *program) appendPrototype(b []byte, i uint32, name string) []byte {
	t, _ := p.m.FuncTypeOf(i)
	b = append(append(b, resultOf(t)...), " fn"...)
	b = append(strconv.AppendUint(b, uint64(i), 10), '(')
	return append(p.appendParams(b, t, name), ')')
}
