// Package policy is what a process may ask of the kernel: the entries of a manifest, made
// ready to be linked, asked and intersected.
//
// # Model
//
// A Policy is what one process is held by. Of an entry of the manifest it is
//
//	syscalls, withheld   which imports are bound to their handlers, and which to a denial
//	rules                argument values, paths and socket addresses
//	starts               which entries it may execute
//	limits               RLIMIT_AS and RLIMIT_CPU, which nobody in the container can raise
//
// Policy is linked, not checked: package imports binds each import of a program once, to the
// handler if the policy allows the call as it is, to a denial if not, and only where a call
// has values that are allowed to a handler that looks at them first. What may be called
// without conditions costs what it costs without any policy.
//
// Which rule is held where:
//
//	values      at dispatch, on the registers of the call (package imports)
//	paths       in package vfs, when a walk is over, on the place that it led to: links, "..",
//	            mounts and /proc/PID/fd are followed by then, so that no name leads around a
//	            rule, and what was looked at is what is opened
//	addresses   where a socket connects or binds, on the kernel's copy of the address
//	starts      where execve decides (MayStart), also for the interpreter of a script
//	limits      where a process's limits are set, and at execve
//
// An entry that says inherit holds whatever it starts, directly or not: Enter makes the
// policy of a process that executes an entry from that of the one that it was. Such a policy
// allows what each of its parts allows. What is forked keeps its policy, since that belongs
// to the program: fork, vfork, posix_spawn and threads copy a pointer.
//
// # Rules
//
// A Policy never changes, apart from its memory of policies that were entered from it. That
// is bounded (maxDerived), whatever guests execute. A nil *Policy allows everything: it is
// that of kernels that run without a manifest.
//
// What a process holds when it starts, open descriptors and its working directory, was given
// to it by who started it, and is not asked about again: a policy is about what it asks for.
package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
)

// Set is the policies of a manifest's entries.
type Set struct {
	entries map[string]*Policy
	links   atomic.Int64 // in Policy.entered of all

	mu sync.Mutex

	// guarded by mu
	derived map[string]*Policy // intersections, by whose they are: an entry and those that hold it
}

// maxDerived bounds how many intersections a Set remembers; further ones are made each time.
// maxLinks bounds how many ways there are to them that need no search.
const (
	maxDerived = 1024
	maxLinks   = 1 << 16
)

// Policy is what a process is held by.
type Policy struct {
	*rules
	set  *Set
	held []*rules // of entries with inherit that hold it, by their index, each once

	places     *Paths
	remembered bool
	entered    sync.Map // *Policy of an entry -> *Policy of what executes that from here
}

// rules are those of one entry.
type rules struct {
	index     int
	module    int
	id        string
	inherit   bool
	kills     bool
	allowed   map[string]bool
	withheld  map[string]bool
	values    map[string][]Value
	paths     []Place
	addresses map[string][]manifest.Address
	limits    manifest.Limits
	starts    map[string]bool // nil: any
}

// New makes the policies of a manifest that has been checked.
func New(m *manifest.Manifest) (*Set, error) {
	s := &Set{entries: make(map[string]*Policy, len(m.Entries)), derived: map[string]*Policy{}}
	for i := range m.Entries {
		r, err := newRules(i, &m.Entries[i])
		if err != nil {
			return nil, fmt.Errorf("entry %s: %w", m.Entries[i].ID, err)
		}
		s.entries[r.id] = newPolicy(s, r, nil)
	}
	return s, nil
}

func newPolicy(s *Set, own *rules, held []*rules) *Policy {
	p := &Policy{rules: own, set: s, held: held}
	p.places = p.allPlaces()
	return p
}

func newRules(index int, e *manifest.Entry) (*rules, error) {
	r := &rules{
		index: index, module: e.Module, id: e.ID, inherit: e.Inherit, kills: e.Denied == manifest.DeniedKill, limits: e.Limits,
		allowed: names(e.Syscalls), withheld: names(e.Withheld),
		values: map[string][]Value{}, addresses: map[string][]manifest.Address{},
	}
	if e.Starts != nil {
		r.starts = names(e.Starts)
	}
	for i := range e.Rules {
		if err := r.add(&e.Rules[i]); err != nil {
			return nil, fmt.Errorf("rules[%d]: %w", i, err)
		}
	}
	return r, nil
}

func names(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, s := range list {
		m[s] = true
	}
	return m
}

// Entry is the policy of an entry by its id, nil if there is none.
func (s *Set) Entry(id string) *Policy { return s.entries[id] }

