package trust

import (
	"sync/atomic"

	"vkernel/internal/manifest"
)

// Update is what a Watcher has found out about a running bundle; it can be sent to another
// process as JSON.
type Update struct {
	// Reason says why nothing of the bundle may be started any more; empty if it may.
	Reason string `json:"reason,omitempty"`
	// Digests are those that may not be started. They replace the ones before.
	Digests []manifest.Digest `json:"digests,omitempty"`
}

// Revoked tells what must not be started any more. The zero Revoked, and nil, refuse
// nothing. It is safe for use by many goroutines.
type Revoked struct {
	state atomic.Pointer[revocations]
}

type revocations struct {
	everything bool
	digests    map[[32]byte]struct{}
}

// Apply takes an update over.
func (r *Revoked) Apply(u Update) {
	s := &revocations{everything: u.Reason != "", digests: make(map[[32]byte]struct{}, len(u.Digests))}
	for _, d := range u.Digests {
		s.digests[d] = struct{}{}
	}
	r.state.Store(s)
}

// Has reports whether what has this SHA-256 must not be started.
func (r *Revoked) Has(sha256 [32]byte) bool {
	if r == nil {
		return false
	}
	s := r.state.Load()
	if s == nil {
		return false
	}
	if s.everything {
		return true
	}
	_, ok := s.digests[sha256]
	return ok
}
