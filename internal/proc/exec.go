package proc

import (
	"encoding/hex"
	"path"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
	"vkernel/internal/mm"
	"vkernel/internal/vfs"
)

// Exec is execve: it replaces what the process runs. The file is found from at by name and
// flags (execveat); shown is the name that a script's interpreter gets to see. On success
// the thread's next step is the new program's first, and it is the only one.
func (t *Thread) Exec(at vfs.Path, name, shown string, flags uint32, argv, env []string) linux.Errno {
	image, e := t.load(at, name, shown, flags, argv)
	if e != 0 {
		return e
	}
	image.Env = env
	if !image.hold(&t.Table().Arguments) {
		return linux.ENOMEM
	}
	inst, e := image.Target.Program.Code.New()
	if e != 0 {
		image.drop(&t.Table().Arguments)
		return t.refusedMemory(image.Target.Program, e)
	}
	e = inst.LimitStack(t.Limit(linux.RLIMIT_STACK))
	if e == 0 {
		e = t.standAlone()
	}
	if e != 0 {
		inst.Free()
		image.drop(&t.Table().Arguments)
		return e
	}
	t.replace(newMemory(mm.New(inst, t.process.spaceLimits()), inst), image)
	t.SetName(path.Base(shown))
	return 0
}

// load finds out what a file starts: it follows scripts to the program that interprets
// them.
func (t *Thread) load(at vfs.Path, name, shown string, flags uint32, argv []string) (*Image, linux.Errno) {
	for depth := 0; ; depth++ {
		target, content, place, e := t.open(at, name, flags)
		if e != 0 {
			return nil, e
		}
		if !target.Script {
			return &Image{Target: target, Exe: place, Argv: argv}, 0
		}
		if depth == maxScripts {
			return nil, linux.ELOOP
		}
		interpreter, arg, hasArg, e := parseScript(content.head)
		if e != 0 {
			return nil, e
		}
		if interpreter != target.Interpreter {
			t.refuse(place, content, "the manifest names another interpreter: "+target.Interpreter)
			return nil, linux.EACCES
		}
		rest := argv[min(1, len(argv)):]
		argv = []string{interpreter}
		if hasArg {
			argv = append(argv, arg)
		}
		argv = append(append(argv, shown), rest...)
		at, name, shown, flags = vfs.Path{}, interpreter, interpreter, 0
	}
}

// open opens one file for execution, hashes it and looks it up.
func (t *Thread) open(at vfs.Path, name string, flags uint32) (Target, content, vfs.Path, linux.Errno) {
	f, place, e := t.FS().OpenExec(at, name, flags)
	if e != 0 {
		return Target{}, content{}, place, e
	}
	defer f.Close()
	table := t.Table()
	c, e := table.digests.of(f, t.doomed)
	if e != 0 {
		return Target{}, c, place, e
	}
	target, ok := table.config.Programs.Lookup(c.sum)
	if !ok {
		t.refuse(place, c, "not in the manifest")
		return Target{}, c, place, linux.EACCES
	}
	return target, c, place, 0
}

// refuse logs why a file was not executed.
func (t *Thread) refuse(place vfs.Path, c content, why string) {
	t.Table().config.Log.Warn("execve refused", "path", t.FS().PathString(place), "sha256", hex.EncodeToString(c.sum[:]),
		"reason", why, "pid", t.process.pid)
}

// replace is the point of no return of execve.
func (t *Thread) replace(m Memory, image *Image) {
	p := t.process
	p.sig.Exec()
	t.sig.SetStack(linux.Stack{Flags: linux.SS_DISABLE})
	p.timers.exec()
	p.files.CloseOnExec()
	p.keepCaps.Store(false)
	p.dumpable.Store(1)
	p.image.Swap(image).drop(&p.table.Arguments)

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
