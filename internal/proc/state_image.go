package proc

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"

	"vkernel/internal/state"
	"vkernel/internal/vfs"
)

// saveScripts writes the scripts that the program has still to open: what was hashed.
func (p *Process) saveScripts(e *state.Encoder) {
	list := p.scripts.Load()
	if list == nil {
		e.Len(0)
		return
	}
	e.Len(len(*list))
	for k := range *list {
		s := &(*list)[k]
		e.Raw(s.sum[:])
		e.String(s.name)
		for _, v := range []uint32{s.perm.Mode, s.perm.UID, s.perm.GID} {
			e.Uint(uint64(v))
		}
		s.at.SaveState(e)
		state.Ref(e, s.file)
	}
}

// loadScripts reads them.
func (p *Process) loadScripts(d *state.Decoder) {
	n := d.Count(sha256.Size + 4)
	if n > maxPending {
		d.Failf("%d scripts are to be opened", n)
	}
	var list []script
	for range min(n, maxPending) {
		var s script
		copy(s.sum[:], d.Raw(len(s.sum)))
		s.name = d.String()
		for _, v := range []*uint32{&s.perm.Mode, &s.perm.UID, &s.perm.GID} {
			*v = uint32(d.Uint(math.MaxUint32))
		}
		s.at.LoadState(d)
		s.file = state.Need[*vfs.Sealed](d)
		list = append(list, s)
	}
	if len(list) > 0 {
		p.scripts.Store(&list)
	}
}

// StateType names the type in what is saved.
func (*Image) StateType() string { return "proc.Image" }

// SaveState writes what the process executes: by the digest of its file, its entry, and those that hold its policy. What
// that is now, the hash rule says when it is loaded.
func (i *Image) SaveState(e *state.Encoder) {
	e.Raw(i.digest[:])
	e.String(i.Target.Entry)
	e.Strings(i.Target.Program.Policy.Holders())
	e.Len(len(i.via))
	for k := range i.via {
		e.Raw(i.via[k][:])
	}
	i.Exe.SaveState(e)
	e.Strings(i.Argv)
	e.Strings(i.Env)
}

// LoadState reads it. scripts has been passed on to the process by now; size and users are counted again.
func (i *Image) LoadState(d *state.Decoder) {
	copy(i.digest[:], d.Raw(len(i.digest)))
	i.Target.Entry, i.held = d.String(), d.Strings()
	for range d.Count(sha256.Size) {
		var sum [sha256.Size]byte
		copy(sum[:], d.Raw(len(sum)))
		i.via = append(i.via, sum)
	}
	i.Exe.LoadState(d)
	i.Argv, i.Env = d.Strings(), d.Strings()
}

// loadImage asks the hash rule whether the program of p may still run, and counts its arguments.
func (t *Table) loadImage(i *Image, p *Process) error {
	target, reason := t.config.Programs.Decide(Request{Digest: i.digest, Again: &Held{i.Target.Entry, i.held}})
	if reason == "" && target.Program == nil {
		reason = "it is a script now"
	}
	if reason != "" {
		return fmt.Errorf("entry %s (%x): %s", i.Target.Entry, i.digest[:8], reason)
	}
	if reason := t.refusedVia(i.via); reason != "" {
		return fmt.Errorf("entry %s: %s", i.Target.Entry, reason)
	}
	if target.Program.Code != p.memory.now.Space.Instance().Program() {
		return fmt.Errorf("entry %s is another program than its memory's", i.Target.Entry)
	}
	i.Target = target
	if !i.hold(&t.Arguments) {
		return errors.New("the arguments of all processes are too long")
	}
	return nil
}
