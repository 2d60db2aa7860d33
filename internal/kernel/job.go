package kernel

import (
	"errors"
	"fmt"
	"slices"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/tty"
)

// A container that runs can be given further processes from outside, beside the first one. Each is started as that was: its
// program is looked up, decided about and audited by the same rule. When the first process ends, they are killed.

// Exec starts a process. With a console it has a terminal of its own, instead of the job's streams.
func (k *Kernel) Exec(j Job, console *Console) (*Copy, error) {
	if len(j.Argv) == 0 {
		return nil, errors.New("kernel: no command to run")
	}
	if j.Dir == "" {
		j.Dir = "/"
	}
	if k.table.Init() == nil {
		return nil, errors.New("kernel: not started")
	}
	defer k.outside()() // a cut waits for us, or we for it
	if e := vfs.NewContext(k.ns, vfs.Root(), nil).Chdir(vfs.Path{}, j.Dir, 0); e != 0 {
		return nil, fmt.Errorf("working directory %s: %w", j.Dir, e)
	}
	c, e, err := k.spawn(j, console, nil)
	if e != 0 {
		err = &CommandError{Name: j.Argv[0], Errno: e}
	}
	return c, err
}

// spawn starts the process of a job, as a copy of image if that is not nil. Precondition: Outside is held for reading.
func (k *Kernel) spawn(j Job, console *Console, image *proc.Warm) (*Copy, linux.Errno, error) {
	if j.Dir == "" {
		j.Dir = "/"
	}
	c := &Copy{}
	first := proc.First{Namespace: k.ns, Cwd: j.Dir, Cred: j.Cred, Argv: j.Argv, Env: j.Env, Search: searchPath(j.Env)}
	var attach func()
	var err error
	if console == nil {
		first.Files, c.output, err = k.jobStreams(&j)
	} else {
		first.Files = fd.NewTable()
		first.Terminal, attach, err = k.jobConsole(c, first.Files, console)
	}
	if err != nil {
		return nil, 0, err
	}
	p, e := k.table.Spawn(first, image)
	if attach != nil {
		attach() // in any case: it lets go of the terminal
	}
	if e != 0 {
		if c.console != nil {
			go c.console.Close()
		}
		return nil, e, nil
	}
	c.process = p
	return c, 0, nil
}

// jobConsole makes a pseudo terminal, opens it as descriptors 0, 1 and 2, and gives what connects it with the
// host once there is a process that has it.
func (k *Kernel) jobConsole(c *Copy, files *fd.Table, host *Console) (*tty.TTY, func(), error) {
	d, err := k.open("/dev/pts/ptmx", linux.O_RDWR)
	if err != nil {
		return nil, nil, err
	}
	master, ok := d.File().(*tty.Master)
	if !ok {
		d.Unref()
		return nil, nil, errors.New("kernel: /dev/pts/ptmx makes no terminals")
	}
	master.Unlock()
	t := master.TTY()
	t.SetWinsize(linux.Winsize{Row: host.Rows, Col: host.Columns})
	slave, err := k.open(t.Name(), linux.O_RDWR)
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	install(files, slave, slave.Ref(), slave.Ref())
	return t, func() {
		c.console = k.host.AttachMaster("", master, host, host)
	}, nil
}

// Resize tells the copy's terminal that the window has a new size.
func (c *Copy) Resize(rows, columns uint16) {
	if c.console != nil {
		o := c.process.Table().Outside()
		o.RLock()
		defer o.RUnlock()
		c.console.Resize(linux.Winsize{Row: rows, Col: columns})
	}
}

// Signal sends a signal to the copy, from outside.
func (c *Copy) Signal(sig linux.Signal) {
	o := c.process.Table().Outside()
	o.RLock()
	defer o.RUnlock()
	c.process.Signal(linux.Info(sig, linux.SI_KERNEL))
}

// ProcessInfo is a process of a container, as it is shown to its owner.
type ProcessInfo struct {
	PID     int      `json:"pid"`
	Parent  int      `json:"ppid"`
	State   string   `json:"state"` // as in /proc/PID/stat
	Threads int      `json:"threads"`
	UID     uint32   `json:"uid"`
	Memory  uint64   `json:"memory"` // bytes
	Name    string   `json:"name"`
	Command []string `json:"command"`
}

// Processes lists the processes, in the order of their ids.
func (k *Kernel) Processes() []ProcessInfo {
	var all []ProcessInfo
	for _, p := range k.table.All() {
		x := process{p, p.Thread(), false}
		f := x.Facts()
		all = append(all, ProcessInfo{
			PID: f.PID, Parent: f.Parent, State: string(rune(f.State)), Threads: f.Threads, UID: f.UID[1], Memory: f.Resident,
			Name: f.Name, Command: x.Argv(),
		})
	}
	slices.SortFunc(all, func(a, b ProcessInfo) int { return a.PID - b.PID })
	return all
}
