package proc

import (
	"path"
	"strings"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/tty"
)

// First is what the first process of a container is made of.
type First struct {
	Files     *fd.Table
	Namespace *vfs.Namespace
	Cwd       string // "": the root directory
	Cred      Cred
	Argv, Env []string
	Search    []string // directories in which Argv[0] is looked up, if it has no slash
	Terminal  *tty.TTY // its controlling terminal, if any
}

// Start starts the first process, which is init. It is the leader of its session.
func (t *Table) Start(f First) (*Process, linux.Errno) { return t.begin(f, true, nil) }

// Spawn starts a process beside the first one, which no process waits for: it goes when it ends. With w it begins as
// a copy of w, if the hash rule allows that now: EACCES if not. The program
// is then the file that w was made from, whatever f.Argv says.
func (t *Table) Spawn(f First, w *Warm) (*Process, linux.Errno) { return t.begin(f, false, w) }

func (t *Table) begin(f First, isInit bool, w *Warm) (*Process, linux.Errno) {
	pid, e := t.reserve(nil)
	if e != 0 {
		f.Files.Release()
		return nil, e
	}
	p := &Process{
		pid: pid, table: t, files: f.Files, exitSignal: linux.SIGCHLD,
		sig: signal.New(maxSignals), limits: defaults(t.config.Processes),
	}
	p.fs = vfs.NewContext(f.Namespace, vfs.Root(), p)
	p.timers.owner = p
	p.dumpable.Store(1)
	p.timerSlack.Store(50000)
	p.SetCred(f.Cred)
	first := p.lead(newThread(p, pid, 0, linux.Stack{Flags: linux.SS_DISABLE}))

	t.mu.Lock()
	if isInit {
		t.init = p
	} else if t.closing {
		t.mu.Unlock()
		p.discard()
		return nil, linux.EAGAIN
	}
	t.processes[pid], t.threads[pid] = p, first
	t.born++
	t.living++
	t.joinLocked(p, pid, &Session{id: pid, leader: p, tty: f.Terminal})
	t.startedLocked(first)
	t.mu.Unlock()
	if f.Terminal != nil {
		f.Terminal.Control(int32(pid), int32(pid))
	}

	if f.Cwd != "" {
		e = p.fs.Chdir(vfs.Path{}, f.Cwd, 0)
	}
	if e == 0 && w != nil {
		e = first.Exec(ExecFile{Name: w.name, Shown: w.name, pool: w}, f.Argv, f.Env)
	} else if e == 0 {
		e = p.execFirst(f)
	}
	if e != 0 {
		p.Exit(127)
		first.exit()
		return nil, e
	}
	p.table.crew.start(first, 0)
	return p, 0
}

// execFirst executes the first process's program, found as execvp does it.
func (p *Process) execFirst(f First) linux.Errno {
	name := f.Argv[0]
	if strings.Contains(name, "/") {
		return p.Thread().Exec(ExecFile{Name: name, Shown: name}, f.Argv, f.Env)
	}
	result := linux.ENOENT
	for _, dir := range f.Search {
		file := path.Join(dir, name)
		switch e := p.Thread().Exec(ExecFile{Name: file, Shown: file}, f.Argv, f.Env); e {
		case 0:
			return 0
		case linux.ENOENT, linux.ENOTDIR:
		case linux.EACCES:
			result = e
		default:
			return e
		}
	}
	return result
}
