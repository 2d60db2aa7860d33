package kernel

import (
	"crypto/rand"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/mm"
	"vkernel/internal/proc"
	"vkernel/internal/sock"
	"vkernel/internal/syscalls"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/procfs"
)

// procfs makes /proc over the container's process table.
func (k *Kernel) procfs() vfs.FS {
	var id [16]byte
	rand.Read(id[:])
	return procfs.New(system{k}, k.ns, devProc, id)
}

// system is what procfs sees of a container.
type system struct{ k *Kernel }

func (s system) Find(pid int) (procfs.Process, bool) {
	p, ok := s.k.table.Find(pid)
	if !ok {
		return nil, false
	}
	return process{p, p.Thread(), false}, true
}

func (s system) PIDs() []int {
	all := s.k.table.All()
	pids := make([]int, len(all))
	for i, p := range all {
		pids[i] = p.PID()
	}
	return pids
}

func (s system) Self(c *vfs.Context) int {
	if p, ok := c.Task().(*proc.Process); ok {
		return p.PID()
	}
	return 0
}

func (s system) Memory() (total, free uint64) { return s.k.memory() }

func (s system) Names() procfs.Names {
	node, domain := s.k.table.UTS().Names()
	return procfs.Names{
		Sysname: syscalls.Sysname, Node: node, Release: syscalls.Release,
		Version: syscalls.Version, Machine: syscalls.Machine, Domain: domain,
	}
}

func (s system) Boot() time.Time { return s.k.table.Started() }
func (s system) Born() uint64    { return s.k.table.Born() }
func (s system) LastPID() int    { return s.k.table.LastPID() }

func (s system) Sockets() *sock.Stack { return s.k.table.Sockets() }

func (s system) Load() [3]float64 { return s.k.table.Scheduler().Load() }

func (s system) Busy() (user, system time.Duration) {
	busy := s.k.table.Busy()
	return busy.User, busy.System
}

// process is what procfs sees of a process, or of one of its threads.
type process struct {
	p    *proc.Process
	t    *proc.Thread // the first one, or the one that is shown
	only bool         // it is the thread that is shown
}

func (x process) Files() *fd.Table    { return x.p.Files() }
func (x process) FS() *vfs.Context    { return x.p.FS() }
func (x process) SetName(name string) { x.t.SetName(name) }

func (x process) Threads() []int {
	all := x.p.Threads()
	ids := make([]int, len(all))
	for i, t := range all {
		ids[i] = t.TID()
	}
	return ids
}

func (x process) Thread(tid int) (procfs.Process, bool) {
	t, ok := x.p.Table().FindThread(tid)
	if !ok || t.Process() != x.p {
		return nil, false
	}
	return process{x.p, t, true}, true
}

func (x process) Exe() vfs.Path {
	if x.p.State() >= proc.Zombie {
		return vfs.Path{}
	}
	return x.image().Exe
}

// image is what the process executes; it has none for a moment at the very start.
func (x process) image() *proc.Image {
	if i := x.p.Image(); i != nil {
		return i
	}
	return &proc.Image{}
}

func (x process) Argv() []string {
	if x.p.State() >= proc.Zombie {
		return nil
	}
	return x.image().Argv
}

func (x process) Env() []string { return x.image().Env }

func (x process) Areas() (areas []procfs.Area) {
	x.p.View(func(m *proc.Memory) {
		for _, v := range m.Space.VMAs() {
			areas = append(areas, procfs.Area{
				Start: v.Start, End: v.End, Prot: v.Prot, Shared: v.Shared, Offset: v.Offset, Name: v.Name, Dev: v.Dev, Ino: v.Ino,
			})
		}
	})
	return areas
}

func (x process) Limits() (all [linux.RLIM_NLIMITS]linux.Rlimit) {
	for i := range all {
		all[i] = x.p.Limits().Get(i)
	}
	return all
}

func (x process) Facts() procfs.Facts {
	p, t, c, f := x.p, x.t, x.p.Cred(), x.p.Facts()
	usage := p.Usage()
	if x.only {
		usage.Times = t.CPU().Times()
		usage.Sleeps, usage.Evictions = t.CPU().Switches()
	}
	pending, ignored, caught := p.Signals().Sets()
	facts := procfs.Facts{
		PID: p.PID(), TID: t.TID(), Parent: f.Parent, Group: f.Group, Session: f.Session, TTY: f.TTY, Foreground: f.Foreground,
		Name: t.Name(), State: x.state(f.State),
		UID: [4]uint32{c.UID, c.EUID, c.SUID, c.FSUID}, GID: [4]uint32{c.GID, c.EGID, c.SGID, c.FSGID}, Groups: c.Groups,
		User: usage.User, System: usage.System, ChildrenUser: f.Waited.User, ChildrenSystem: f.Waited.System,
		Started: p.Started(), Nice: p.Nice(), Threads: max(1, f.Threads),
		Peak:    usage.MaxRSS,
		Pending: uint64(pending), Private: uint64(t.Signals().Private()), Blocked: uint64(t.Signals().Mask()),
		Ignored: uint64(ignored), Caught: uint64(caught),
		Switches: [2]int64{usage.Sleeps, usage.Evictions}, NoNewPrivs: p.NoNewPrivs().Load(), ExitCode: f.Status, ExitSignal: f.ExitSignal,
	}
	p.View(func(m *proc.Memory) {
		var u mm.Usage = m.Space.Usage()
		facts.Virtual, facts.Resident, facts.Data = u.Virtual, u.Resident, u.Data
	})
	return facts
}

// state is the letter of a state.
func (x process) state(s proc.State) byte {
	switch {
	case s == proc.Stopped:
		return 'T'
	case s >= proc.Zombie:
		return 'Z'
	case x.only && x.t.Sleeping(), !x.only && x.p.Sleeping():
		return 'S'
	}
	return 'R'
}
