package proc

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"vkernel/internal/mm"
	"vkernel/internal/sock"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/lock"
)

// Types are what this package saves as objects.
var Types = []state.Type{
	state.Of[Process](2), state.Of[Thread](1), state.Of[Group](1), state.Of[Session](1), state.Of[Image](2), state.Of[loan](1), state.Of[PidFD](1),
}

// A table is an external: it is made of a new configuration, and LoadState reads into it what it has. The processes
// come as objects of the graph. When all are there, loadTree makes of them what a table is, starts
// their goroutines, and each parks where it was: so a table that was loaded is a frozen one.

// SaveState writes the table, which is frozen. Address spaces come first, since threads look into theirs.
func (t *Table) SaveState(e *state.Encoder) {
	e.Deadline(t.started)
	e.Uint(uint64(t.next))
	e.Uint(t.born)
	e.Bool(t.closing)
	t.ended.SaveState(e)
	t.config.UTS.SaveState(e)
	all := make([]*Process, 0, len(t.processes))
	for _, p := range t.processes {
		if p != nil {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *Process) int { return cmp.Compare(a.pid, b.pid) })
	spaces := make([]*mm.Space, 0, len(all))
	for _, p := range all {
		if s := p.memory.now.Space; s != nil {
			spaces = append(spaces, s)
		}
	}
	e.Len(len(spaces))
	for _, s := range spaces {
		state.Ref(e, s)
	}
	e.Len(len(all))
	for _, p := range all {
		state.Ref(e, p)
	}
	state.Ref(e, t.init)
	state.Ref(e, t.locks)
	state.Ref(e, t.config.Sockets)
	state.RefAny(e, t.config.Anonymous)
}

// LoadState reads it into an empty one, which stays frozen until Thaw.
func (t *Table) LoadState(d *state.Decoder) {
	t.started = d.Deadline()
	t.next = int(d.Uint(pidMax))
	t.born = d.Uint(1<<64 - 1)
	t.closing = d.Bool()
	t.ended.LoadState(d)
	t.config.UTS.LoadState(d)
	for range d.Count(1) {
		state.Need[*mm.Space](d)
	}
	list := make([]*Process, d.Count(1))
	for k := range list {
		list[k] = state.Need[*Process](d)
	}
	t.init = state.Need[*Process](d)
	t.locks = state.Need[*lock.Registry](d)
	t.config.Sockets = state.Need[*sock.Stack](d)
	t.config.Anonymous = state.Need[vfs.FS](d)
	if t.next < 1 || t.started.IsZero() || t.started.After(d.Now()) {
		d.Failf("a table whose next pid is %d, and that was made %v from now", t.next, time.Until(t.started))
	}
	d.After(func() error { return t.loadTree(list) })
}

// loadTree makes a tree of processes that were loaded.
func (t *Table) loadTree(list []*Process) error {
	users := map[*mm.Space]*atomic.Int32{}
	images := map[*Image]*Image{}
	for _, p := range list {
		if err := t.loadProcess(p, users, images); err != nil {
			return fmt.Errorf("process %d: %w", p.pid, err)
		}
	}
	if t.init.table != t || t.init.state != Dead && t.processes[t.init.pid] != t.init {
		return fmt.Errorf("process %d is the first, and not in the table", t.init.pid)
	}
	if err := t.loadKin(list); err != nil {
		return err
	}
	t.count = len(t.processes)
	if t.count > t.config.Processes {
		return fmt.Errorf("%d processes and threads, %d are allowed", t.count, t.config.Processes)
	}
	if t.living == 0 {
		return fmt.Errorf("no process lives")
	}
	return nil
}

// loadProcess makes a process that was loaded a part of the table.
func (t *Table) loadProcess(p *Process, users map[*mm.Space]*atomic.Int32, images map[*Image]*Image) error {
	if _, twice := t.processes[p.pid]; twice || p.table != t || p.state == Dead {
		return fmt.Errorf("it is there twice, is another table's, or dead")
	}
	t.processes[p.pid] = p
	p.fs.SetCred(p.Cred().view())
	if s := p.memory.now.Space; s != nil {
		n := users[s]
		if n == nil {
			n = new(atomic.Int32)
			users[s] = n
			s.Limit(p.spaceLimits())
		}
		n.Add(1)
		p.memory.now = Memory{s, s.Instance(), n}
	}
	if image := p.Image(); image != nil {
		if _, known := images[image]; !known {
			if err := t.loadImage(image, p); err != nil {
				return err
			}
			images[image] = image
		} else {
			image.users.Add(1)
		}
		p.fs.SetPaths(p.Held().Paths())
	}
	if err := p.loadThreads(); err != nil {
		return err
	}
	if p.state < Zombie {
		t.living++
	}
	g := p.group
	if known := t.groups[g.id]; known != nil && known != g {
		return fmt.Errorf("two groups %d", g.id)
	}
	if known := t.sessions[g.session.id]; known != nil && known != g.session {
		return fmt.Errorf("two sessions %d", g.session.id)
	}
	if t.groups[g.id] == nil {
		t.groups[g.id], t.sessions[g.session.id] = g, g.session
		g.session.groups++
	}
	g.members[p] = struct{}{}
	return nil
}

// loadKin checks that parents and children are those of each other, and that there is no circle.
func (t *Table) loadKin(list []*Process) error {
	kids := 0
	for _, p := range list {
		for _, kid := range p.kids {
			if kid.parent.Load() != p || t.processes[kid.pid] != kid {
				return fmt.Errorf("process %d has a child that is another's", p.pid)
			}
		}
		kids += len(p.kids)
		if parent := p.parent.Load(); parent != nil {
			kids--
			if !slices.Contains(parent.kids, p) {
				return fmt.Errorf("process %d is no child of its parent", p.pid)
			}
		}
		n := 0
		for up := p.parent.Load(); up != nil; up = up.parent.Load() {
			if n++; n > len(list) {
				return fmt.Errorf("process %d descends from itself", p.pid)
			}
		}
	}
	if kids != 0 {
		return fmt.Errorf("a process is twice a child")
	}
	return nil
}

// Revive starts the goroutines of the threads of a table that was loaded. They park at once: the table is frozen, and
// runs on when it is thawed.
func (t *Table) Revive() {
	t.outside.Lock()
	t.mu.Lock()
	f := &t.freezer
	f.on = true
	reached := make(chan struct{})
	f.reached = reached
	tids := slices.Sorted(maps.Keys(t.threads))
	for _, tid := range tids {
		t.startedLocked(t.threads[tid])
	}
	t.mu.Unlock()
	for _, tid := range tids {
		t.crew.start(t.threads[tid], 0)
	}
	t.mu.Lock()
	t.reachedLocked()
	t.mu.Unlock()
	<-reached
	for _, p := range t.All() {
		p.timers.rearm()
	}
}
