package proc

// Facts is where a process stands in the tree, all of one moment, for /proc.
type Facts struct {
	State                  State
	Parent, Group, Session int
	TTY                    uint64 // device number of the controlling terminal, 0 if none
	Foreground             int    // its foreground group, -1 if none
	Status                 int    // wait status of a zombie
	ExitSignal             int
	Waited                 Usage
	Threads                int // that have not ended
}

// Facts gives them.
func (p *Process) Facts() Facts {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	f := Facts{
		State: p.state, Parent: p.Parent(), Group: p.group.id, Session: p.group.session.id, Foreground: -1,
		Status: p.status, ExitSignal: int(p.exitSignal), Waited: p.waited, Threads: len(p.threads),
	}
	if t := p.group.session.tty; t != nil {
		f.TTY, f.Foreground = t.Device(), int(t.Foreground())
	}
	return f
}
