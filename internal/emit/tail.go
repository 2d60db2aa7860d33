package emit

import (
	"fmt"
	"slices"
	"strconv"

	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// A tail call is a jump, and clang makes one (musttail) only of a call between functions of one
// C type. WebAssembly's tail calls may change the type of the parameters. In a module that
// does so all functions get the same parameters in C: as many registers for integers and for
// floating point as some type of the module needs, at most those of the calling convention.
// What does not fit goes through Args words; the callee takes it from there before it does
// anything else. Results are those of the type: both ends of a tail call have the same.
//
// Unused registers are set to 0. In the registers, a call by the function's own type is the same
// as one by these parameters: the engine calls handlers so.

// uniform says which parameters all functions have.
type uniform struct {
	on           bool
	ints, floats int
}

// Registers of the calling convention.
const (
	intRegisters   = 6
	floatRegisters = 8
)

// place is where a parameter goes: register r<n> or v<n>, or Args word n.
type place struct {
	kind byte // 'r', 'v' or 'w'
	n    int
}

// isFloat says whether a type is passed in a floating point register.
func isFloat(t wasm.ValType) bool { return t == wasm.F32 || t == wasm.F64 || t == wasm.V128 }

// places assigns the parameters of a type in order.
func places(params []wasm.ValType) []place {
	list := make([]place, len(params))
	ints, floats, words := 0, 0, 0
	for i, t := range params {
		switch {
		case isFloat(t) && floats < floatRegisters:
			list[i] = place{'v', floats}
			floats++
		case !isFloat(t) && ints < intRegisters:
			list[i] = place{'r', ints}
			ints++
		default:
			list[i] = place{'w', words}
			words += slots(params[i : i+1])
		}
	}
	return list
}

// tails looks for tail calls of function i that change the type of the parameters.
func (p *program) tails(i uint32, in *wasm.Instr) {
	if in.Op != wasm.OpReturnCall && in.Op != wasm.OpReturnCallIndirect || p.uniform.on {
		return
	}
	caller, _ := p.m.FuncTypeOf(i)
	callee, _ := p.m.FuncTypeOf(in.Index)
	if in.Op == wasm.OpReturnCallIndirect {
		callee = p.m.Types[in.Index]
	}
	p.uniform.on = !slices.Equal(callee.Params, caller.Params)
}

// uniformTypes counts the registers, if some tail call needs it.
func (p *program) uniformTypes() error {
	if !p.uniform.on {
		return nil
	}
	for _, t := range p.m.Types {
		for i, at := range places(t.Params) {
			switch at.kind {
			case 'r':
				p.uniform.ints = max(p.uniform.ints, at.n+1)
			case 'v':
				p.uniform.floats = max(p.uniform.floats, at.n+1)
			default:
				if at.n+slots(t.Params[i:i+1]) > layout.MaxArgs {
					return fmt.Errorf("a type of %d parameters; a module with tail calls between different types can have %d words beyond the registers",
						len(t.Params), layout.MaxArgs)
				}
			}
		}
	}
	return nil
}

// appendUniform adds the parameters that all functions have, with names or without.
func (p *program) appendUniform(b []byte, named bool) []byte {
	add := func(typ, name string, n int) {
		for k := range n {
			if b[len(b)-1] != '(' {
				b = append(b, ", "...)
			}
			b = append(b, typ...)
			if named {
				b = strconv.AppendInt(append(b, name...), int64(k), 10)
			}
		}
	}
	add("u64", " r", p.uniform.ints)
	add("v128", " v", p.uniform.floats)
	if p.uniform.ints+p.uniform.floats == 0 {
		b = append(b, "void"...)
	}
	return b
}

// appendTaken adds the declarations of a function's parameters, taken from where they were
// put; name is what stands between type and number.
func (p *program) appendTaken(b []byte, t wasm.FuncType, name string) []byte {
	if !p.uniform.on {
		return b
	}
	for i, at := range places(t.Params) {
		typ := cType(t.Params[i])
		b = fmt.Appendf(b, "  %s%s%d = ", typ, name, i)
		switch at.kind {
		case 'r':
			b = fmt.Appendf(b, "(%s)r%d;\n", typ, at.n)
		case 'v':
			b = fmt.Appendf(b, "TAKE_%s(v%d);\n", typ, at.n)
		default:
			b = fmt.Appendf(b, "ARG(%s, %d);\n", typ, at.n)
		}
	}
	return b
}

// arguments gives the C arguments of a call. Those that go through words are stored by the
// statements that store receives.
func (p *program) arguments(t wasm.FuncType, args []string, store func(statement string)) []string {
	if !p.uniform.on {
		return args
	}
	list := make([]string, p.uniform.ints+p.uniform.floats)
	for i := range list {
		list[i] = "0"
		if i >= p.uniform.ints {
			list[i] = "(v128){0}"
		}
	}
	for i, at := range places(t.Params) {
		typ := t.Params[i]
		switch at.kind {
		case 'r':
			list[at.n] = args[i]
		case 'v':
			list[p.uniform.ints+at.n] = "PASS_" + cType(typ) + "(" + args[i] + ")"
		default:
			store(fmt.Sprintf("ARG(%s, %d) = %s;", resultType(typ), at.n, args[i]))
		}
	}
	return list
}

// tailCall translates return_call and return_call_indirect. A frame that called setjmp takes
// its records with it.
func (f *function) tailCall(in *wasm.Instr) error {
	if in.Op == wasm.OpReturnCall && (f.p.setjmp[in.Index] || f.p.sigsetjmp[in.Index]) {
		call := *in
		call.Op = wasm.OpCall
		if err := f.call(&call); err != nil {
			return err
		}
		f.ret("")
		f.dead = true
		return nil
	}
	t, callee, err := f.callee(in)
	if err != nil {
		return err
	}
	args := f.arguments(t)
	if f.scan.setjmp {
		f.emit("AT(u32, VK_RECORDS) = records;")
	}
	f.emit("__attribute__((musttail)) return ", callee, "(", args, ");")
	f.dead = true
	return nil
}
