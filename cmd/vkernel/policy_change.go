package main

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"vkernel/internal/manifest"
	"vkernel/internal/policy"
)

// policyOptions are the flags of policy.
type policyOptions struct {
	changed         func(flag string) bool
	profile, denied string
	deny, allow     []string
	read, write     []string
	only, addresses []string
	connect         []string
	starts          []string
	inherit, dry    bool
	memory, cpu     string
}

// change does to an entry what the flags say, the profile first.
func (o *policyOptions) change(e *manifest.Entry, imported []string) error {
	if o.changed("inherit") {
		if e.Inherit = o.inherit; !e.Inherit {
			ownCalls(e, imported)
		}
	}
	if o.profile != "" {
		p, err := policy.FindProfile(o.profile)
		if err != nil {
			return err
		}
		p.Apply(e, imported, knownCalls())
	}
	if err := o.give(e); err != nil {
		return err
	}
	if err := o.take(e); err != nil {
		return err
	}
	if o.denied != "" {
		e.Denied = o.denied
	}
	if err := o.paths(e); err != nil {
		return err
	}
	if err := o.arguments(e); err != nil {
		return err
	}
	if o.changed("starts") {
		e.Starts = startsOf(o.starts)
	}
	return o.limits(&e.Limits)
}

// limits reads --memory and --cpu.
func (o *policyOptions) limits(l *manifest.Limits) error {
	switch o.memory {
	case "":
	case "none":
		l.Memory = 0
	default:
		var n byteSize
		if err := n.Set(o.memory); err != nil {
			return fmt.Errorf("--memory %s: %w, or none", o.memory, err)
		}
		l.Memory = uint64(n)
	}
	switch o.cpu {
	case "":
	case "none":
		l.CPU = 0
	default:
		n, err := strconv.ParseUint(o.cpu, 10, 32)
		if err != nil || n == 0 {
			return fmt.Errorf("--cpu %s: expected a number of seconds, or none", o.cpu)
		}
		l.CPU = n
	}
	return nil
}

// ownCalls drops the calls that an entry allows to what it starts, and does not import itself.
func ownCalls(e *manifest.Entry, imported []string) {
	foreign := func(call string) bool { return !slices.Contains(imported, call) }
	policy.Withhold(e, foreign)
	if e.Withheld = slices.DeleteFunc(e.Withheld, foreign); len(e.Withheld) == 0 {
		e.Withheld = nil
	}
}

// give allows what --allow names.
func (o *policyOptions) give(e *manifest.Entry) error {
	others := policy.Return(e, o.allow)
	for _, call := range others {
		switch {
		case !knownCall(call):
			return fmt.Errorf("--allow %s: there is no such system call ('vkernel syscalls' lists them)", call)
		case !e.Inherit:
			return fmt.Errorf("--allow %s: the program does not import that, so that it can never call it; with --inherit it would be for what it starts", call)
		}
	}
	policy.Add(e, others...)
	return nil
}

// take withholds what --deny names. Naming a call that some of the entries lack is no mistake,
// since flags are for all entries; a name that no kernel has is.
func (o *policyOptions) take(e *manifest.Entry) error {
	for _, call := range o.deny {
		if !knownCall(call) && !slices.Contains(e.Syscalls, call) && !slices.Contains(e.Withheld, call) {
			return fmt.Errorf("--deny %s: there is no such system call ('vkernel syscalls' lists them)", call)
		}
	}
	policy.Withhold(e, func(call string) bool { return slices.Contains(o.deny, call) })
	return nil
}

// startsOf reads --starts.
func startsOf(list []string) []string {
	switch {
	case slices.Equal(list, []string{"any"}):
		return nil
	case slices.Equal(list, []string{"none"}):
		return []string{}
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// paths replaces the rules on paths by those of --read and --write.
func (o *policyOptions) paths(e *manifest.Entry) error {
	if len(o.read)+len(o.write) == 0 {
		return nil
	}
	e.Rules = slices.DeleteFunc(e.Rules, func(r manifest.Rule) bool { return r.Paths != nil })
	for i, list := range [][]string{o.read, o.write} {
		if len(list) == 0 {
			continue
		}
		for _, p := range list {
			if !path.IsAbs(p) || path.Clean(p) != p {
				return fmt.Errorf("path %q: expected an absolute path of the container in its shortest form", p)
			}
		}
		e.Rules = append(e.Rules, manifest.Rule{Paths: list, Write: i == 1})
	}
	return nil
}

// arguments adds the rules of --only and --address in place of those on the same calls, where
// the entry has the call.
func (o *policyOptions) arguments(e *manifest.Entry) error {
	var rules []manifest.Rule
	for _, text := range o.only {
		r, err := parseOnly(text)
		if err != nil {
			return err
		}
		rules = append(rules, r)
	}
	for _, text := range o.addresses {
		call, address, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("--address %s: expected CALL=ADDRESS, such as connect=unix:/run/x", text)
		}
		rules = append(rules, manifest.Rule{Syscall: call, Addresses: []string{address}})
	}
	for _, r := range rules {
		if !knownCall(r.Syscall) && r.Addresses == nil {
			return fmt.Errorf("there is no system call %q ('vkernel syscalls' lists them)", r.Syscall)
		}
	}
	e.Rules = slices.DeleteFunc(e.Rules, func(old manifest.Rule) bool {
		return slices.ContainsFunc(rules, func(r manifest.Rule) bool {
			return r.Syscall == old.Syscall && old.Paths == nil && (r.Allow == nil) == (old.Allow == nil)
		})
	})
	for _, r := range rules {
		if slices.Contains(e.Syscalls, r.Syscall) {
			e.Rules = append(e.Rules, r)
		}
	}
	return nil
}

// parseOnly reads CALL:ARG=VALUE,VALUE[/MASK].
func parseOnly(text string) (r manifest.Rule, err error) {
	wrong := func(what string) (manifest.Rule, error) {
		return r, fmt.Errorf("--only %s: %s; expected CALL:ARG=VALUE,VALUE[/MASK], such as ioctl:1=0x5401,0x5413", text, what)
	}
	head, tail, ok := strings.Cut(text, "=")
	if !ok {
		return wrong("no =")
	}
	call, arg, ok := strings.Cut(head, ":")
	if !ok || call == "" {
		return wrong("no number of an argument")
	}
	if r.Arg, err = strconv.Atoi(arg); err != nil || r.Arg < 0 {
		return wrong(arg + " is no number of an argument")
	}
	r.Syscall, r.Allow = call, []uint64{}
	values, mask, masked := strings.Cut(tail, "/")
	if masked {
		if r.Mask, err = strconv.ParseUint(mask, 0, 53); err != nil || r.Mask == 0 {
			return wrong("mask " + mask)
		}
	}
	for _, v := range strings.FieldsFunc(values, func(c rune) bool { return c == ',' }) {
		n, err := strconv.ParseUint(v, 0, 53)
		if err != nil {
			return wrong("value " + v)
		}
		r.Allow = append(r.Allow, n)
	}
	return r, nil
}
