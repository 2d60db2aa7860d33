package proc

import "vkernel/internal/linux"

// MaySignalIO reports whether who set itself as the one that has signals of a descriptor sent may have them sent to p.
func MaySignalIO(uid, euid uint32, p *Process) bool {
	c := p.Cred()
	return euid == 0 || euid == c.SUID || euid == c.UID || uid == c.SUID || uid == c.UID
}

// SignalIO sends a signal to the members of a group. It may be called with locks of objects held, above which the
// table's is: so it is done later, outside of cuts.
func (t *Table) SignalIO(group int, uid, euid uint32, info linux.SigInfo) {
	go func() {
		t.outside.RLock()
		defer t.outside.RUnlock()
		for _, p := range t.Members(group) {
			if !MaySignalIO(uid, euid, p) {
				continue
			}
			if p.Signal(info) == linux.EAGAIN {
				p.Signal(linux.Info(linux.SIGIO, linux.SI_KERNEL))
			}
		}
	}()
}
