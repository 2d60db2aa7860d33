package verify

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"

	"vkernel/internal/engine/layout"
)

// Text verifies native code. It reports the first thing that it cannot prove, as *Error where
// that has a place.
func Text(c *Code) (Stats, error) {
	v := &verifier{code: c, text: c.Text.Bytes, base: c.Text.Addr}
	return Stats{Funcs: len(c.Funcs), Bytes: len(c.Text.Bytes)}, v.run()
}

// Refused is Text for the builder: it lists all functions that are refused, the first reason of
// each. err is about anything else.
func Refused(c *Code) (refused []*Error, err error) {
	v := &verifier{code: c, text: c.Text.Bytes, base: c.Text.Addr, all: true}
	err = v.run()
	return v.refused, err
}

func (v *verifier) run() error {
	prepare()
	for _, step := range []func() error{v.place, v.list, v.checkStubs, v.programs, v.entries, v.gaps, v.walkAll} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// place checks where text and data lie: addresses are added and compared as signed numbers.
func (v *verifier) place() error {
	const most = 1 << 46
	if len(v.text) == 0 || uint64(len(v.text)) > 1<<31 || v.base > most {
		return fmt.Errorf("native code: %d bytes of text at %#x", len(v.text), v.base)
	}
	end := uint64(0)
	data := int64(0)
	for i, s := range v.code.Rodata {
		if s.Addr > most || s.Addr < end || s.Addr < v.base+uint64(len(v.text)) && v.base < s.Addr+uint64(len(s.Bytes)) {
			return fmt.Errorf("native code: read-only data at %#x is out of order or overlaps", s.Addr)
		}
		if i == 0 {
			v.roLow = s.Addr
		}
		end = s.Addr + uint64(len(s.Bytes))
		data += int64(len(s.Bytes))
	}
	// Far more than any compiler's output needs; time stays in proportion to the size.
	v.budget = 64*int64(len(v.text)) + data + 1<<20
	return nil
}

// list takes over the list of functions: in order, apart, in the text.
func (v *verifier) list() error {
	if len(v.code.Funcs) > maxFuncs {
		return fmt.Errorf("native code: %d functions", len(v.code.Funcs))
	}
	funcs := slices.Clone(v.code.Funcs)
	slices.SortStableFunc(funcs, func(a, b Func) int {
		switch {
		case a.Addr < b.Addr:
			return -1
		case a.Addr > b.Addr:
			return 1
		}
		return 0
	})
	v.funcs = make([]function, 0, len(funcs))
	for _, f := range funcs {
		off := f.Addr - v.base
		if f.Addr < v.base || f.Size == 0 || off >= uint64(len(v.text)) || f.Size > uint64(len(v.text))-off {
			return &Error{f.Name, f.Addr, f.Addr, fmt.Sprintf("a function of %d bytes that is not in the text", f.Size)}
		}
		g := function{name: f.Name, at: uint32(off), end: uint32(off + f.Size), program: -1}
		if n := len(v.funcs); n > 0 && g.at < v.funcs[n-1].end {
			if g.at == v.funcs[n-1].at && g.end == v.funcs[n-1].end {
				continue // another name for it
			}
			return &Error{f.Name, f.Addr, f.Addr, "the function overlaps " + v.funcs[n-1].name}
		}
		v.funcs = append(v.funcs, g)
	}
	v.index()
	return nil
}

// programs checks the metadata and says whose each function is.
func (v *verifier) programs() error {
	first := map[string]*layout.Program{}
	v.modules = map[string]int{}
	for i := range v.code.Meta.Programs {
		p := &v.code.Meta.Programs[i]
		if o := first[p.Module]; o != nil {
			if !sameCode(o, p) {
				return fmt.Errorf("native code: programs %q and %q are of one module and have not the same code", o.Name, p.Name)
			}
			continue
		}
		first[p.Module] = p
		v.modules[p.Module] = len(v.areas)
		if err := v.claim(p, len(v.areas)); err != nil {
			return err
		}
		a, err := v.newArea(p)
		if err != nil {
			return fmt.Errorf("native code: program %q: %w", p.Name, err)
		}
		v.areas = append(v.areas, a)
	}
	return nil
}

// claim makes the functions in a program's ranges its own.
func (v *verifier) claim(p *layout.Program, program int) error {
	for _, r := range p.Code {
		if r[0] > r[1] || uint64(r[1]) > uint64(len(v.text)) {
			return fmt.Errorf("native code: program %q: code [%#x, %#x) of %#x", p.Name, r[0], r[1], len(v.text))
		}
		n := sort.Search(len(v.funcs), func(i int) bool { return v.funcs[i].end > r[0] })
		for ; n < len(v.funcs) && v.funcs[n].at < r[1]; n++ {
			f := &v.funcs[n]
			if n < v.stubs || f.at < r[0] || f.end > r[1] || f.program >= 0 {
				return v.fail(f, f.at, "the function is not all program %q's", p.Name)
			}
			f.program = program
		}
	}
	return nil
}

// sameCode tells whether two programs are one module.
func sameCode(a, b *layout.Program) bool {
	x, y := *a, *b
	x.Name, y.Name = "", ""
	return reflect.DeepEqual(x, y)
}

// entries checks where the engine enters a program, which it does without arguments on the
// stack.
func (v *verifier) entries() error {
	list, _ := stubList()
	for i := range list {
		if list[i].name == "vk_enter" && list[i].at != v.code.Meta.Enter {
			return fmt.Errorf("native code: vk_enter is at %#x, not %#x", list[i].at, v.code.Meta.Enter)
		}
	}
	for i := range v.code.Meta.Programs {
		p := &v.code.Meta.Programs[i]
		starts := make([]uint32, 0, len(p.Exports)+1)
		for _, e := range p.Exports {
			starts = append(starts, e.Thunk)
		}
		if p.Start != 0 {
			starts = append(starts, p.Start)
		}
		for _, at := range starts {
			n := v.functionAt(int64(at))
			if n < 0 || v.funcs[n].program < 0 || v.funcs[n].program != v.modules[p.Module] {
				return fmt.Errorf("native code: program %q: an export's code, %#x, is not the start of a function of it", p.Name, at)
			}
			v.funcs[n].entered = true
		}
	}
	return nil
}

// gaps checks that between functions there is nothing but padding.
func (v *verifier) gaps() error {
	at := uint32(0)
	if v.stubs > 0 {
		_, text := stubList()
		at = uint32(len(text))
	}
	for i := v.stubs; i <= len(v.funcs); i++ {
		end, next := uint32(len(v.text)), uint32(0)
		if i < len(v.funcs) {
			end, next = v.funcs[i].at, v.funcs[i].end
		}
		var in inst
		for at < end {
			if !decode(v.text[at:end], &in) || in.op != opPad {
				if zeros(v.text[at:end]) {
					break
				}
				return v.fail(nil, at, "bytes between functions that are not padding")
			}
			at += uint32(in.len)
		}
		at = next
	}
	return nil
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// arguments finds out how many bytes of arguments on the stack each function and each type
// takes, and checks that against the types.
func (v *verifier) arguments() error {
	if v.spread(); v.budget < 0 {
		return errors.New("native code: the file takes too long to verify")
	}
	for i := range v.code.Meta.Programs {
		p := &v.code.Meta.Programs[i]
		for _, r := range p.Refs {
			f := &v.funcs[v.functionAt(int64(r.Code))]
			if most := stackBytes(p.Types[r.Type-1]); f.args > most {
				return v.fail(f, f.at, "the function takes %d bytes of arguments on the stack; its type, %s, has %d", f.args, p.Types[r.Type-1], most)
			}
		}
	}
	for i := range v.funcs {
		if f := &v.funcs[i]; f.entered && f.args > 0 {
			return v.fail(f, f.at, "an export's code takes %d bytes of arguments on the stack", f.args)
		}
	}
	return nil
}

// spread adds to each function's arguments those of what it tail-calls, and finds those of
// each type, until nothing changes: a number only rises, to one of those that are there.
func (v *verifier) spread() {
	var tails []int32
	for i := range v.funcs {
		if f := &v.funcs[i]; len(f.tails)+len(f.tailTypes) > 0 {
			tails = append(tails, int32(i))
		}
	}
	for changed := true; changed && v.budget >= 0; {
		changed = v.spreadTypes()
		for _, i := range tails {
			f := &v.funcs[i]
			most := f.args
			for _, n := range f.tails {
				most = max(most, v.funcs[n].args)
			}
			for _, t := range f.tailTypes {
				most = max(most, v.areas[f.program].args[t])
			}
			v.budget -= int64(len(f.tails) + len(f.tailTypes))
			if most > f.args {
				f.args, changed = most, true
			}
		}
	}
}

func (v *verifier) spreadTypes() (changed bool) {
	for i := range v.code.Meta.Programs {
		v.budget -= int64(len(v.code.Meta.Programs[i].Refs))
		for _, r := range v.code.Meta.Programs[i].Refs {
			f := &v.funcs[v.functionAt(int64(r.Code))]
			if a := &v.areas[f.program]; f.args > a.args[r.Type] {
				a.args[r.Type], changed = f.args, true
			}
		}
	}
	return changed
}
