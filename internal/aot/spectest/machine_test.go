package spectest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
)

// machine is an instance with the least of a kernel: memory that grows, imports that call
// other instances or do nothing.
type machine struct {
	inst   *engine.Instance
	others map[string]*machine // by the name that a script registered
}

func (m *machine) export(name string) *layout.Export {
	exports := m.inst.Program().Meta.Exports
	for i := range exports {
		if exports[i].Name == name {
			return &exports[i]
		}
	}
	return nil
}

// protReadWrite is PROT_READ and PROT_WRITE.
const protReadWrite = 3

// run calls a thunk until it returns, traps, or has run for too long.
func (m *machine) run(thunk uint32, args ...uint64) engine.Exit {
	m.inst.Start(thunk, args...)
	watch := time.AfterFunc(time.Second, m.inst.Kick)
	defer watch.Stop()
	result := uint64(0)
	for {
		switch exit := m.inst.Resume(result); exit {
		case layout.ExitSyscall:
			result = m.call(m.inst.Program().Meta.Imports[m.inst.Import()])
		case layout.ExitNotify:
			result = 0
		case layout.ExitWait:
			result = m.wait()
		case layout.ExitGrow:
			result = m.grow(uint32(m.inst.Arg(0)))
		default:
			return exit
		}
	}
}

// call runs an imported function in the instance that exports it.
func (m *machine) call(im layout.Import) uint64 {
	other := m.others[im.Module]
	if other == nil || other == m {
		return 0
	}
	export := other.export(im.Name)
	if export == nil || other.run(export.Thunk, m.inst.Args()[:]...) != layout.ExitReturn {
		return 0
	}
	result := other.inst.Results()[0][0]
	other.inst.Return()
	return result
}

// renew replaces an instance that was stopped in the middle.
func (m *machine) renew() string {
	p := m.inst.Program()
	m.inst.Free()
	inst, e := p.New()
	if e != 0 {
		return "new instance: " + e.Error()
	}
	m.inst = inst
	return ""
}

func (m *machine) grow(n uint32) uint64 {
	old := m.inst.Pages()
	if most := m.inst.Program().Meta.Memory.Max; uint64(old)+uint64(n) > uint64(most) {
		return uint64(^uint32(0))
	}
	if n > 0 && m.inst.Map(uint64(old)<<16, uint64(n)<<16, protReadWrite, false) != 0 {
		return uint64(^uint32(0))
	}
	m.inst.SetPages(old + n)
	return uint64(old)
}

// wait answers memory.atomic.wait where nobody notifies.
func (m *machine) wait() uint64 {
	b := make([]byte, 8)
	if e := m.inst.Memory().Read(guest.Addr(m.inst.Arg(0)), b[:m.inst.Arg(3)]); e != 0 {
		return 1
	}
	v := uint64(0)
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	if v != m.inst.Arg(1) {
		return 1
	}
	return 2
}

// value is an argument or result as wast2json writes it.
type value struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    json.RawMessage
}

func (v value) String() string { return fmt.Sprintf("%s%s:%s", v.Type, v.LaneType, v.Value) }

func (v value) text() string {
	s := ""
	json.Unmarshal(v.Value, &s)
	return s
}

// lanes are the parts of a v128 and their width in bits.
func (v value) lanes() (lanes []string, width int) {
	json.Unmarshal(v.Value, &lanes)
	width, _ = strconv.Atoi(v.LaneType[1:])
	return lanes, width
}

// words are the Args words of an argument.
func (v value) words() []uint64 {
	if v.Type == "v128" {
		lanes, width := v.lanes()
		w := make([]uint64, 2)
		for i, s := range lanes {
			w[i*width/64] |= number(s, width) << (i * width % 64)
		}
		return w
	}
	s := v.text()
	switch {
	case s == "null":
		return []uint64{0}
	case v.Type == "externref":
		return []uint64{number(s, 64) + 1}
	case v.Type == "i32" || v.Type == "f32":
		return []uint64{number(s, 32)}
	}
	return []uint64{number(s, 64)}
}

// words are the Args words of a call.
func words(args []value) (list []uint64) {
	for _, a := range args {
		list = append(list, a.words()...)
	}
	return list
}

// number reads a decimal, signed or not.
func number(s string, width int) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		i, _ := strconv.ParseInt(s, 10, 64)
		n = uint64(i)
	}
	if width < 64 {
		n &= 1<<width - 1
	}
	return n
}

// matches compares a result with what the suite expects.
func (v value) matches(got [2]uint64) bool {
	if v.Type == "v128" {
		lanes, width := v.lanes()
		for i, want := range lanes {
			lane := got[i*width/64] >> (i * width % 64)
			if !same(v.LaneType, want, lane, width) {
				return false
			}
		}
		return true
	}
	switch v.Type {
	case "i32", "f32":
		return same(v.Type, v.text(), got[0], 32)
	case "externref":
		if s := v.text(); s != "null" && s != "" {
			return got[0] == number(s, 64)+1
		}
	case "funcref":
		if v.text() != "null" {
			return got[0] != 0
		}
	default:
		return same(v.Type, v.text(), got[0], 64)
	}
	return got[0] == 0
}

// same compares one number or NaN pattern.
func same(typ, want string, got uint64, width int) bool {
	mask := ^uint64(0)
	if width < 64 {
		mask = 1<<width - 1
	}
	got &= mask
	if !strings.HasPrefix(want, "nan:") {
		return got == number(want, width)
	}
	sign, quiet := uint64(1)<<(width-1), uint64(0x7fc00000)
	if width == 64 {
		quiet = 0x7ff8000000000000
	}
	if want == "nan:canonical" {
		return got&^sign == quiet
	}
	return got&quiet == quiet
}
