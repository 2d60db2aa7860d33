package manifest

import (
	"fmt"
	"slices"
)

// Rule narrows what an entry may do by an argument. It has exactly one of Allow, Paths and
// Addresses, of which
//
//   - Allow is about the number in one argument of one system call. A call that has such
//     rules is allowed if one of them matches;
//   - Paths is about every call that takes a path: what is at none of the paths, nor below one,
//     cannot be reached. It has no Syscall and no Arg. A path is looked at when it has been
//     resolved, so that links, ".." and mounts lead nowhere else;
//   - Addresses is about the socket address that Syscall takes: connect, bind, sendto, sendmsg.
//
// What no rule allows fails, or ends the process, as Entry.Denied says; a path fails with
// EACCES in either case.
type Rule struct {
	Syscall string `json:"syscall,omitempty"` // one of the entry's Syscalls
	Arg     int    `json:"arg,omitzero"`      // the argument that Allow is about, from 0
	// Allow matches if the argument, with only the bits of Mask, is one of these.
	Allow []uint64 `json:"allow,omitzero"`
	Mask  uint64   `json:"mask,omitzero"` // 0: all bits
	// Paths match what is one of these or lies below one of them.
	Paths []string `json:"paths,omitzero"`
	Write bool     `json:"write,omitempty"` // with Paths: for writing, too
	// Addresses match a socket address: "unix:/run/x.sock", "127.0.0.1:80", "[::1]:80",
	// "10.0.0.0/8:443", "127.0.0.1:*".
	Addresses []string `json:"addresses,omitzero"`
}

// maxArgs is the number of arguments of a system call.
const maxArgs = 6

func (e *Entry) checkRules(field string) error {
	if len(e.Rules) > MaxRules {
		return fieldError(field, "%d rules, the limit is %d", len(e.Rules), MaxRules)
	}
	for i := range e.Rules {
		r := &e.Rules[i]
		at := fmt.Sprintf("%s[%d]", field, i)
		_, listed := slices.BinarySearch(e.Syscalls, r.Syscall)
		if r.Paths == nil && !listed {
			return fieldError(at+".syscall", "%q is not one of the entry's syscalls", r.Syscall)
		}
		if err := r.check(at); err != nil {
			return err
		}
	}
	return nil
}

func takesAddress(call string) bool {
	return call == "connect" || call == "bind" || call == "sendto" || call == "sendmsg"
}

func (r *Rule) check(field string) error {
	kinds := 0
	for _, given := range []bool{r.Allow != nil, r.Paths != nil, r.Addresses != nil} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return fieldError(field, "expected exactly one of allow, paths and addresses")
	case r.Paths != nil && (r.Syscall != "" || r.Arg != 0):
		return fieldError(field, "paths are about every call: without syscall and arg")
	case r.Addresses != nil && (!takesAddress(r.Syscall) || r.Arg != 0):
		return fieldError(field+".syscall", "%q, addresses are about connect, bind, sendto or sendmsg, without arg", r.Syscall)
	case r.Arg >= maxArgs:
		return fieldError(field+".arg", "%d, a system call has at most %d arguments", r.Arg, maxArgs)
	case r.Mask != 0 && r.Allow == nil:
		return fieldError(field+".mask", "only with allow")
	case r.Write && r.Paths == nil:
		return fieldError(field+".write", "only with paths")
	case len(r.Allow) > MaxRules || len(r.Paths) > MaxRules || len(r.Addresses) > MaxRules:
		return fieldError(field, "more than %d values", MaxRules)
	}
	for i, v := range r.Allow {
		if r.Mask != 0 && v&^r.Mask != 0 {
			return fieldError(fmt.Sprintf("%s.allow[%d]", field, i), "%d has bits outside of the mask: it never matches", v)
		}
	}
	for i, p := range r.Paths {
		if p != "/" && checkPath(p) != nil {
			return fieldError(fmt.Sprintf("%s.paths[%d]", field, i), "%q is not an absolute, clean path", p)
		}
	}
	for i, a := range r.Addresses {
		if _, err := ParseAddress(a); err != nil {
			return fieldError(fmt.Sprintf("%s.addresses[%d]", field, i), "%v", err)
		}
	}
	return nil
}
