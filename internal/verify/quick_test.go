package verify

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// anyValue is a value by chance, often one at an edge.
func anyValue(r *rand.Rand) value {
	edges := []int64{0, 1, -1, 8, 255, 256, 1<<16 - 1, 1<<31 - 1, 1 << 31, max32, 1 << 32, 1<<33 - 1, 1 << 40, -1 << 31, -1 << 40, minInt, maxInt, -4096, -4104}
	edge := func() int64 { return edges[r.IntN(len(edges))] }
	v := unknown
	switch r.IntN(8) {
	case 0:
	case 1, 2:
		v = unknown32
	case 3:
		v = constant(edge())
	case 4, 5:
		a, b := edge(), edge()
		v = between(min(a, b), max(a, b))
	case 6:
		v.setLow(uint16([]int{1, 2, 4}[r.IntN(3)]), 1, uint32(r.IntN(200)+1))
	default:
		v = value{meta: uint64(kind(r.IntN(int(kCallee)+1))) | uint64(uint32(r.IntN(3)))<<idShift, lo: int64(r.IntN(16)), hi: 20}
		if v.kind() == kStack {
			v.setKind(kRange)
		}
	}
	if v.kind() == kRange && r.IntN(3) == 0 {
		v.setID(uint32(r.IntN(3)))
	}
	return v
}

// anyState is what might be known.
func anyState(r *rand.Rand, w *walker) *state {
	s := &state{}
	entryState(s, w)
	s.depth = 64
	for i := range s.regs {
		if reg(i) != rsp && r.IntN(4) != 0 {
			s.put(reg(i), anyValue(r))
		}
	}
	for off := int32(-64); off < 16; off += 8 {
		if r.IntN(2) == 0 {
			s.store(off, 8, anyValue(r))
		}
	}
	switch f := &s.flags; r.IntN(4) {
	case 0:
		*f = flags{valid: true, size: 4, a: reg(r.IntN(4)), b: reg(r.IntN(4)), imm: 3}
	case 1:
		*f = flags{valid: true, size: 8, a: reg(r.IntN(16)), b: noReg, imm: 3}
	case 2:
		*f = flags{valid: true, size: 4, a: noReg, b: noReg, imm: 3, off: -8 * int32(r.IntN(8))}
	}
	s.jumped = r.IntN(16) == 0
	return s
}

// known is a state without what says nothing.
func (s *state) known() state {
	k := *s
	k.w, k.stamps, k.own, k.slots = nil, [16]uint32{}, false, append(slots(nil), s.slots...)
	f := &k.flags
	if !f.gone {
		f.was = value{}
	}
	if f.gone || f.a != noReg {
		f.off = 0
	}
	if !f.valid {
		*f = flags{}
	}
	return k
}

// TestQuick: what quick takes it changes as step does, and step refuses none of it.
func TestQuick(t *testing.T) {
	m := newMutator(t)
	kinds, total := map[quick]int{}, 0
	r := rand.New(rand.NewPCG(1, 2))
	frame := [][]byte{{0x48, 0x8b, 0x44, 0x24, 0x10}, {0x8b, 0x4c, 0x24, 0x20}, {0x48, 0x89, 0x54, 0x24, 0x08}, {0x89, 0x4c, 0x24, 0x10}, {0xc7, 0x44, 0x24, 0x18, 1, 2, 3, 4}}
	for range 12 {
		m.each(func(n int32, off uint32, _ *inst, b []byte) {
			w := m.w
			w.n, w.f, w.at = n, &m.v.funcs[n], off
			if r.IntN(4) == 0 {
				b = frame[r.IntN(len(frame))]
			}
			if w.area = nil; w.f.program >= 0 {
				w.area = &m.v.areas[w.f.program]
			}
			b = append(slices.Clone(b), make([]byte, 32)...)
			var in inst
			for range 4 {
				if decode(b, &in) && in.op < opTrap {
					a := anyState(r, w)
					c := &state{}
					a.copyTo(c)
					w.fresh = r.IntN(2) == 0
					args := w.f.args
					if w.f.args = 0; in.quick != slow && w.quick(&in, a) {
						kinds[in.quick]++
						total++
						took := w.f.args
						w.f.args = 0
						if problem := w.step(&in, c); problem != "" || took != w.f.args || !reflect.DeepEqual(a.known(), c.known()) {
							t.Fatalf("% x: %+v\n%q quick %+v\nstep %+v", b, in, problem, a.known(), c.known())
						}
					}
					w.f.args = args
				}
				b[r.IntN(4)] ^= 1 << r.IntN(8) // and something like it
			}
		})
	}
	t.Log(total, kinds)
	for k := quickNone; k <= quickCmov; k++ {
		if kinds[k] == 0 {
			t.Errorf("kind %d was never tried", k)
		}
	}
}
