package proc

import (
	"path"

	"vkernel/internal/audit"
	"vkernel/internal/engine"
	"vkernel/internal/linux"
	"vkernel/internal/mm"
	"vkernel/internal/vfs"
)

// Exec is execve: it replaces what the process runs. On success the thread's next step is the
// new program's first, and it is the only one.
func (t *Thread) Exec(f ExecFile, argv, env []string) linux.Errno {
	image, warm, e := t.load(f, argv, env)
	defer warm.Release()
	if e != 0 {
		return e
	}
	image.Env = env
	if !image.hold(&t.Table().Arguments) {
		return linux.ENOMEM
	}
	m, from, e := t.furnish(image.Target.Program, warm)
	if e != 0 {
		image.drop(&t.Table().Arguments)
		return t.refusedMemory(image.Target.Program, e)
	}
	e = m.Instance.LimitStack(t.Limit(linux.RLIMIT_STACK))
	if e == 0 {
		e = image.Target.Program.fits()
	}
	if e == 0 {
		e = t.standAlone()
	}
	if e != 0 {
		m.Instance.Free()
		image.drop(&t.Table().Arguments)
		return e
	}
	t.replace(m, image, from)
	t.SetName(path.Base(f.Shown))
	return 0
}

// furnish makes the memory in which a program starts: a copy of the warm image, if there is one, or
// a fresh one; then warm is nil.
func (t *Thread) furnish(p *Program, warm *Warm) (Memory, *Warm, linux.Errno) {
	if warm != nil && warm.program == p.Code {
		if m, e := warm.copy(t.process); e == 0 {
			return m, warm, 0
		}
	}
	inst, e := p.Code.New()
	if e != 0 {
		return Memory{}, nil, e
	}
	return newMemory(mm.New(inst, t.process.spaceLimits()), inst), nil, 0
}

// load finds out what a file starts: it follows scripts to the program that interprets
// them. Each of them is listed by itself.
func (t *Thread) load(f ExecFile, argv, env []string) (*Image, *Warm, linux.Errno) {
	var scripts []script
	for depth := 0; ; depth++ {
		f.argv, f.env = argv, env
		x, e := t.examine(f, audit.Exec, false)
		if e != 0 {
			return nil, nil, e
		}
		if depth > maxScripts {
			vfs.AllowWrite(x.place)
			return nil, x.warm, linux.ELOOP
		}
		if !x.target.Script {
			via := t.process.via(scripts)
			if f.pool != nil {
				via = f.pool.via
			}
			return &Image{Target: x.target, digest: x.sum, Exe: x.place, Argv: argv, scripts: scripts, via: via}, x.warm, 0
		}
		vfs.AllowWrite(x.place)
		interpreter, arg, hasArg, e := parseScript(x.head)
		switch {
		case e != 0:
			return nil, nil, e
		case f.Gone:
			return nil, nil, linux.ENOENT
		}
		scripts = append(scripts, x.script(f.Shown))
		rest := argv[min(1, len(argv)):]
		argv = []string{interpreter}
		if hasArg {
			argv = append(argv, arg)
		}
		argv = append(append(argv, f.Shown), rest...)
		f = ExecFile{Name: interpreter, Shown: interpreter}
	}
}

// replace is the point of no return of execve. m is a copy of warm, if that is not nil.
func (t *Thread) replace(m Memory, image *Image, warm *Warm) {
	p := t.process
	p.sig.Exec()
	t.sig.SetStack(linux.Stack{Flags: linux.SS_DISABLE})
	p.timers.exec()
	p.files.CloseOnExec()
	p.dumpable.Store(1)
	if warm != nil {
		image.copied = p.table.copies.Add(1)
	}
	p.image.Swap(image).drop(&p.table.Arguments)
	p.obey(image.Target.Program.Policy)
	p.await(image.scripts)
	p.securebits.exec(image.Target.Securebits)

	p.table.mu.Lock()
	p.execed = true
	p.table.mu.Unlock()

	t.farewell()
	old, inst := p.memory.set(m), t.inst
	t.enterSpace(m.Space, m.Instance, image.Target.Program)
	t.frames, t.spawned, t.cut = nil, false, false
	p.notePeak(t.leave(old, inst))
	p.foreign.Store(nil)
	if image.Target.Prepare != nil {
		image.Target.Prepare(t)
	}
	if warm != nil {
		t.resumeWarm(warm)
		return
	}
	t.begin(image.Target)
}

// begin starts the program: its start function, if that did not run at build time, and
// then the entry point.
func (t *Thread) begin(target Target) {
	t.entry = target.Thunk
	if start := target.Program.Code.Meta.Start; start != 0 {
		t.inst.Start(start)
		return
	}
	t.enterEntry()
}

func (t *Thread) enterEntry() {
	t.inst.Start(t.entry)
	t.entry = 0
}

// leave gives up a memory that the process no longer runs in, and the instance in which
// the thread ran: back to the parent after vfork, else to the engine. It gives the bytes that
// were resident, 0 if others use the memory still.
func (t *Thread) leave(old Memory, inst *engine.Instance) (resident uint64) {
	t.leaveInstance(old, inst)
	return old.release()
}

// leaveInstance gives up the instance, if the thread has one. The memory's own goes with it.
func (t *Thread) leaveInstance(m Memory, inst *engine.Instance) {
	switch {
	case t.vfork != nil:
		back := t.vfork.giveBack()
		t.vfork = nil
		if back {
			return
		}
	case inst == nil:
		return
	}
	if inst != m.Instance {
		inst.Free()
	}
}
