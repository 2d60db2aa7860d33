package imports

import (
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/policy"
	"vkernel/internal/proc"
	"vkernel/internal/wasi"
)

// denial answers a call that the policy does not allow. The first one is logged.
type denial struct {
	program, call string
	kills         bool
	log           *slog.Logger
	told          atomic.Bool
}

func (d *denial) deny(t *proc.Thread, _ proc.Args) (int64, linux.Errno) {
	if d.told.CompareAndSwap(false, true) {
		d.log.Warn("system call denied by the manifest", "program", d.program, "call", d.call, "killed", d.kills)
	}
	if d.kills {
		t.Process().Kill(linux.SIGSYS)
	}
	return 0, linux.EPERM
}

// conditional puts the policy's rules on arguments before a handler; h itself where there are
// none. What cannot be looked at is denied.
func conditional(im layout.Import, kinds string, h proc.Handler, p *policy.Policy, d *denial) proc.Handler {
	if p.HasAddresses(d.call) && !asksForAddresses(d.call) {
		return d.deny
	}
	values := p.Values(d.call)
	if values == nil || mutant.Off("policy.values") {
		return h
	}
	if im.Name == threadSpawn {
		kinds = threadKinds
	}
	if im.Module == wasi.Module || im.Module == wasi.ThreadModule || im.Name == threadSpawn {
		args, ok := linuxArgs(kinds)
		if !ok {
			return d.deny
		}
		return func(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
			if v := args.of(&a); !policy.Match(values, &v) {
				return d.deny(t, a)
			}
			return h(t, a)
		}
	}
	return func(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
		if v := [6]uint64(a); !policy.Match(values, &v) {
			return d.deny(t, a)
		}
		return h(t, a)
	}
}

// threadKinds are the arguments of clone(2) that threadSpawn stands for.
const threadKinds = "=CLONE_VM|CLONE_THREAD ptr@0"

// asksForAddresses reports whether the handler of a call asks the policy about the address
// that it has copied: one that does not cannot be used by entries with such rules. sendmmsg asks
// as sendmsg.
func asksForAddresses(call string) bool {
	switch call {
	case "bind", "connect", "sendmsg", "sendto":
		return true
	}
	return false
}

// wasiArgs is where Linux's arguments of a call of WASI come from: an argument there, or a
// constant.
type wasiArgs [6]struct {
	from int // -1: value
	n    uint64
}

func (w *wasiArgs) of(a *proc.Args) (v [6]uint64) {
	for i := range w {
		if v[i] = w[i].n; w[i].from >= 0 {
			v[i] = a[w[i].from]
		}
	}
	return v
}

// linuxArgs reads a table's kinds of arguments. It gives up on those that are translated: the
// rules are about Linux's numbers.
func linuxArgs(kinds string) (w wasiArgs, ok bool) {
	for i := range w {
		w[i].from = -1
	}
	for i, word := range strings.Fields(kinds) {
		if text, constant := strings.CutPrefix(word, "="); constant {
			if w[i].n, ok = constantOf(text); !ok {
				return w, false
			}
			continue
		}
		kind, at, _ := strings.Cut(word, "@")
		switch kind {
		case "fdflags", "lookup", "wasiopen", "hex":
			return w, false
		}
		n, err := strconv.Atoi(at)
		if err != nil || n >= len(w) {
			return w, false
		}
		w[i].from = n
	}
	return w, true
}

// constantOf is the value of a constant in the table of package wasi.
func constantOf(text string) (uint64, bool) {
	switch text {
	case "NULL":
		return 0, true
	case "F_GETFL":
		return linux.F_GETFL, true
	case "F_SETFL":
		return linux.F_SETFL, true
	case "SEEK_CUR":
		return linux.SEEK_CUR, true
	case "AT_REMOVEDIR":
		return linux.AT_REMOVEDIR, true
	case "CLONE_VM|CLONE_THREAD":
		return linux.CLONE_VM | linux.CLONE_THREAD, true
	}
	n, err := strconv.ParseUint(text, 0, 32)
	return n, err == nil
}
