package vfs

import (
	"sync"
	"sync/atomic"

	"vkernel/internal/linux"
)

// Noted is a node that counts what changes of it, once somebody watches it.
type Noted interface {
	Node
	// Watch gives the count of changes of attributes, content and names until now. all is false while content
	// may change without being counted. fs counts the changes of all watched nodes of the file system.
	Watch() (changes uint64, all bool, fs *atomic.Uint64)
}

// Witness remembers what has been looked at in a namespace, and can tell whether who looks now would find the
// same: names, found or not; what lies there, if a walk ended there. It costs one look at a counter for each
// file system as long as nothing that was looked at has changed.
//
// Who looks watches first and reads then, so what changes meanwhile is counted. Witness.mu comes before the locks of
// file systems.
type Witness struct {
	ns *Namespace

	mu sync.Mutex

	// guarded by mu
	dirs   map[Dir]*seenDir // in which a name was looked for
	ends   map[Noted]uint64 // where walks ended: changes until then
	names  int              // in all of dirs
	totals []seenFS
	lost   string // why it cannot tell
}

// seenDir is what was seen of a directory that a walk went through.
type seenDir struct {
	entry   *Entry
	changes uint64
	perm    Perm
	names   map[string]*Entry // nil: was not there
}

type seenFS struct {
	counter *atomic.Uint64
	changes uint64
}

// maxSeen is how many names, and how many ends of walks, a witness remembers.
const maxSeen = 1 << 14

// Witness makes all that is looked at in ns from now on remembered.
func (ns *Namespace) Witness() *Witness {
	w := &Witness{ns: ns, dirs: map[Dir]*seenDir{}, ends: map[Noted]uint64{}}
	ns.witness = w
	return w
}

// Lost tells why nothing can be said, empty if something can: what was looked at changes without being counted.
func (s *Witness) Lost() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// Same reports whether all that was looked at is as it was.
func (s *Witness) Same() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost != "" {
		return false
	}
	same := true
	for i := range s.totals {
		t := &s.totals[i]
		now := t.counter.Load()
		same = same && now == t.changes
		t.changes = now
	}
	if same || s.againLocked() {
		return true
	}
	s.lost = "it has changed"
	return false
}

// againLocked looks at all again that has changed.
func (s *Witness) againLocked() bool {
	for n, was := range s.ends {
		if now, all, _ := n.Watch(); now != was || !all {
			return false
		}
	}
	for d, was := range s.dirs {
		now, _, _ := d.(Noted).Watch()
		if now == was.changes {
			continue
		}
		if d.Perm() != was.perm {
			return false
		}
		for name, entry := range was.names {
			if found, e := d.Lookup(nil, was.entry, name); found != entry || e != 0 && e != linux.ENOENT {
				return false
			}
		}
		was.changes = now
	}
	return true
}

// watchLocked begins to count the changes of a node of the mount m, and reports whether it can.
func (s *Witness) watchLocked(n Node, m *Mount) (noted Noted, changes uint64, ok bool) {
	noted, ok = n.(Noted)
	if !ok {
		s.loseLocked("it looks at files of " + m.FS.Type() + ", which may change unseen")
		return nil, 0, false
	}
	changes, all, fs := noted.Watch()
	if !all {
		s.loseLocked("it looks at a file that somebody writes to through a mapping")
		return nil, 0, false
	}
	for _, t := range s.totals {
		if t.counter == fs {
			return noted, changes, true
		}
	}
	s.totals = append(s.totals, seenFS{fs, fs.Load() - 1}) // the first Same looks at all again
	return noted, changes, true
}

func (s *Witness) loseLocked(why string) {
	if s.lost == "" {
		s.lost = why
	}
}

// denied is told that who looks may not do what others may: they would find something else.
func (s *Witness) denied() {
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.loseLocked("it looks at files that not everybody may read, or write")
	}
}

// find looks name up in dir, which lies at p.
func (s *Witness) find(c *Context, p Path, dir Dir, name string) (*Entry, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names >= maxSeen {
		s.loseLocked("it looks at too many files")
	}
	if s.lost != "" {
		return dir.Lookup(c, p.Entry, name)
	}
	d := s.dirs[dir]
	if d == nil {
		_, changes, ok := s.watchLocked(dir, p.Mount)
		if !ok {
			return dir.Lookup(c, p.Entry, name)
		}
		d = &seenDir{entry: p.Entry, changes: changes, perm: dir.Perm(), names: map[string]*Entry{}}
		s.dirs[dir] = d
	}
	entry, e := dir.Lookup(c, p.Entry, name)
	if e != 0 && e != linux.ENOENT {
		s.loseLocked("a directory cannot be read: " + e.Error())
	}
	if was, ok := d.names[name]; ok && was != entry {
		s.loseLocked("a name changes while it looks")
	} else if !ok {
		d.names[name] = entry
		s.names++
	}
	if entry != nil && entry.mounted.Load() && s.ns.top(Path{p.Mount, entry}) == (Path{p.Mount, entry}) {
		s.loseLocked("it looks below /" + name + ", which is another file system to others")
	}
	return entry, e
}

// end remembers that a walk ended at p, whose node is looked at next.
func (s *Witness) end(p Path) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ends) >= maxSeen {
		s.loseLocked("it looks at too many files")
	}
	if s.lost != "" {
		return
	}
	noted, changes, ok := s.watchLocked(p.Node(), p.Mount)
	if !ok {
		return
	}
	if was, known := s.ends[noted]; known && was != changes {
		s.loseLocked("a file changes while it looks")
		return
	}
	s.ends[noted] = changes
}
