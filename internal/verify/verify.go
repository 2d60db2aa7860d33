package verify

import (
	"fmt"
	"reflect"
	"slices"

	"vkernel/internal/engine/layout"
)

// Text verifies native code. It reports the first thing that it cannot prove, as *Error.
func Text(c *Code) (Stats, error) {
	v := &verifier{code: c, text: c.Text.Bytes, base: c.Text.Addr}
	stats := Stats{Funcs: len(c.Funcs), Bytes: len(c.Text.Bytes)}
	for _, step := range []func() error{v.place, v.list, v.checkStubs, v.programs, v.gaps, v.walkAll, v.arguments} {
		if err := step(); err != nil {
			return stats, err
		}
	}
	return stats, nil
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
	for _, f := range funcs {
		off := f.Addr - v.base
		if f.Addr < v.base || f.Size == 0 || off >= uint64(len(v.text)) || f.Size > uint64(len(v.text))-off {
			return &Error{f.Name, f.Addr, fmt.Sprintf("a function of %d bytes that is not in the text", f.Size)}
		}
		g := function{name: f.Name, at: uint32(off), end: uint32(off + f.Size), program: -1, room: manyArgs}
		if n := len(v.funcs); n > 0 && g.at < v.funcs[n-1].end {
			if g.at == v.funcs[n-1].at && g.end == v.funcs[n-1].end {
				continue // another name for it
			}
			return &Error{f.Name, f.Addr, "the function overlaps " + v.funcs[n-1].name}
		}
		v.funcs = append(v.funcs, g)
	}
	return nil
}

// programs checks the metadata and says whose each function is.
func (v *verifier) programs() error {
	ranges := map[[2]uint32]*layout.Program{}
	for i := range v.code.Meta.Programs {
		p := &v.code.Meta.Programs[i]
		if o := ranges[p.Code]; o != nil && p.Code[0] != p.Code[1] {
			if !sameCode(o, p) {
				return fmt.Errorf("native code: programs %q and %q have the same code and not the same area", o.Name, p.Name)
			}
			continue
		}
		ranges[p.Code] = p
		a, err := v.newArea(p)
		if err != nil {
			return fmt.Errorf("native code: program %q: %w", p.Name, err)
		}
		for _, o := range v.areas {
			if a.from < o.to && o.from < a.to {
				return fmt.Errorf("native code: program %q: its code overlaps another program's", p.Name)
			}
		}
		for n := range v.funcs {
			if f := &v.funcs[n]; f.at < a.to && a.from < f.end {
				if n < v.stubs || f.at < a.from || f.end > a.to {
					return v.fail(f, f.at, "the function is in part program %q's", p.Name)
				}
				f.program = len(v.areas)
			}
		}
		v.areas = append(v.areas, a)
	}
	return v.entries()
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
			if n < 0 || at < p.Code[0] || at >= p.Code[1] {
				return fmt.Errorf("native code: program %q: an export's code, %#x, is not the start of a function of it", p.Name, at)
			}
			v.funcs[n].room = 0
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
			if (!decode(v.text[at:end], &in) || in.op != opPad) && !zeros(v.text[at:end]) {
				return v.fail(nil, at, "bytes between functions that are not padding")
			}
			at += max(1, uint32(in.len))
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

func (v *verifier) walkAll() error {
	w := &walker{v: v}
	for i := v.stubs; i < len(v.funcs); i++ {
		if err := w.function(&v.funcs[i]); err != nil {
			return err
		}
	}
	return nil
}

// arguments checks that what each function takes for its arguments on the stack is that in
// all of its callers.
func (v *verifier) arguments() error {
	for i := range v.code.Meta.Programs {
		p := &v.code.Meta.Programs[i]
		for _, r := range p.Refs {
			f := &v.funcs[v.functionAt(int64(r.Code))]
			a := &v.areas[f.program]
			a.args[r.Type] = max(a.args[r.Type], stackBytes(p.Types[r.Type-1]))
		}
	}
	v.spread()
	for i := range v.code.Meta.Programs {
		p := &v.code.Meta.Programs[i]
		for _, r := range p.Refs {
			f := &v.funcs[v.functionAt(int64(r.Code))]
			if most := stackBytes(p.Types[r.Type-1]); f.args > most {
				return v.fail(f, f.at, "the function uses %d bytes of arguments on the stack; its type, %s, has %d", f.args, p.Types[r.Type-1], most)
			}
		}
	}
	for i := range v.funcs {
		if f := &v.funcs[i]; f.args > f.room {
			return v.fail(f, f.at, "the function uses %d bytes of arguments on the stack; a caller has %d there", f.args, f.room)
		}
	}
	for i := range v.areas {
		a := &v.areas[i]
		for t := range a.args {
			if a.args[t] > a.room[t] {
				return fmt.Errorf("native code: functions of type %d use %d bytes of arguments on the stack; an indirect call has %d there", t, a.args[t], a.room[t])
			}
		}
	}
	return nil
}

// spread adds to each function's arguments those of what it tail-calls.
func (v *verifier) spread() {
	for i := range v.funcs {
		f := &v.funcs[i]
		for _, t := range f.tailTypes {
			f.args = max(f.args, v.areas[f.program].args[t])
		}
	}
	// The reverse graph, from a tail-called function to its callers.
	callers := make(map[int32][]int32)
	var work []int32
	for i := range v.funcs {
		for _, n := range v.funcs[i].tails {
			callers[n] = append(callers[n], int32(i))
		}
		if v.funcs[i].args > 0 {
			work = append(work, int32(i))
		}
	}
	// In descending order, each function is raised once.
	slices.SortFunc(work, func(a, b int32) int { return int(v.funcs[b].args - v.funcs[a].args) })
	done := make([]bool, len(v.funcs))
	for len(work) > 0 {
		n := work[0]
		work = work[1:]
		if done[n] {
			continue
		}
		stack := []int32{n}
		for len(stack) > 0 {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if done[n] {
				continue
			}
			done[n] = true
			for _, c := range callers[n] {
				v.funcs[c].args = max(v.funcs[c].args, v.funcs[n].args)
				if !done[c] {
					stack = append(stack, c)
				}
			}
		}
	}
}
