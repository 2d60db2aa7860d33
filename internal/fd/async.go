package fd

import (
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

// Owner is who gets the signals of a description: fcntl(2) F_SETOWN. What it leads to was looked up, and its
// permission decided, when it was set. The zero value is nobody.
type Owner struct {
	Type, ID int32          // linux.F_OWNER_*; as the guest named it
	Process  *signal.State  // of F_OWNER_PID; nil: who set it may not send it signals
	Thread   *signal.Thread // of F_OWNER_TID, likewise
	UID      uint32         // who set it
	EUID     uint32
}

// Groups sends signals to the members of a group that who may send signals to. It is called with locks held, and so
// it does that later.
type Groups interface {
	SignalIO(group int, uid, euid uint32, info linux.SigInfo)
}

// async is how a description tells of what happens to it by signals: O_ASYNC, and F_NOTIFY for a directory.
//
// change is above the locks of queues and of marks, mu below them: Tell and Heard come with these held. Under mu a
// signal is sent, whose lock is a leaf.
type async struct {
	change sync.Mutex // of what is registered

	// guarded by change
	entry wait.Entry
	marks *vfs.Marks
	mark  *vfs.Mark
	seen  uint32 // events of mark

	mu sync.Mutex

	// guarded by mu
	groups Groups
	owner  Owner
	sig    linux.Signal // 0: SIGIO without a descriptor
	number int32        // by which it was asked for
	ends   wait.Events  // what the description can do: In, Out
}

// asynchronous gives the state, made at its first use.
func (d *Description) asynchronous() *async {
	if d.async.Load() == nil {
		d.async.CompareAndSwap(nil, new(async))
	}
	return d.async.Load()
}

// Owner is who was set, or nobody, and the signal that was asked for.
func (d *Description) Owner() (Owner, linux.Signal) {
	a := d.async.Load()
	if a == nil {
		return Owner{}, 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.owner, a.sig
}

// SetOwner sets who gets signals; with unlessSet only if there is nobody.
func (d *Description) SetOwner(o Owner, g Groups, unlessSet bool) {
	a := d.asynchronous()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !unlessSet || a.owner.ID == 0 {
		a.owner, a.groups = o, g
	}
}

// SetSignal is F_SETSIG.
func (d *Description) SetSignal(sig linux.Signal) {
	a := d.asynchronous()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sig = sig
}

// tellsOf is what of a queue signals tell of.
const tellsOf = wait.In | wait.Out | wait.RdHup

// SetAsync switches O_ASYNC: from now on what q is notified of is told by signals. n is the number by which it was
// asked for.
func (d *Description) SetAsync(on bool, q *wait.Queue, n int32) {
	a := d.asynchronous()
	a.change.Lock()
	defer a.change.Unlock()
	a.entry.Remove()
	if !on {
		d.flags.And(^uint32(linux.O_ASYNC))
		return
	}
	a.mu.Lock()
	a.number, a.ends = n, d.ends()
	a.mu.Unlock()
	d.flags.Or(linux.O_ASYNC)
	q.AddTeller(&a.entry, a, tellsOf)
}

// ends is what the description can do.
func (d *Description) ends() (can wait.Events) {
	if d.Readable() {
		can |= wait.In
	}
	if d.Writable() {
		can |= wait.Out
	}
	return can
}

// Notify is F_NOTIFY: events of the directory, IN_* bits, are told by signals, the first one only with IN_ONESHOT. More
// events are added to those that were asked for; none ends it.
func (d *Description) Notify(events uint32, n int32) {
	a := d.asynchronous()
	a.change.Lock()
	defer a.change.Unlock()
	if events&^linux.IN_ONESHOT == 0 {
		a.unmarkLocked()
		return
	}
	a.mu.Lock()
	a.number = n
	a.mu.Unlock()
	a.seen = a.seen&^linux.IN_ONESHOT | events
	if a.marked() {
		a.marks.Change(a.mark, a.seen, false)
		return
	}
	a.markLocked(d.path, events)
}

func (a *async) markLocked(p vfs.Path, events uint32) {
	a.seen = events
	a.marks, a.mark = p.Marks(), &vfs.Mark{Node: p.Node(), Listener: a}
	a.marks.Add(a.mark, events)
}

func (a *async) unmarkLocked() {
	if a.mark != nil {
		a.marks.Remove(a.mark)
	}
	a.mark, a.seen = nil, 0
}

// marked reports whether there is a mark: one of IN_ONESHOT goes with its event.
func (a *async) marked() bool { return a.mark != nil && a.marks.Find(a.mark.Node, a) == a.mark }

// end is the end of the description.
func (a *async) end() {
	a.change.Lock()
	defer a.change.Unlock()
	a.entry.Remove()
	a.unmarkLocked()
}

// Tell sends the signals of what a queue was notified of.
func (a *async) Tell(mask wait.Events) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ends&wait.In != 0 && mask&(wait.In|wait.Hup|wait.RdHup) != 0 {
		a.sendLocked(linux.POLL_IN)
	}
	if a.ends&wait.Out != 0 && (mask&wait.Out != 0 || a.ends&wait.In == 0 && mask&wait.Err != 0) {
		a.sendLocked(linux.POLL_OUT)
	}
}

// Heard is an event of the directory.
func (a *async) Heard(*vfs.Mark, uint32, uint32, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sendLocked(linux.POLL_MSG)
}

// Ignored is the end of the mark.
func (a *async) Ignored(*vfs.Mark) {}

// sendLocked sends the signal. One that finds the queue full becomes SIGIO.
func (a *async) sendLocked(code int32) {
	info := linux.Info(linux.SIGIO, linux.SI_KERNEL)
	if a.sig != 0 {
		info = linux.InfoPoll(a.sig, code, a.number)
	}
	var send func(linux.SigInfo) linux.Errno
	switch o := &a.owner; {
	case o.ID == 0:
		return
	case o.Type == linux.F_OWNER_PGRP:
		a.groups.SignalIO(int(o.ID), o.UID, o.EUID, info)
		return
	case o.Type == linux.F_OWNER_PID && o.Process != nil:
		send = o.Process.Send
	case o.Type == linux.F_OWNER_TID && o.Thread != nil:
		send = o.Thread.Send
	default:
		return
	}
	if send(info) == linux.EAGAIN {
		send(linux.Info(linux.SIGIO, linux.SI_KERNEL))
	}
}
