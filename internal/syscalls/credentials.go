package syscalls

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// keep is the id that leaves a value as it is.
const keep = ^uint32(0)

func getuid(t *proc.Thread, _ Args) (int64, linux.Errno)  { return int64(t.Cred().UID), 0 }
func geteuid(t *proc.Thread, _ Args) (int64, linux.Errno) { return int64(t.Cred().EUID), 0 }
func getgid(t *proc.Thread, _ Args) (int64, linux.Errno)  { return int64(t.Cred().GID), 0 }
func getegid(t *proc.Thread, _ Args) (int64, linux.Errno) { return int64(t.Cred().EGID), 0 }

func setuid(t *proc.Thread, a Args) (int64, linux.Errno) {
	c, id := *t.Cred(), a.Uint(0)
	switch {
	case id == keep:
		return 0, linux.EINVAL
	case c.Super():
		c.UID, c.SUID = id, id
	case id != c.UID && id != c.SUID:
		return 0, linux.EPERM
	}
	c.EUID, c.FSUID = id, id
	t.Process().SetCred(c)
	return 0, 0
}

func setgid(t *proc.Thread, a Args) (int64, linux.Errno) {
	c, id := *t.Cred(), a.Uint(0)
	switch {
	case id == keep:
		return 0, linux.EINVAL
	case c.Super():
		c.GID, c.SGID = id, id
	case id != c.GID && id != c.SGID:
		return 0, linux.EPERM
	}
	c.EGID, c.FSGID = id, id
	t.Process().SetCred(c)
	return 0, 0
}

// ids are a real, effective and saved id.
type ids struct{ real, effective, saved uint32 }

// may reports whether an unprivileged process may set one of its ids to id.
func (i ids) may(id uint32, saved bool) bool {
	return id == keep || id == i.real || id == i.effective || saved && id == i.saved
}

// resetRE is setreuid and setregid.
func resetRE(i ids, real, effective uint32, super bool) (ids, linux.Errno) {
	if !super && (!i.may(real, false) || !i.may(effective, true)) {
		return i, linux.EPERM
	}
	n := i
	if real != keep {
		n.real = real
	}
	if effective != keep {
		n.effective = effective
	}
	if real != keep || effective != keep && effective != i.real {
		n.saved = n.effective
	}
	return n, 0
}

// resetRES is setresuid and setresgid.
func resetRES(i ids, to ids, super bool) (ids, linux.Errno) {
	if !super && (!i.may(to.real, true) || !i.may(to.effective, true) || !i.may(to.saved, true)) {
		return i, linux.EPERM
	}
	if to.real != keep {
		i.real = to.real
	}
	if to.effective != keep {
		i.effective = to.effective
	}
	if to.saved != keep {
		i.saved = to.saved
	}
	return i, 0
}

func setUIDs(t *proc.Thread, i ids) {
	c := *t.Cred()
	c.UID, c.EUID, c.SUID, c.FSUID = i.real, i.effective, i.saved, i.effective
	t.Process().SetCred(c)
}

func setGIDs(t *proc.Thread, i ids) {
	c := *t.Cred()
	c.GID, c.EGID, c.SGID, c.FSGID = i.real, i.effective, i.saved, i.effective
	t.Process().SetCred(c)
}

func uids(c *proc.Cred) ids { return ids{c.UID, c.EUID, c.SUID} }
func gids(c *proc.Cred) ids { return ids{c.GID, c.EGID, c.SGID} }

func setreuid(t *proc.Thread, a Args) (int64, linux.Errno) {
	i, e := resetRE(uids(t.Cred()), a.Uint(0), a.Uint(1), t.Cred().Super())
	if e == 0 {
		setUIDs(t, i)
	}
	return 0, e
}

func setregid(t *proc.Thread, a Args) (int64, linux.Errno) {
	i, e := resetRE(gids(t.Cred()), a.Uint(0), a.Uint(1), t.Cred().Super())
	if e == 0 {
		setGIDs(t, i)
	}
	return 0, e
}

func setresuid(t *proc.Thread, a Args) (int64, linux.Errno) {
	i, e := resetRES(uids(t.Cred()), ids{a.Uint(0), a.Uint(1), a.Uint(2)}, t.Cred().Super())
	if e == 0 {
		setUIDs(t, i)
	}
	return 0, e
}

func setresgid(t *proc.Thread, a Args) (int64, linux.Errno) {
	i, e := resetRES(gids(t.Cred()), ids{a.Uint(0), a.Uint(1), a.Uint(2)}, t.Cred().Super())
	if e == 0 {
		setGIDs(t, i)
	}
	return 0, e
}

