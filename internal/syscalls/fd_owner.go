package syscalls

import (
	"math"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/sock"
	"vkernel/internal/vfs"
	pipes "vkernel/internal/vfs/pipe"
	"vkernel/internal/vfs/tty"
	"vkernel/internal/wait"
)

// Signals that tell of descriptors: O_ASYNC with its owner, and F_NOTIFY.

// asyncQueue is what tells of a file of the kinds that have O_ASYNC; nil for others.
func asyncQueue(f vfs.File) *wait.Queue {
	switch f := f.(type) {
	case *pipes.End, *sock.Socket, *tty.File, *tty.Master:
		return f.Queue()
	}
	return nil
}

// setAsync switches O_ASYNC, where there is such a thing.
func setAsync(t *proc.Thread, d *fd.Description, n int32, on bool) {
	q := asyncQueue(d.File())
	if q == nil || on == (d.Flags()&linux.O_ASYNC != 0) {
		return
	}
	if f, ok := d.File().(*tty.File); ok && on {
		owner := fd.Owner{Type: linux.F_OWNER_PGRP, ID: f.TTY().Foreground(), UID: t.Cred().UID, EUID: t.Cred().EUID}
		if owner.ID <= 0 {
			owner = processOwner(t, t.Process())
		}
		d.SetOwner(owner, t.Table(), true)
	}
	d.SetAsync(on, q, n)
}

// ioctlAsync is FIOASYNC.
func ioctlAsync(t *proc.Thread, d *fd.Description, n int32, arg guest.Addr) linux.Errno {
	on, e := guest.Get[int32](t.Mem(), arg)
	if e != 0 {
		return e
	}
	if asyncQueue(d.File()) == nil && on != 0 {
		return linux.ENOTTY
	}
	setAsync(t, d, n, on != 0)
	return 0
}

func fcntlOwner(t *proc.Thread, d *fd.Description, cmd int32, arg uint32) (int64, linux.Errno) {
	switch cmd {
	case linux.F_SETOWN:
		who := linux.FOwnerEx{Type: linux.F_OWNER_PID, PID: int32(arg)}
		if who.PID == math.MinInt32 {
			return 0, linux.EINVAL
		}
		if who.PID < 0 {
			who = linux.FOwnerEx{Type: linux.F_OWNER_PGRP, PID: -who.PID}
		}
		return 0, setOwner(t, d, who)
	case linux.F_SETOWN_EX:
		who, e := guest.Get[linux.FOwnerEx](t.Mem(), arg)
		if e != 0 {
			return 0, e
		}
		return 0, setOwner(t, d, who)
	case linux.F_GETOWN:
		who := owner(t, d)
		if who.Type == linux.F_OWNER_PGRP {
			return -int64(who.PID), 0
		}
		return int64(who.PID), 0
	case linux.F_GETOWN_EX:
		who := owner(t, d)
		return 0, guest.Put(t.Mem(), arg, &who)
	case linux.F_SETSIG:
		if arg > linux.NSIG {
			return 0, linux.EINVAL
		}
		d.SetSignal(linux.Signal(arg))
		return 0, 0
	}
	_, sig := d.Owner()
	return int64(sig), 0
}

// owner is who gets the signals of d, 0 if that one has ended.
func owner(t *proc.Thread, d *fd.Description) linux.FOwnerEx {
	o, _ := d.Owner()
	there := true
	switch o.Type {
	case linux.F_OWNER_TID:
		_, there = t.Table().FindThread(int(o.ID))
	case linux.F_OWNER_PID:
		_, there = t.Table().Find(int(o.ID))
	case linux.F_OWNER_PGRP:
		there = len(t.Table().Members(int(o.ID))) != 0
	}
	if !there {
		o.ID = 0
	}
	return linux.FOwnerEx{Type: o.Type, PID: o.ID}
}

// setOwner makes who get the signals of d.
func setOwner(t *proc.Thread, d *fd.Description, who linux.FOwnerEx) linux.Errno {
	if who.Type < linux.F_OWNER_TID || who.Type > linux.F_OWNER_PGRP {
		return linux.EINVAL
	}
	o := fd.Owner{Type: who.Type, ID: who.PID, UID: t.Cred().UID, EUID: t.Cred().EUID}
	switch {
	case who.PID == 0:
	case who.PID < 0:
		return linux.ESRCH
	case who.Type == linux.F_OWNER_PID:
		p, ok := t.Table().Find(int(who.PID))
		if !ok {
			return linux.ESRCH
		}
		o = processOwner(t, p)
	case who.Type == linux.F_OWNER_TID:
		to, ok := t.Table().FindThread(int(who.PID))
		if !ok {
			return linux.ESRCH
		}
		if proc.MaySignalIO(o.UID, o.EUID, to.Process()) {
			o.Thread = to.Signals()
		}
	case len(t.Table().Members(int(who.PID))) == 0:
		return linux.ESRCH
	}
	d.SetOwner(o, t.Table(), false)
	return 0
}

// processOwner is p as an owner that t sets.
func processOwner(t *proc.Thread, p *proc.Process) fd.Owner {
	o := fd.Owner{Type: linux.F_OWNER_PID, ID: int32(p.PID()), UID: t.Cred().UID, EUID: t.Cred().EUID}
	if proc.MaySignalIO(o.UID, o.EUID, p) {
		o.Process = p.Signals()
	}
	return o
}

// notifyDirectory is F_NOTIFY.
func notifyDirectory(t *proc.Thread, d *fd.Description, n int32, arg uint32) linux.Errno {
	const known = linux.DN_ACCESS | linux.DN_MODIFY | linux.DN_CREATE | linux.DN_DELETE | linux.DN_RENAME | linux.DN_ATTRIB
	if st, e := d.File().Stat(); arg&^linux.DN_MULTISHOT != 0 && (e != 0 || st.Mode&linux.S_IFMT != linux.S_IFDIR || d.Path().IsZero()) {
		return linux.ENOTDIR
	}
	if arg&known == 0 {
		d.Notify(0, n)
		return 0
	}
	var events uint32
	for _, of := range []struct{ dn, in uint32 }{
		{linux.DN_ACCESS, linux.IN_ACCESS},
		{linux.DN_MODIFY, linux.IN_MODIFY},
		{linux.DN_ATTRIB, linux.IN_ATTRIB},
		{linux.DN_CREATE, linux.IN_CREATE | linux.IN_MOVED_TO},
		{linux.DN_DELETE, linux.IN_DELETE | linux.IN_MOVED_FROM},
		{linux.DN_RENAME, linux.IN_MOVED_FROM},
	} {
		if arg&of.dn != 0 {
			events |= of.in
		}
	}
	if arg&linux.DN_MULTISHOT == 0 {
		events |= linux.IN_ONESHOT
	}
	d.SetOwner(processOwner(t, t.Process()), t.Table(), true)
	d.Notify(events, n)
	return 0
}
