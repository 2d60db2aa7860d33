// Package router answers execve's question: may this content run, and as what?
//
// # Model
//
// A Router is made from a verified manifest and never changes, so that lookups need no
// lock. It knows digests only; what path a file has, or had when the bundle was built,
// makes no difference.
package router

import "vkernel/internal/manifest"

// Entry is what a content that may be executed starts.
type Entry struct {
	// Of a program:
	ID      string // the manifest's entry
	Name    string // for people
	Program int    // index of the module in the megabinary and of its native code
	Export  string // the function to call
	// Preopens are the directories that a program of WASI starts with; nil: the usual ones.
	Preopens []string
	// Securebits are set, with their locks, in a process that starts it (manifest.Secure*).
	Securebits []string

	// Warm says when the program may start from a warm image; nil: never.
	Warm *manifest.Warm

	// Of a #! script: what its first line must say. The interpreter's own content is then
	// looked up in turn.
	Script      bool
	Interpreter string
}

// Router maps digests to entries.
type Router struct {
	byDigest map[manifest.Digest]Entry
}

// New makes the router of a verified manifest.
func New(m *manifest.Manifest) *Router {
	entries := make(map[string]Entry, len(m.Entries))
	for i := range m.Entries {
		e := &m.Entries[i]
		entries[e.ID] = Entry{ID: e.ID, Name: e.Name, Program: e.Module, Export: e.Export, Preopens: e.Preopens, Securebits: e.Securebits, Warm: e.Warm}
	}
	r := &Router{byDigest: make(map[manifest.Digest]Entry, len(m.Executables))}
	for i := range m.Executables {
		x := &m.Executables[i]
		if x.Script() {
			r.byDigest[x.SHA256] = Entry{Name: "script", Script: true, Interpreter: x.Interpreter}
			continue
		}
		r.byDigest[x.SHA256] = entries[x.Entry]
	}
	return r
}

// Lookup returns what the content with this SHA-256 starts, and whether it may start at
// all. It is safe for use by many goroutines.
func (r *Router) Lookup(sha256 [32]byte) (Entry, bool) {
	e, ok := r.byDigest[sha256]
	return e, ok
}