// putIDs writes three ids to where the arguments point.
func putIDs(t *proc.Thread, a Args, i ids) (int64, linux.Errno) {
	for n, v := range []uint32{i.real, i.effective, i.saved} {
		if e := guest.Put(t.Mem(), a.Addr(n), &v); e != 0 {
			return 0, e
		}
	}
	return 0, 0
}

func getresuid(t *proc.Thread, a Args) (int64, linux.Errno) { return putIDs(t, a, uids(t.Cred())) }
func getresgid(t *proc.Thread, a Args) (int64, linux.Errno) { return putIDs(t, a, gids(t.Cred())) }

// setfsuid gives the old id, whether it changed anything or not.
func setfsuid(t *proc.Thread, a Args) (int64, linux.Errno) {
	c, id := *t.Cred(), a.Uint(0)
	old := c.FSUID
	if id != keep && (c.Super() || uids(&c).may(id, true) || id == old) {
		c.FSUID = id
		t.Process().SetCred(c)
	}
	return int64(old), 0
}

func setfsgid(t *proc.Thread, a Args) (int64, linux.Errno) {
	c, id := *t.Cred(), a.Uint(0)
	old := c.FSGID
	if id != keep && (c.Super() || gids(&c).may(id, true) || id == old) {
		c.FSGID = id
		t.Process().SetCred(c)
	}
	return int64(old), 0
}

// maxGroups is NGROUPS_MAX.
const maxGroups = 65536

func getgroups(t *proc.Thread, a Args) (int64, linux.Errno) {
	groups := t.Cred().Groups
	switch size := a.Int(0); {
	case size < 0:
		return 0, linux.EINVAL
	case size == 0:
		return int64(len(groups)), 0
	case int(size) < len(groups):
		return 0, linux.EINVAL
	}
	for i := range groups {
		if e := guest.Put(t.Mem(), a.Addr(1)+uint32(4*i), &groups[i]); e != 0 {
			return 0, e
		}
	}
	return int64(len(groups)), 0
}

func setgroups(t *proc.Thread, a Args) (int64, linux.Errno) {
	c := *t.Cred()
	if !c.Super() {
		return 0, linux.EPERM
	}
	n := a.Uint(0)
	if n > maxGroups {
		return 0, linux.EINVAL
	}
	groups, e := guest.GetSlice[uint32](t.Mem(), a.Addr(1), int(n))
	if e != 0 {
		return 0, e
	}
	c.Groups = groups
	t.Process().SetCred(c)
	return 0, 0
}

// allCaps is every capability there is.
const allCaps = 1<<(linux.CAP_LAST_CAP+1) - 1

// capVersion checks the header of capget and capset and gives how many data follow.
func capVersion(t *proc.Thread, at guest.Addr) (h linux.CapHeader, n int, e linux.Errno) {
	h, e = guest.Get[linux.CapHeader](t.Mem(), at)
	if e != 0 {
		return h, 0, e
	}
	switch h.Version {
	case linux.CAP_VERSION_1:
		return h, 1, 0
	case linux.CAP_VERSION_2, linux.CAP_VERSION_3:
		return h, 2, 0
	}
	h.Version = linux.CAP_VERSION_3
	if e := guest.Put(t.Mem(), at, &h); e != 0 {
		return h, 0, e
	}
	return h, 0, linux.EINVAL
}

func capget(t *proc.Thread, a Args) (int64, linux.Errno) {
	h, n, e := capVersion(t, a.Addr(0))
	if a.Addr(1) == 0 && (e == 0 || e == linux.EINVAL) {
		return 0, 0 // a question for the version
	}
	if e != 0 {
		return 0, e
	}
	if h.PID < 0 {
		return 0, linux.EINVAL
	}
	p, e := target(t, h.PID)
	if e != 0 {
		return 0, e
	}
	var data [2]linux.CapData
	if p.Cred().Super() {
		data[0] = linux.CapData{Effective: allCaps & 0xffffffff, Permitted: allCaps & 0xffffffff}
		data[1] = linux.CapData{Effective: allCaps >> 32, Permitted: allCaps >> 32}
	}
	for i := range n {
		if e := guest.Put(t.Mem(), a.Addr(1)+uint32(12*i), &data[i]); e != 0 {
			return 0, e
		}
	}
	return 0, 0
}

func capset(t *proc.Thread, a Args) (int64, linux.Errno) {
	h, n, e := capVersion(t, a.Addr(0))
	if e != 0 {
		return 0, e
	}
	if h.PID != 0 && int(h.PID) != t.Process().PID() {
		return 0, linux.EPERM
	}
	data, e := guest.GetSlice[linux.CapData](t.Mem(), a.Addr(1), n)
	if e != 0 {
		return 0, e
	}
	for _, d := range data {
		if d.Effective&^d.Permitted != 0 || d.Permitted != 0 && !t.Cred().Super() {
			return 0, linux.EPERM
		}
	}
	return 0, 0
}
