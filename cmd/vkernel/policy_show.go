package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"vkernel/internal/manifest"
	"vkernel/internal/syscalls"
)

// policyView is what policy says.
type policyView struct {
	Bundle  string                `json:"bundle"`
	Changed bool                  `json:"changed"` // by the flags
	Written bool                  `json:"written"`
	Entries []*manifest.Entry     `json:"entries"`
	Network []manifest.Connection `json:"network,omitempty"`
}

// knownCalls lists the names of system calls, sorted.
func knownCalls() []string {
	calls := make([]string, 0, len(syscalls.Table))
	for i := range syscalls.Table {
		calls = append(calls, syscalls.Table[i].Name)
	}
	slices.Sort(calls)
	return slices.Compact(calls)
}

// knownCall reports whether there is a system call of the name.
func knownCall(name string) bool {
	_, ok := syscalls.Lookup(name)
	return ok
}

func (v *policyView) print(w io.Writer, m *manifest.Manifest) {
	for i, e := range v.Entries {
		if i > 0 {
			fmt.Fprintln(w)
		}
		printEntry(w, m, e)
	}
	for i := range v.Network {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "connects to %s\n", connectionText(&v.Network[i]))
	}
	switch {
	case v.Written:
		fmt.Fprintf(w, "\nwrote %s/%s: sign it with 'vkernel sign %s'\n", args0(v.Bundle), manifest.File, args0(v.Bundle))
	case v.Changed:
		fmt.Fprintln(w, "\nnothing was written")
	}
}

func printEntry(w io.Writer, m *manifest.Manifest, e *manifest.Entry) {
	fmt.Fprintf(w, "entry %s: %s\n", e.ID, filesOf(m, e.ID))
	line := func(name, text string) {
		fmt.Fprintf(w, "  %-9s %s\n", name, wrapText(text, 12, 90))
	}
	line("calls", strings.Join(e.Syscalls, " "))
	if len(e.Withheld) > 0 {
		answer := "EPERM"
		if e.Denied == manifest.DeniedKill {
			answer = "SIGSYS"
		}
		line("withheld", strings.Join(e.Withheld, " ")+" ("+answer+")")
	}
	for i := range e.Rules {
		line("rule", ruleText(&e.Rules[i]))
	}
	switch {
	case e.Starts == nil:
		line("starts", "any entry")
	case len(e.Starts) == 0:
		line("starts", "nothing")
	default:
		line("starts", strings.Join(e.Starts, " "))
	}
	if e.Inherit {
		line("inherit", "what it starts is held by this policy, too")
	}
	if l := e.Limits; l.Memory != 0 || l.CPU != 0 {
		var limits []string
		if l.Memory != 0 {
			limits = append(limits, bytesText(l.Memory)+" of memory")
		}
		if l.CPU != 0 {
			limits = append(limits, fmt.Sprintf("%d s of CPU time", l.CPU))
		}
		line("limits", strings.Join(limits, ", "))
	}
}

// filesOf names the files that start an entry.
func filesOf(m *manifest.Manifest, id string) string {
	var files []string
	for i := range m.Executables {
		if x := &m.Executables[i]; x.Entry == id {
			files = append(files, quoted(x.Paths)...)
		}
	}
	switch n := len(files); {
	case n == 0:
		return "no file starts it"
	case n > 4:
		return strings.Join(files[:4], " ") + fmt.Sprintf(" and %d more", n-4)
	}
	return strings.Join(files, " ")
}

func ruleText(r *manifest.Rule) string {
	switch {
	case r.Paths != nil && len(r.Paths) == 0:
		return "no paths"
	case r.Paths != nil && r.Write:
		return "paths for reading and writing: " + strings.Join(quoted(r.Paths), " ")
	case r.Paths != nil:
		return "paths for reading: " + strings.Join(quoted(r.Paths), " ")
	case r.Addresses != nil:
		return r.Syscall + " to " + strings.Join(quoted(r.Addresses), " ")
	}
	values := make([]string, len(r.Allow))
	for i, v := range r.Allow {
		values[i] = fmt.Sprintf("%#x", v)
	}
	text := fmt.Sprintf("%s: argument %d is one of %s", r.Syscall, r.Arg, strings.Join(values, " "))
	if r.Mask != 0 {
		text += fmt.Sprintf(" in the bits %#x", r.Mask)
	}
	return text
}
