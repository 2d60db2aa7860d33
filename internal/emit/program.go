package emit

import (
	"fmt"
	"strconv"

	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// program is a module under translation.
type program struct {
	m    *wasm.Module
	opts Options
	out  *Output

	typeIDs    []uint32 // canonical id of each type of the module: equal types share one
	consts     []constant
	area       area
	startTrap  string     // what traps in place of the start function, if a segment does not fit
	scan       []funcScan // of each defined function
	simd       bool
	mapped     bool // pages may be mapped above memory.size
	shared     bool
	throws     []bool          // which functions may throw; nil if none can
	typeThrows []bool          // the same of indirect calls, by type id
	tags       []uint32        // identity of each tag, never 0
	payload    int             // most values that an exception has
	referred   map[uint32]bool // functions in Output.Refs

	setjmp, sigsetjmp map[uint32]bool // functions that are these imports

	calls   *callGraph
	uniform uniform // parameters of all functions, see tail.go
}

// Emit translates a module that wasm.Validate accepted.
func Emit(m *wasm.Module, opts Options) (*Output, error) {
	if opts.FileBytes <= 0 {
		opts.FileBytes = DefaultFileBytes
	}
	p := &program{m: m, opts: opts, out: &Output{Calls: map[uint32][]uint32{}}, referred: map[uint32]bool{}}
	for _, step := range []func() error{
		p.checkPrefix, p.imports, p.types, p.memory, p.tagIDs, p.scanBodies, p.uniformTypes, p.layoutArea, p.globals, p.elements, p.data, p.nullGuard, p.exports, p.files,
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("emit: %w", err)
		}
	}
	p.symbols()
	return p.out, nil
}

// checkPrefix makes sure that the only text that reaches C is ours.
func (p *program) checkPrefix() error {
	s := p.opts.Prefix
	if len(s) < 2 || s[0] != 'p' || s[len(s)-1] != '_' {
		return fmt.Errorf("symbol prefix %q, expected p<hex digits>_", s)
	}
	for _, c := range s[1 : len(s)-1] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("symbol prefix %q, expected p<hex digits>_", s)
		}
	}
	return nil
}

func (p *program) symbol(kind byte, i uint32) string {
	return p.opts.Prefix + string(kind) + strconv.FormatUint(uint64(i), 10)
}

// mapping names the imports that can put pages above memory.size.
var mapping = map[string]bool{"SYS_mmap": true, "SYS_mremap": true, "SYS_brk": true, "SYS_shmat": true}

func (p *program) imports() error {
	p.setjmp, p.sigsetjmp = map[uint32]bool{}, map[uint32]bool{}
	funcs := uint32(0)
	for i := range p.m.Imports {
		im := &p.m.Imports[i]
		switch im.Kind {
		case wasm.KindFunc:
			if err := p.importFunc(im, funcs); err != nil {
				return err
			}
			funcs++
		case wasm.KindMemory: // treated as defined
		case wasm.KindTable:
			return fmt.Errorf("import %q %q: imported tables are not supported", im.Module, im.Name)
		case wasm.KindGlobal: // globals gives it its value
		case wasm.KindTag:
			return fmt.Errorf("import %q %q: imported tags are not supported: no other module could throw them", im.Module, im.Name)
		default:
			return fmt.Errorf("import %q %q: imports of kind %d are not supported", im.Module, im.Name, im.Kind)
		}
	}
	return nil
}

func (p *program) importFunc(im *wasm.Import, index uint32) error {
	t := p.m.Types[im.Type]
	if slots(t.Params) > layout.MaxArgs || len(t.Results) > layout.MaxResults {
		return fmt.Errorf("import %q %q: %d parameters, %d results; at most %d and %d are supported",
			im.Module, im.Name, len(t.Params), len(t.Results), layout.MaxArgs, layout.MaxResults)
	}
	if im.Module == "wali" {
		switch {
		case mapping[im.Name]:
			p.mapped = true
		case im.Name == "setjmp" && signature(t) == "i:i":
			p.setjmp[index] = true
		case im.Name == "sigsetjmp" && signature(t) == "ii:i":
			p.sigsetjmp[index] = true
		case im.Name == "setjmp" || im.Name == "sigsetjmp" || im.Name == "longjmp" && signature(t) != "ii:":
			return fmt.Errorf("import %q %q: type %s, expected i:i, ii:i (sigsetjmp) or ii: (longjmp)", im.Module, im.Name, signature(t))
		}
	}
	p.out.Program.Imports = append(p.out.Program.Imports, layout.Import{Module: im.Module, Name: im.Name, Type: signature(t)})
	return nil
}

