package policy

import "strings"

// Access is what is done with what lies at a path.
type Access uint8

// Kinds of access. Package vfs says which call needs which.
const (
	Look  Access = iota // that it is there and of what kind: stat, access, readlink, chdir, O_PATH
	Read                // its content, or the names in it: open for reading
	Write               // its content, attributes or name: open for writing, create, remove, rename, link, chmod
)

// Place is a path that a rule names: it and all that lies below.
type Place struct {
	names []string // from the root down
	write bool
}

func newPlace(path string, write bool) Place {
	p := Place{write: write}
	if path != "/" {
		p.names = strings.Split(path[1:], "/")
	}
	return p
}

// Paths are the rules on paths that hold a process: of each list one place has to match.
type Paths struct {
	all [][]Place
}

// Paths gives the rules on paths, nil if every path is allowed.
func (p *Policy) Paths() *Paths {
	if p == nil {
		return nil
	}
	return p.places
}

func (p *Policy) allPlaces() *Paths {
	var all [][]Place
	p.parts(func(r *rules) bool {
		if r.paths != nil {
			all = append(all, r.paths)
		}
		return true
	})
	if all == nil {
		return nil
	}
	return &Paths{all}
}

// Allows reports whether the access is allowed to what lies at names, from the root down,
// and with last at their end unless that is empty. A directory on the way to a place may be
// looked at.
func (p *Paths) Allows(names []string, last string, a Access) bool {
	for _, places := range p.all {
		if !allows(places, names, last, a) {
			return false
		}
	}
	return true
}

func allows(places []Place, names []string, last string, a Access) bool {
	length := len(names)
	if last != "" {
		length++
	}
	at := func(i int) string {
		if i == len(names) {
			return last
		}
		return names[i]
	}
	for i := range places {
		p := &places[i]
		if a == Write && !p.write || len(p.names) > length && a != Look {
			continue
		}
		n, same := min(len(p.names), length), true
		for j := 0; j < n && same; j++ {
			same = p.names[j] == at(j)
		}
		if same {
			return true
		}
	}
	return false
}
