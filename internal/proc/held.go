package proc

import (
	"vkernel/internal/linux"
	"vkernel/internal/policy"
)

// obey makes the policy of the program that execve has put in place hold: its rules on paths,
// and its limits, which lower the process's own. Calls and their arguments are bound in the
// program itself.
func (p *Process) obey(held *policy.Policy) {
	p.fs.SetPaths(held.Paths())
	l := held.Limits()
	if l.Memory != 0 {
		p.limits.lower(linux.RLIMIT_AS, l.Memory)
	}
	if l.CPU != 0 && p.limits.lower(linux.RLIMIT_CPU, l.CPU) {
		p.limitCPU()
	}
}

// lower makes a limit, hard and soft, at most so high. It reports whether it was higher.
func (l *Limits) lower(resource int, most uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := &l.values[resource]
	old := *v
	v.Cur, v.Max = min(v.Cur, most), min(v.Max, most)
	return *v != old
}

// fits is ENOMEM if what a program starts with is more memory than its policy allows.
func (p *Program) fits() linux.Errno {
	most := p.Policy.Limits().Memory
	if most != 0 && uint64(p.Code.Meta.Memory.Min)<<16 > most {
		return linux.ENOMEM
	}
	return 0
}

// Held is the policy of what the process runs, nil if there is none.
func (p *Process) Held() *policy.Policy {
	if image := p.Image(); image != nil && image.Target.Program != nil {
		return image.Target.Program.Policy
	}
	return nil
}

// ceiling is how high the policy lets a limit be, whoever asks: nobody in a container is above
// it, not even its root.
func (p *Process) ceiling(resource int) uint64 {
	most := uint64(0)
	switch l := p.Held().Limits(); resource {
	case linux.RLIMIT_AS:
		most = l.Memory
	case linux.RLIMIT_CPU:
		most = l.CPU
	}
	if most == 0 {
		return linux.RLIM_INFINITY
	}
	return most
}