// Entries are all of them, in the manifest's order.
func (s *Set) Entries() []*Policy {
	list := slices.Collect(maps.Values(s.entries))
	slices.SortFunc(list, func(a, b *Policy) int { return cmp.Compare(a.index, b.index) })
	return list
}

// ID is that of the entry.
func (p *Policy) ID() string { return p.id }

// Module is the index of the entry's module.
func (p *Policy) Module() int { return p.module }

// Remembered reports whether Enter will give this very policy again.
func (p *Policy) Remembered() bool { return p.held == nil || p.remembered }

// Holders are the ids of the entries with inherit that hold p beside its own.
func (p *Policy) Holders() (ids []string) {
	if p == nil {
		return nil
	}
	for _, r := range p.held {
		ids = append(ids, r.id)
	}
	return ids
}

// Held is the policy of an entry that others hold, as Holders lists them; nil if one of them is no entry.
func (s *Set) Held(id string, by []string) *Policy {
	own := s.entries[id]
	if own == nil {
		return nil
	}
	var held []*rules
	for _, id := range by {
		p := s.entries[id]
		if p == nil || !p.inherit {
			return nil
		}
		held = append(held, p.rules)
	}
	slices.SortFunc(held, func(a, b *rules) int { return cmp.Compare(a.index, b.index) })
	held = slices.Compact(held)
	return s.intersection(own, slices.DeleteFunc(held, func(r *rules) bool { return r == own.rules }))
}

// parts calls f with the entry's rules and with all that hold it, until f says no. It
// reports whether f never did.
func (p *Policy) parts(f func(r *rules) bool) bool {
	if !f(p.rules) {
		return false
	}
	for _, r := range p.held {
		if !f(r) {
			return false
		}
	}
	return true
}

// Allows reports whether a system call may be made, as far as its arguments are allowed.
func (p *Policy) Allows(call string) bool {
	return p == nil || p.parts(func(r *rules) bool { return r.allowed[call] })
}

// Lists reports whether the entry names the call at all: as allowed, or as withheld.
func (p *Policy) Lists(call string) bool {
	return p == nil || p.allowed[call] || p.withheld[call]
}

// Kills reports whether a denied call ends the process.
func (p *Policy) Kills() bool {
	return p != nil && !p.parts(func(r *rules) bool { return !r.kills })
}

// Limits are the least of all; a zero is no limit.
func (p *Policy) Limits() (l manifest.Limits) {
	if p == nil || mutant.Off("policy.limits") {
		return l
	}
	p.parts(func(r *rules) bool {
		l.Memory = least(l.Memory, r.limits.Memory)
		l.CPU = least(l.CPU, r.limits.CPU)
		return true
	})
	return l
}

func least(a, b uint64) uint64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// MayStart reports whether a process with this policy may execute the entry.
func (p *Policy) MayStart(entry string) bool {
	return p == nil || p.parts(func(r *rules) bool { return r.starts == nil || r.starts[entry] })
}

// Enter is the policy of a process that has p and executes an entry, whose own policy is
// next: next, held by all entries with inherit that p is held by, and by p's own if it says
// so. It is the same for the same p and next, as long as the Set remembers it.
func (p *Policy) Enter(next *Policy) *Policy {
	if p == nil || next == nil || len(p.held) == 0 && !p.inherit || mutant.Off("policy.inherit") {
		return next
	}
	if known, ok := p.entered.Load(next); ok {
		return known.(*Policy)
	}
	to := p.set.intersection(next, p.enter(next))
	if to.Remembered() && p.set.links.Load() < maxLinks {
		p.set.links.Add(1)
		p.entered.Store(next, to)
	}
	return to
}

// intersection is the policy of an entry that is held by others.
func (s *Set) intersection(own *Policy, held []*rules) *Policy {
	if len(held) == 0 {
		return own
	}
	key := fmt.Append(nil, own.index)
	for _, r := range held {
		key = fmt.Append(key, " ", r.index)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.derived[string(key)]; ok {
		return known
	}
	to := newPolicy(s, own.rules, held)
	if len(s.derived) < maxDerived {
		to.remembered = true
		s.derived[string(key)] = to
	}
	return to
}

// enter lists the entries that hold next when it is entered from p.
func (p *Policy) enter(next *Policy) []*rules {
	held := slices.Clone(p.held)
	if p.inherit {
		held = append(held, p.rules)
	}
	slices.SortFunc(held, func(a, b *rules) int { return cmp.Compare(a.index, b.index) })
	held = slices.Compact(held)
	return slices.DeleteFunc(held, func(r *rules) bool { return r == next.rules }) // its own
}
