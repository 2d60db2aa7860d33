package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"vkernel/internal/manifest"
)

// inspectOutside shows what a bundle was made of, and what it may reach outside of itself.
func inspectOutside(w io.Writer, m *manifest.Manifest) {
	for _, s := range m.Source {
		fmt.Fprintf(w, "source       %s  %s %s\n", s.SHA256.Short(), quote(s.Name), quote(s.Recipe))
	}
	for _, c := range m.Network {
		ports := "every port"
		if c.Ports != nil {
			list := make([]string, 0, len(c.Ports))
			for _, p := range c.Ports {
				list = append(list, strconv.Itoa(p))
			}
			ports = strings.Join(list, " ")
		}
		fmt.Fprintf(w, "network      %s%s, %s %s\n", c.Host, c.CIDR, c.Protocol, ports)
	}
	switch {
	case m.Mounts == nil:
		fmt.Fprintln(w, "mounts       anywhere, nothing on them executable")
	case len(m.Mounts) == 0:
		fmt.Fprintln(w, "mounts       none")
	}
	for _, r := range m.Mounts {
		how := []string{"read"}
		if r.Write {
			how = append(how, "write")
		}
		if r.Exec {
			how = append(how, "execute what is listed")
		}
		fmt.Fprintf(w, "mounts       at %s: %s\n", quote(r.At), strings.Join(how, ", "))
	}
}

// inspectEntry shows an entry point and what narrows it.
func inspectEntry(w io.Writer, e *manifest.Entry) {
	fmt.Fprintf(w, "\nentry %s: module %d, export %s, %s\n", e.ID, e.Module, quote(e.Export), count(len(e.Syscalls), "system call"))
	fmt.Fprintln(w, wrap(e.Syscalls, 2, 90))
	if len(e.Withheld)+len(e.Rules) > 0 {
		fmt.Fprintf(w, "  narrowed: %s withheld, %s; see 'vkernel policy'\n", count(len(e.Withheld), "call"), count(len(e.Rules), "rule"))
	}
	switch {
	case e.Starts != nil && len(e.Starts) == 0:
		fmt.Fprintln(w, "  starts nothing")
	case e.Starts != nil:
		fmt.Fprintf(w, "  starts only: %s\n", strings.Join(e.Starts, " "))
	}
	if e.Inherit {
		fmt.Fprintln(w, "  what it starts is held by its policy, too")
	}
	if e.Limits.Memory != 0 {
		fmt.Fprintf(w, "  memory: at most %s\n", bytesText(e.Limits.Memory))
	}
	if e.Limits.CPU != 0 {
		fmt.Fprintf(w, "  CPU time: at most %s\n", count(int(e.Limits.CPU), "second"))
	}
	if len(e.Securebits) > 0 {
		fmt.Fprintf(w, "  securebits: %s\n", strings.Join(e.Securebits, " "))
	}
}
