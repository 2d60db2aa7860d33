package kernel

import (
	"slices"

	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
	"vkernel/internal/policy"
	"vkernel/internal/proc"
	"vkernel/internal/router"
	"vkernel/internal/wasi"
)

// Reasons why a content is not executed, as the log and the audit say them.
const (
	reasonUnlisted = "not in the manifest"
	reasonRevoked  = "revoked"
	reasonNoCode   = "the native code lacks its entry point"
	reasonNoPolicy = "its entry has no policy"
	reasonStarts   = "may not be started by entry "
)

// Decide is the hash rule: the one function that says whether a content may be executed, and as what.
// Whatever starts or revives code in a container asks it, each time, so that a digest that is revoked
// while the container runs starts nothing from then on.
func (p *programs) Decide(r proc.Request) (proc.Target, string) {
	e, ok := p.router.Lookup(r.Digest)
	switch {
	case !ok && !mutant.Off("exec.hash"):
		return proc.Target{}, reasonUnlisted
	case p.revoked != nil && p.revoked(r.Digest) && !mutant.Off("exec.revoked"):
		p.warm.revoke(r.Digest)
		return proc.Target{}, reasonRevoked
	case e.Script:
		return proc.Target{Script: true, Interpreter: e.Interpreter}, ""
	}
	held, ok := p.enter(r.From, e.ID)
	if r.Again != nil {
		held, ok = p.again(r.Again, e.ID)
	}
	switch {
	case !ok && r.From != nil:
		return proc.Target{}, reasonStarts + r.From.Entry
	case !ok:
		return proc.Target{}, reasonNoPolicy
	}
	t, ok := p.target(&e, held)
	if !ok {
		return proc.Target{}, reasonNoCode
	}
	t.Warmth = p.warm.of(r.Digest, &e, held, t.Program)
	return t, ""
}

// again is the policy of a process that runs an entry already; false if that is another entry than the content's, or
// the manifest has no such entries.
func (p *programs) again(h *proc.Held, entry string) (*policy.Policy, bool) {
	if h.Entry != entry {
		return nil, false
	}
	if p.policies == nil {
		return nil, len(h.By) == 0
	}
	held := p.policies.Held(h.Entry, h.By)
	return held, held != nil
}

// target is the start of a program under a policy, if its module has the export that the manifest names.
func (p *programs) target(e *router.Entry, held *policy.Policy) (proc.Target, bool) {
	if e.Program < 0 || e.Program >= len(p.bound) {
		return proc.Target{}, false
	}
	program := &p.bound[e.Program]
	for _, x := range program.Code.Meta.Exports {
		if x.Name != e.Export {
			continue
		}
		t := proc.Target{Program: p.link(held, e.Program), Thunk: x.Thunk, Entry: e.ID, Securebits: securebits(e.Securebits)}
		if program.wasi {
			preopens := e.Preopens
			t.Prepare = func(t *proc.Thread) { wasi.Prepare(t, preopens) }
		}
		return t, true
	}
	return proc.Target{}, false
}

// securebits gives the bits of prctl(2) for their names in a manifest.
func securebits(names []string) (bits uint32) {
	if slices.Contains(names, manifest.SecureRestrictFile) {
		bits |= linux.SECBIT_EXEC_RESTRICT_FILE
	}
	if slices.Contains(names, manifest.SecureDenyInteractive) {
		bits |= linux.SECBIT_EXEC_DENY_INTERACTIVE
	}
	return bits
}
