package mm

import (
	"sync/atomic"

	"vkernel/internal/engine"
	"vkernel/internal/futex"
	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// share is a piece of anonymous memory that several spaces may have. The host knows by its own mappings which pages
// are whose; after a restore it is a file, and an Object, since the spaces come one after the other then.
type share struct {
	futexes futex.Set

	// Of one that was loaded.
	code *engine.Code
	fd   int // guarded by code
	held atomic.Int64

	saver *state.Encoder // that saves it now
	saved []span         // what it has written
}

// span is a part of a share.
type span struct{ start, end uint64 }

// StateType names the type.
func (*share) StateType() string { return "mm.share" }

// SaveState writes nothing: the spaces write the pages. The file, and who holds it, are made again.
func (s *share) SaveState(*state.Encoder) {}

// LoadState reads nothing.
func (s *share) LoadState(*state.Decoder) {}

// saving gives what of a part e has not written yet, and notes that it will have been.
func (s *share) saving(e *state.Encoder, start, end uint64) (missing []span) {
	if s.saver != e {
		s.saver, s.saved = e, nil
	}
	missing = []span{{start, end}}
	for _, have := range s.saved {
		var rest []span
		for _, m := range missing {
			if m.start < min(m.end, have.start) {
				rest = append(rest, span{m.start, min(m.end, have.start)})
			}
			if max(m.start, have.end) < m.end {
				rest = append(rest, span{max(m.start, have.end), m.end})
			}
		}
		missing = rest
	}
	s.saved = append(s.saved, span{start, end})
	return missing
}

// open makes the file of a share that is loaded, unless it is there.
func (s *share) open(d *state.Decoder, code *engine.Code) linux.Errno {
	if s.code != nil {
		return 0
	}
	fd, e := code.OpenMemory()
	if e != 0 {
		return e
	}
	s.fd, s.code = fd, code
	d.Undo(func() { code.CloseMemory(fd) })
	return 0
}

// A share that was loaded is an Object.

func (s *share) FD() int             { return s.fd }
func (s *share) Futexes() *futex.Set { return &s.futexes }
func (s *share) Sync() linux.Errno   { return 0 }
func (s *share) Users() int          { return int(s.held.Load()) }
func (s *share) Cached() bool        { return false }
func (s *share) Hold()               { s.held.Add(1) }

// Release closes the file when nobody has it mapped any more.
func (s *share) Release() {
	if s.held.Add(-1) == 0 {
		s.code.CloseMemory(s.fd)
		s.code = nil
	}
}

// anonymous is the shared anonymous memory that an area shows, if it does.
func (a *area) anonymous() *share {
	if a.share != nil {
		return a.share
	}
	s, _ := a.object.(*share)
	return s
}
