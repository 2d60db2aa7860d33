package manifest

import (
	"fmt"
	"slices"
)

// Entry is one entry point: an exported function of one module, and what a process that
// runs it may do.
type Entry struct {
	ID     string `json:"id"`     // what Executable.Entry refers to; unique
	Name   string `json:"name"`   // for people
	Module int    `json:"module"` // index into Megabinary.Modules
	Export string `json:"export"`
	// Syscalls are the names of the system calls that the program may make, sorted. The
	// builder lists those that the module imports, the signer may move some to Withheld.
	Syscalls []string `json:"syscalls"`
	// Withheld are the names of those that the module imports and may not make, sorted. A
	// program that imports a call which is in neither list does not start.
	Withheld []string `json:"withheld,omitzero"`
	// Denied says what a withheld call, or one that no rule allows, does: one of Denied*,
	// empty for DeniedErrno.
	Denied string `json:"denied,omitempty"`
	// Rules narrow calls of Syscalls by their arguments, and which paths there are.
	Rules []Rule `json:"rules,omitzero"`
	// Preopens are the directories that a program of WASI starts with: absolute names, or
	// "." for the working directory. Without the list it gets the usual ones, which are the
	// whole tree; with an empty one it has no files.
	Preopens []string `json:"preopens,omitzero"`
	Limits   Limits   `json:"limits,omitzero"`
	// Starts are the ids of the entries that it may execve; without the list it may start
	// any, with an empty one none.
	Starts []string `json:"starts,omitzero"`
	// Inherit says that whatever it starts, directly or not, is held by its policy too. Syscalls
	// may then name calls for what it starts, which its own program does not import.
	Inherit bool `json:"inherit,omitempty"`
	// Securebits are set, with their locks, when the entry is started: some of Secure*.
	Securebits []string `json:"securebits,omitzero"`
	// Warm says that it may start from a warm image: its program calls vkernel.ready.
	Warm *Warm `json:"warm,omitempty"`
}

// Values of Entry.Denied.
const (
	DeniedErrno = "errno" // the call fails with EPERM
	DeniedKill  = "kill"  // the process ends with SIGSYS
)

// Values of Entry.Securebits, after SECBIT_EXEC_* of prctl(2).
const (
	SecureRestrictFile    = "exec-restrict-file"
	SecureDenyInteractive = "exec-deny-interactive"
)

// Limits bound one process that runs an entry; 0 is no limit of its own.
type Limits struct {
	Memory uint64 `json:"memory,omitzero"` // bytes of address space, as RLIMIT_AS
	CPU    uint64 `json:"cpu,omitzero"`    // seconds, as RLIMIT_CPU
}

func (m *Manifest) checkEntries() error {
	if len(m.Entries) > maxList {
		return fieldError("entries", "%d entries, the limit is %d", len(m.Entries), maxList)
	}
	seen := map[string]bool{}
	for i := range m.Entries {
		e := &m.Entries[i]
		field := fmt.Sprintf("entries[%d]", i)
		switch {
		case !ValidName(e.ID):
			return fieldError(field+".id", "malformed name %q", e.ID)
		case seen[e.ID]:
			return fieldError(field+".id", "%q is given twice", e.ID)
		case e.Module >= len(m.Megabinary.Modules):
			return fieldError(field+".module", "%d, the megabinary has %d modules", e.Module, len(m.Megabinary.Modules))
		}
		if err := e.check(field); err != nil {
			return err
		}
		seen[e.ID] = true
	}
	for i := range m.Entries {
		for j, id := range m.Entries[i].Starts {
			if !seen[id] {
				return fieldError(fmt.Sprintf("entries[%d].starts[%d]", i, j), "there is no entry %q", id)
			}
		}
	}
	return nil
}

// check checks what concerns the entry alone.
func (e *Entry) check(field string) error {
	switch {
	case e.Export == "":
		return fieldError(field+".export", "empty")
	case e.Denied != "" && e.Denied != DeniedErrno && e.Denied != DeniedKill:
		return fieldError(field+".denied", "%q, expected %q or %q", e.Denied, DeniedErrno, DeniedKill)
	case len(e.Preopens) > MaxPreopens:
		return fieldError(field+".preopens", "%d directories, the limit is %d", len(e.Preopens), MaxPreopens)
	}
	if err := checkSorted(field+".syscalls", e.Syscalls); err != nil {
		return err
	}
	if err := checkSorted(field+".withheld", e.Withheld); err != nil {
		return err
	}
	for j, s := range e.Withheld {
		if _, both := slices.BinarySearch(e.Syscalls, s); both {
			return fieldError(fmt.Sprintf("%s.withheld[%d]", field, j), "%q is in syscalls, too", s)
		}
	}
	if err := checkSorted(field+".starts", e.Starts); err != nil {
		return err
	}
	if err := e.checkRules(field + ".rules"); err != nil {
		return err
	}
	for j, p := range e.Preopens {
		if p != "." && p != "/" && checkPath(p) != nil {
			return fieldError(fmt.Sprintf("%s.preopens[%d]", field, j), "%q is neither an absolute, clean path nor \".\"", p)
		}
	}
	for j, s := range e.Securebits {
		at := fmt.Sprintf("%s.securebits[%d]", field, j)
		if s != SecureRestrictFile && s != SecureDenyInteractive {
			return fieldError(at, "%q, expected %q or %q", s, SecureRestrictFile, SecureDenyInteractive)
		}
		if slices.Contains(e.Securebits[:j], s) {
			return fieldError(at, "%q is given twice", s)
		}
	}
	return e.Warm.check(field + ".warm")
}

// checkSorted checks a list of names, each once and in byte order.
func checkSorted(field string, names []string) error {
	if len(names) > maxList {
		return fieldError(field, "%d names, the limit is %d", len(names), maxList)
	}
	for i, s := range names {
		if !ValidName(s) {
			return fieldError(fmt.Sprintf("%s[%d]", field, i), "malformed name %q", s)
		}
		if i > 0 && names[i-1] >= s {
			return fieldError(fmt.Sprintf("%s[%d]", field, i), "%q is out of order or given twice", s)
		}
	}
	return nil
}
