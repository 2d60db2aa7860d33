package emit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"vkernel/internal/wasm"
)

// Bounds of the C of a program, and of a file beyond what its bodies may take: declarations
// of functions can be much longer than the functions.
const (
	maxText  = 1 << 30
	fileText = 16 << 20
)

// files writes the C files: bodies in order, split by their bytes; import stubs and export
// thunks are in the first.
func (p *program) files() error {
	groups := p.split()
	total := 0
	for k, g := range groups {
		text, err := p.file(g, k == 0)
		if err != nil {
			return err
		}
		if total += len(text); total > maxText {
			return fmt.Errorf("the module expands to more than %d bytes of C", maxText)
		}
		name := p.opts.Prefix + strconv.Itoa(k) + ".c"
		p.out.Files = append(p.out.Files, File{name, text})
	}
	return nil
}

// group is the functions from from to to (not included) and the bytes of their bodies.
type group struct{ from, to, bytes int }

// split divides the functions into groups of about FileBytes. Where a group ends depends on how long the bodies
// before are, and on nothing else: if a function changes or is new, the groups around it end elsewhere, and the others
// are the same.
func (p *program) split() []group {
	least, most := p.opts.FileBytes/2, 2*p.opts.FileBytes
	groups := []group{{}}
	h := uint64(0)
	for i := range p.m.Funcs {
		g := &groups[len(groups)-1]
		size := len(p.m.Funcs[i].Body)
		g.to, g.bytes = i+1, g.bytes+size
		h = h<<16 ^ uint64(size)*0x9e3779b97f4a7c15 // the last four lengths
		at := int(h * 0xff51afd7ed558ccd >> 33 % uint64(max(least, 1)))
		if i+1 < len(p.m.Funcs) && (g.bytes >= most || g.bytes >= least && at < size) {
			groups = append(groups, group{from: i + 1, to: i + 1})
		}
	}
	return groups
}

// file writes the functions of a group, preceded by what they refer to.
func (p *program) file(g group, first bool) ([]byte, error) {
	limit := fileText + textPerByte*g.bytes
	refs := refs{map[uint32]bool{}}
	var body []byte
	var err error
	if first {
		body = p.stubs(body, refs)
		body = p.thunks(body, refs)
	}
	for i := g.from; i < g.to; i++ {
		if body, err = p.emitFunc(body, i, refs); err != nil {
			return nil, err
		}
		if len(body) > limit {
			return nil, tooMuch(g, limit)
		}
		refs.funcs[p.m.NumImportedFuncs()+uint32(i)] = true
	}
	head := p.head(refs, limit)
	if len(head)+len(body) > limit {
		return nil, tooMuch(g, limit)
	}
	return append(head, body...), nil
}

func tooMuch(g group, limit int) error {
	return fmt.Errorf("%d functions of %d bytes and the declarations they need expand to more than %d bytes of C", g.to-g.from, g.bytes, limit)
}

// head declares what a file refers to; it stops early at the limit of the file.
func (p *program) head(refs refs, limit int) []byte {
	b := []byte("#include \"vk.h\"\n")
	if p.simd {
		b = append(b, "#include \"vk_simd.h\"\n"...)
	}
	b = append(append(append(b, "#define VK_NAME(n) __asm__(\""...), p.opts.Prefix...), "\" #n)\n"...)
	for _, i := range slices.Sorted(maps.Keys(refs.funcs)) {
		if len(b) > limit {
			break
		}
		b = append(p.appendPrototype(b, i, ""), " VK_NAME(f"...)
		b = append(strconv.AppendUint(b, uint64(i), 10), ");\n"...)
	}
	return b
}

// stubs writes the imported functions: arguments to Args, out, and the result back.
func (p *program) stubs(b []byte, refs refs) []byte {
	for i := range p.m.NumImportedFuncs() {
		if p.setjmp[i] || p.sigsetjmp[i] {
			continue
		}
		refs.funcs[i] = true
		t, _ := p.m.FuncTypeOf(i)
		b = append(p.appendPrototype(b, i, " l"), " {\n"...)
		b = p.appendTaken(b, t, " l")
		slot := 0
		for k, typ := range t.Params {
			b = fmt.Appendf(b, "  ARG(%s, %d) = %s;\n", argType(typ), slot, argValue(typ, k))
			slot += slots(t.Params[k : k+1])
		}
		b = append(p.stubExit(b, i, t), "}\n"...)
	}
	return b
}

