package proc

import (
	"slices"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Cred is with whose rights a process acts. It is immutable: a change sets a new one.
type Cred struct {
	UID, EUID, SUID, FSUID uint32
	GID, EGID, SGID, FSGID uint32
	Groups                 []uint32 // sorted
}

// Super reports whether c has the capabilities of root.
func (c *Cred) Super() bool { return c.EUID == 0 }

// InGroup reports whether gid is one of the groups that c may take.
func (c *Cred) InGroup(gid uint32) bool {
	return gid == c.GID || gid == c.EGID || gid == c.SGID
}

// view is what the file system sees of c.
func (c *Cred) view() *vfs.Cred {
	return &vfs.Cred{FSUID: c.FSUID, FSGID: c.FSGID, UID: c.UID, GID: c.GID, Groups: c.Groups}
}

// Cred gives the credentials; they are not to be changed.
func (p *Process) Cred() *Cred { return p.cred.Load() }

// SetCred sets the credentials. Groups need not be sorted.
func (p *Process) SetCred(c Cred) {
	c.Groups = slices.Clone(c.Groups)
	slices.Sort(c.Groups)
	p.cred.Store(&c)
	p.fs.SetCred(c.view())
}

// MaySignal reports whether p may send sig to to.
func (p *Process) MaySignal(to *Process, sig linux.Signal) bool {
	a, b := p.Cred(), to.Cred()
	if a.Super() || a.EUID == b.SUID || a.EUID == b.UID || a.UID == b.SUID || a.UID == b.UID {
		return true
	}
	return sig == linux.SIGCONT && p.Session() == to.Session()
}
