package policy

import "vkernel/internal/manifest"

// Value allows some values of an argument.
type Value struct {
	Arg   int
	Mask  uint64
	Allow []uint64
}

// Matches reports whether the argument's value is one of them.
func (v *Value) Matches(value uint64) bool {
	value &= v.Mask
	for _, a := range v.Allow {
		if a == value {
			return true
		}
	}
	return false
}

// add takes over a rule of the manifest.
func (r *rules) add(m *manifest.Rule) error {
	switch {
	case m.Paths != nil:
		for _, p := range m.Paths {
			r.paths = append(r.paths, newPlace(p, m.Write))
		}
		if r.paths == nil {
			r.paths = []Place{} // a list of nothing allows nothing
		}
	case m.Addresses != nil:
		list := r.addresses[m.Syscall]
		if list == nil {
			list = []manifest.Address{}
		}
		for _, text := range m.Addresses {
			a, err := manifest.ParseAddress(text)
			if err != nil {
				return err
			}
			list = append(list, a)
		}
		r.addresses[m.Syscall] = list
	default:
		mask := m.Mask
		if mask == 0 {
			mask = ^uint64(0)
		}
		r.values[m.Syscall] = append(r.values[m.Syscall], Value{Arg: m.Arg, Mask: mask, Allow: m.Allow})
	}
	return nil
}

// Values are the rules on a call's arguments: of each list one value has to match. There is
// none if the call may have any arguments.
func (p *Policy) Values(call string) (all [][]Value) {
	if p == nil {
		return nil
	}
	p.parts(func(r *rules) bool {
		if v := r.values[call]; v != nil {
			all = append(all, v)
		}
		return true
	})
	return all
}

// Match reports whether the arguments of a call are allowed by what Values gave.
func Match(all [][]Value, args *[6]uint64) bool {
	for _, list := range all {
		if !matchOne(list, args) {
			return false
		}
	}
	return true
}

func matchOne(list []Value, args *[6]uint64) bool {
	for i := range list {
		if list[i].Matches(args[list[i].Arg]) {
			return true
		}
	}
	return false
}