// argType and argValue say how an argument is stored: what is narrower than a word is
// extended with zeros.
func argType(t wasm.ValType) string {
	if t == wasm.V128 {
		return "v128"
	}
	return "u64"
}

func argValue(t wasm.ValType, k int) string {
	switch t {
	case wasm.F32:
		return fmt.Sprintf("i32_reinterpret_f32(l%d)", k)
	case wasm.F64:
		return fmt.Sprintf("i64_reinterpret_f64(l%d)", k)
	}
	return fmt.Sprintf("l%d", k)
}

func (p *program) stubExit(b []byte, i uint32, t wasm.FuncType) []byte {
	im := p.out.Program.Imports[i]
	if im.Module == "wali" && im.Name == "longjmp" {
		return append(b, "  vk_exit(VK_EXIT_LONGJMP, 0);\n  vk_trap_unreachable();\n"...)
	}
	exit := fmt.Sprintf("vk_exit(VK_EXIT_SYSCALL, %d)", i)
	if len(t.Results) == 0 {
		return append(b, "  "+exit+";\n"...)
	}
	switch t.Results[0] {
	case wasm.I32:
		exit = "(u32)" + exit
	case wasm.F32:
		exit = "f32_reinterpret_i32((u32)" + exit + ")"
	case wasm.F64:
		exit = "f64_reinterpret_i64(" + exit + ")"
	case wasm.V128:
		exit = "(" + exit + ", RESULT(v128, 0))"
	}
	return append(b, "  return "+exit+";\n"...)
}

// thunks writes the functions through which the engine calls exports and the start function.
func (p *program) thunks(b []byte, refs refs) []byte {
	k := 0
	for _, e := range p.m.Exports {
		if e.Kind != wasm.KindFunc {
			continue
		}
		b = p.thunk(b, "x"+strconv.Itoa(k), e.Index, refs)
		k++
	}
	switch {
	case p.startTrap != "":
		b = fmt.Appendf(b, "void start(void) VK_NAME(start);\nvoid start(void) {\n  %s();\n}\n", p.startTrap)
	case p.m.Start != nil:
		b = p.thunk(b, "start", *p.m.Start, refs)
	}
	return b
}

func (p *program) thunk(b []byte, name string, i uint32, refs refs) []byte {
	refs.funcs[i] = true
	t, _ := p.m.FuncTypeOf(i)
	b = fmt.Appendf(b, "void %s(void) VK_NAME(%s);\nvoid %s(void) {\n", name, name, name)
	var args []string
	slot := 0
	for k, typ := range t.Params {
		arg := fmt.Sprintf("ARG(%s, %d)", cType(typ), slot)
		if p.uniform.on { // some arguments go where others come from
			b = fmt.Appendf(b, "  %s a%d = %s;\n", cType(typ), k, arg)
			arg = "a" + strconv.Itoa(k)
		}
		args = append(args, arg)
		slot += slots(t.Params[k : k+1])
	}
	args = p.arguments(t, args, func(s string) { b = append(b, "  "+s+"\n"...) })
	throws := p.throws != nil && p.throws[i]
	if throws && len(t.Results) > 0 {
		b = fmt.Appendf(b, "  %s r;\n", cType(t.Results[0]))
	}
	b = append(b, "  [[clang::noinline]] "...)
	switch {
	case len(t.Results) == 0:
	case throws:
		b = append(b, "r = "...)
	default:
		b = fmt.Appendf(b, "RESULT(%s, 0) = ", resultType(t.Results[0]))
	}
	b = fmt.Appendf(b, "fn%d(%s);\n", i, strings.Join(args, ", "))
	if throws {
		b = append(b, "  if (IS_THROWN) vk_trap_uncaught();\n"...)
		if len(t.Results) > 0 {
			b = fmt.Appendf(b, "  RESULT(%s, 0) = r;\n", resultType(t.Results[0]))
		}
	}
	return append(b, "}\n"...)
}