// slots is the number of Args words that values take: a v128 two, others one.
func slots(types []wasm.ValType) int {
	n := len(types)
	for _, t := range types {
		if t == wasm.V128 {
			n++
		}
	}
	return n
}

// signature is the text form of a function type, see layout.
func signature(t wasm.FuncType) string {
	s := make([]byte, 0, len(t.Params)+len(t.Results)+1)
	for _, v := range t.Params {
		s = append(s, v.Letter())
	}
	s = append(s, ':')
	for _, v := range t.Results {
		s = append(s, v.Letter())
	}
	return string(s)
}

// types gives equal function types one id, its place in Program.Types plus one.
func (p *program) types() error {
	ids := map[string]uint32{}
	for _, t := range p.m.Types {
		s := signature(t)
		if ids[s] == 0 {
			p.out.Program.Types = append(p.out.Program.Types, s)
			ids[s] = uint32(len(p.out.Program.Types))
		}
		p.typeIDs = append(p.typeIDs, ids[s])
	}
	return nil
}

// typeID is the canonical type id of function i.
func (p *program) typeID(i uint32) uint32 {
	t, _ := p.m.FuncTypeIndex(i)
	return p.typeIDs[t]
}

const maxPages = 65536

func (p *program) memory() error {
	mem := &p.out.Program.Memory
	if limits, ok := p.m.MemoryType(); ok {
		mem.Min, mem.Max, mem.Shared = limits.Min, maxPages, limits.Shared
		if limits.HasMax {
			mem.Max = limits.Max
		}
	}
	p.shared = mem.Shared
	return nil
}

func (p *program) exports() error {
	for _, e := range p.m.Exports {
		if e.Kind != wasm.KindFunc {
			continue
		}
		t, _ := p.m.FuncTypeOf(e.Index)
		if slots(t.Params) > layout.MaxArgs || len(t.Results) > layout.MaxResults {
			return fmt.Errorf("export %q: %d parameters, %d results; at most %d and %d are supported",
				e.Name, len(t.Params), len(t.Results), layout.MaxArgs, layout.MaxResults)
		}
		if err := p.refer(e.Index, "exported"); err != nil {
			return err
		}
		p.out.Thunks = append(p.out.Thunks, p.symbol('x', uint32(len(p.out.Thunks))))
		p.out.Program.Exports = append(p.out.Program.Exports, layout.Export{Name: e.Name, Type: signature(t)})
	}
	if p.m.Start != nil || p.startTrap != "" {
		p.out.Start = p.opts.Prefix + "start"
	}
	return nil
}

// refer checks a use of function i other than a call: setjmp cannot be called from a frame
// that is not its caller's.
func (p *program) refer(i uint32, how string) error {
	if p.setjmp[i] || p.sigsetjmp[i] {
		return fmt.Errorf("import wali.setjmp or sigsetjmp (function %d) is %s; it can only be called directly", i, how)
	}
	return nil
}

func (p *program) symbols() {
	names := p.m.FuncNames()
	for i := range p.m.NumFuncs() {
		name := names[i]
		if name == "" {
			name = "f" + strconv.Itoa(int(i))
		}
		p.out.Symbols = append(p.out.Symbols, Symbol{p.symbol('f', i), name})
	}
	for k, e := range p.out.Program.Exports {
		p.out.Symbols = append(p.out.Symbols, Symbol{p.out.Thunks[k], "export." + e.Name})
	}
}
