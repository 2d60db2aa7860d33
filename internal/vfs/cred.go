package vfs

import "slices"

// Cred is with whose rights a call acts. It is immutable: to change it, set a new one.
// The file system ids decide; the real ones are for access(2). User 0 passes all checks
// that Linux lets CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_CHOWN and CAP_FSETID pass; nobody has
// CAP_MKNOD.
type Cred struct {
	FSUID, FSGID uint32
	UID, GID     uint32
	Groups       []uint32 // sorted
}

// Root is user 0 without supplementary groups.
func Root() *Cred { return &Cred{} }

// Super reports whether c passes permission checks.
func (c *Cred) Super() bool { return c.FSUID == 0 }

// InGroup reports whether gid is the file system group or a supplementary one.
func (c *Cred) InGroup(gid uint32) bool {
	if c.FSGID == gid {
		return true
	}
	_, ok := slices.BinarySearch(c.Groups, gid)
	return ok
}

// real gives the credentials with which access(2) checks.
func (c *Cred) real() *Cred {
	if c.FSUID == c.UID && c.FSGID == c.GID {
		return c
	}
	return &Cred{FSUID: c.UID, FSGID: c.GID, UID: c.UID, GID: c.GID, Groups: c.Groups}
}
