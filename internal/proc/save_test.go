package proc

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/state"
)

// parts is all values of this package that are saved, as one object.
type parts struct {
	limits Limits
	cred   Cred
	bits   Securebits
	uts    UTS
	usage  Usage
	robust Robust
	frames []frame
}

func (*parts) StateType() string { return "test.parts" }

func (p *parts) SaveState(e *state.Encoder) {
	p.limits.SaveState(e)
	p.cred.SaveState(e)
	p.bits.SaveState(e)
	p.uts.SaveState(e)
	p.usage.SaveState(e)
	p.robust.SaveState(e)
	e.Len(len(p.frames))
	for k := range p.frames {
		p.frames[k].SaveState(e)
	}
}

const testImports = 9

func (p *parts) LoadState(d *state.Decoder) {
	p.limits.LoadState(d)
	p.cred.LoadState(d)
	p.bits.LoadState(d)
	p.uts.LoadState(d)
	p.usage.LoadState(d)
	p.robust.LoadState(d)
	p.frames = make([]frame, d.Count(5))
	for k := range p.frames {
		p.frames[k].load(d, testImports)
	}
}

var partTypes = []state.Type{state.Of[parts](1)}

// some is a value with something in each field.
func some(cut time.Time) *parts {
	p := &parts{limits: *defaults(100)} //nolint:govet // nobody holds its lock
	p.cred = Cred{1, 2, 3, 4, 5, 6, 7, math.MaxUint32, []uint32{8, 9, 10}}
	p.bits.bits.Store(linux.SECBIT_KEEP_CAPS)
	p.uts.node, p.uts.domain = "host", "(none)"
	p.usage = Usage{MaxRSS: 1 << 40, Sleeps: 3, Evictions: 4}
	p.usage.User, p.usage.System = time.Second, time.Minute
	p.robust = Robust{Head: 4096, Len: SizeofRobust}
	p.frames = []frame{
		{before: signal.Of(linux.SIGUSR1), call: none, context: 77, cut: true},
		{call: call{index: 8, args: Args{1, 2, 3, 4, 5, math.MaxUint64}, n: -7, e: ERESTARTSYS, deadline: cut.Add(time.Second), progress: 12}},
		{call: call{index: callWait, e: ERESTARTNOINTR, deadline: cut.Add(-time.Second)}},
		{call: call{index: 1 << 20}}, // of the program before this one
	}
	return p
}

func TestSaveParts(t *testing.T) {
	cut := time.Now()
	p := some(cut)
	out, err := state.NewEncoder(partTypes, cut, nil).Save(p)
	if err != nil {
		t.Fatal(err)
	}
	later := cut.Add(time.Hour)
	o, err := state.NewDecoder(partTypes, later, nil).Load(out)
	if err != nil {
		t.Fatal(err)
	}
	n := o.(*parts)
	for k := range n.frames {
		if at := &n.frames[k].call.deadline; !at.IsZero() {
			*at = at.Add(-time.Hour) // deadlines move with the clock
		}
	}
	for k := range n.frames {
		a, b := n.frames[k], p.frames[k]
		if !a.call.deadline.Equal(b.call.deadline) {
			t.Errorf("frame %d: deadline %v, want %v", k, a.call.deadline, b.call.deadline)
		}
		a.call.deadline, b.call.deadline = time.Time{}, time.Time{}
		if a != b {
			t.Errorf("frame %d: %+v, want %+v", k, a, b)
		}
	}
	if n.limits.values != p.limits.values || !reflect.DeepEqual(n.cred, p.cred) || n.bits.Get() != p.bits.Get() ||
		n.uts.node != "host" || n.uts.domain != "(none)" || n.usage != p.usage || n.robust != p.robust {
		t.Errorf("got %+v %+v %+v %+v", n.cred, n.uts.node, n.usage, n.robust)
	}
}

// TestLoadPartsRefuses: values that make no sense are refused.
func TestLoadPartsRefuses(t *testing.T) {
	for name, spoil := range map[string]func(p *parts){
		"a soft limit above the hard one": func(p *parts) { p.limits.values[0] = linux.Rlimit{Cur: 2, Max: 1} },
		"too many files":                  func(p *parts) { p.limits.values[linux.RLIMIT_NOFILE] = linux.Rlimit{Max: maxFiles + 1} },
		"groups out of order":             func(p *parts) { p.cred.Groups = []uint32{2, 1} },
		"unknown secure bits":             func(p *parts) { p.bits.bits.Store(1 << 30) },
		"an import that there is not":     func(p *parts) { p.frames[1].call.index = testImports },
		"no call to be made again":        func(p *parts) { p.frames[0].call.e = ERESTARTSYS },
		"an errno beyond all":             func(p *parts) { p.frames[0].call.e = 4000 },
		"a negative use":                  func(p *parts) { p.usage.Sleeps = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			cut := time.Now()
			p := some(cut)
			spoil(p)
			out, err := state.NewEncoder(partTypes, cut, nil).Save(p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := state.NewDecoder(partTypes, cut, nil).Load(out); err == nil {
				t.Error("it was loaded")
			}
		})
	}
}

// FuzzLoadParts: what can be loaded is saved as the same bytes.
func FuzzLoadParts(f *testing.F) {
	cut := time.Now()
	good, err := state.NewEncoder(partTypes, cut, nil).Save(some(cut))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := state.NewDecoder(partTypes, cut, nil).Load(b)
		if err != nil || len(o.(*parts).frames) == 0 {
			return
		}
		again, err := state.NewEncoder(partTypes, cut, nil).Save(o)
		if err != nil {
			t.Fatal(err)
		}
		once, err := state.NewDecoder(partTypes, cut, nil).Load(again)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := state.NewEncoder(partTypes, cut, nil).Save(once); err != nil || !bytes.Equal(twice, again) {
			t.Errorf("saved again it is other bytes (%v)", err)
		}
	})
}
