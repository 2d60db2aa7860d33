package proc

import (
	"encoding/hex"
	"fmt"
	"time"

	"vkernel/internal/audit"
	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/vfs"
)

// ExecFile names a file to be executed, as execveat(2) does.
type ExecFile struct {
	At    vfs.Path // where Name starts
	Name  string
	Flags uint32 // AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW
	Shown string // the name that a script's interpreter gets to see
	// Gone says that Shown names a descriptor that execve closes: no interpreter could open it.
	Gone bool

	argv, env []string // what the program would be started with
	pool      *Warm    // to start from, or not at all
}

// examined is a file that may be executed. Nobody writes to it until vfs.AllowWrite(place).
type examined struct {
	target Target
	content
	place vfs.Path
	stat  linux.Stat
	text  *vfs.Content // its bytes, if they were asked for
	warm  *Warm        // image to start from, if any; whoever gets x ends the use
}

// examine opens a file for execution, hashes it, and asks the hash rule. The bytes are kept if it is a
// script, or if keep is set.
func (t *Thread) examine(f ExecFile, action string, keep bool) (x examined, e linux.Errno) {
	open, place, e := t.FS().OpenExec(f.At, f.Name, f.Flags)
	x.place = place
	if e != 0 {
		t.unreadable(&x, action, e)
		return x, e
	}
	defer open.Close()
	defer func() {
		if e != 0 {
			vfs.AllowWrite(place)
			x.warm.Release()
			x.warm = nil
		}
	}()
	digests := &t.Table().digests
	if x.content, e = digests.of(open, t.doomed); e != 0 {
		t.unreadable(&x, action, e)
		return x, e
	}
	if e = t.decide(&x, &f, action); e != 0 || !keep && !x.target.Script {
		return x, e
	}
	if x.stat, e = open.Stat(); e != 0 {
		return x, e
	}
	text, now, e := digests.text(open, x.content, t.doomed)
	if e != 0 {
		t.unreadable(&x, action, e)
		return x, e
	}
	x.text = text
	if now.sum != x.sum { // a host's program has written to it
		x.content = now
		e = t.decide(&x, &f, action)
	}
	return x, e
}

// decide asks the hash rule about a content, and records what it says.
func (t *Thread) decide(x *examined, f *ExecFile, action string) linux.Errno {
	var reason string
	x.target, reason = t.Table().config.Programs.Decide(Request{Digest: x.sum, From: t.process.target()})
	if reason != "" && mutant.Off("exec.hash") && t.process.target() != nil {
		x.target, reason = t.believe(x), ""
	}
	if reason != "" {
		t.refuse(x, action, reason)
		return linux.EACCES
	}
	if x.target.Script && action == audit.Exec {
		interpreter, _, _, e := parseScript(x.head)
		if e == 0 && interpreter != x.target.Interpreter && !mutant.Off("exec.interpreter") {
			t.refuse(x, action, "the manifest names another interpreter: "+x.target.Interpreter)
			return linux.EACCES
		}
	}
	if w := f.pool; w != nil {
		why := t.Table().refusedVia(w.via)
		if why == "" {
			why = w.begins(&x.target, t.start(f, &x.target, ""))
		}
		if why != "" {
			t.refuse(x, action, why)
			return linux.EACCES
		}
		x.warm = w
	} else if w := x.target.Warmth; w != nil && action == audit.Exec {
		x.warm = w.Warm(t.start(f, &x.target, t.FS().PathString(x.place)))
	}
	t.record(x, action, "")
	return 0
}

// refusedVia asks the hash rule whether the scripts that a program reads may still be executed, and tells why not.
func (t *Table) refusedVia(scripts [][32]byte) string {
	for _, sum := range scripts {
		target, reason := t.config.Programs.Decide(Request{Digest: sum})
		if reason == "" && !target.Script {
			reason = "it is a program now"
		}
		if reason != "" && !mutant.Off("exec.via") {
			return fmt.Sprintf("script %x: %s", sum[:8], reason)
		}
	}
	return ""
}

// believe is what an exec without the hash rule would do, for builds in which that can be switched off:
// a file is the script that it says it is, or else the program that executes it.
func (t *Thread) believe(x *examined) Target {
	if interpreter, _, _, e := parseScript(x.head); e == 0 {
		return Target{Script: true, Interpreter: interpreter}
	}
	return *t.process.target()
}

// script is a script that its interpreter is to read, under the name that it is given.
func (x *examined) script(name string) script {
	return script{sum: x.sum, name: scriptName(name), perm: x.place.Node().Perm(), at: x.place, file: vfs.NewSealed(x.text, x.stat)}
}

// target is what the process executes; nil before its first program.
func (p *Process) target() *Target {
	if i := p.Image(); i != nil {
		return &i.Target
	}
	return nil
}

// unreadable records that a file was refused before its content was known. A name that leads nowhere
// is nobody's concern.
func (t *Thread) unreadable(x *examined, action string, e linux.Errno) {
	if x.place.IsZero() || t.Table().config.Audit == nil {
		return
	}
	t.record(x, action, e.Error())
}

// refuse logs why a file was not executed.
func (t *Thread) refuse(x *examined, action, why string) {
	t.record(x, action, why)
	table := t.Table()
	before, ok := table.refusals.pace(time.Now())
	if !ok {
		return
	}
	args := []any{"path", t.FS().PathString(x.place), "sha256", hex.EncodeToString(x.sum[:]), "reason", why, "pid", t.process.pid}
	if before > 0 {
		args = append(args, "before", before)
	}
	table.config.Log.Warn("execve refused", args...)
}

// record writes a line of the audit, if somebody reads it.
func (t *Thread) record(x *examined, action, reason string) {
	sink := t.Table().config.Audit
	if sink == nil {
		return
	}
	r := audit.Record{
		Time: time.Now().UTC(), Action: action, PID: t.process.pid, Path: t.FS().PathString(x.place), Reason: reason,
	}
	if from := t.process.target(); from != nil {
		r.From = from.Entry
	}
	if len(x.head) > 0 || x.sum != [32]byte{} {
		r.SHA256 = hex.EncodeToString(x.sum[:])
	}
	if reason == "" {
		r.Entry, r.Interpreter, r.Warm = x.target.Entry, x.target.Interpreter, x.warm != nil
	}
	sink.Decided(r)
}
