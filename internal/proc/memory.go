package proc

import (
	"sync"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
	"vkernel/internal/mm"
)

// memory is the address space of a process as others see it (/proc, kill of a running
// guest): it may go away, by exec or exit, only while nobody looks.
type memory struct {
	mu sync.RWMutex

	// guarded by mu; Space is nil after exit
	now Memory
}

// Memory is an address space and the instance that it belongs to.
type Memory struct {
	Space    *mm.Space
	Instance *engine.Instance
}

// View calls f with the process's memory, which stays while f runs; not at all if the
// process has none any more.
func (p *Process) View(f func(m *Memory)) {
	p.memory.mu.RLock()
	defer p.memory.mu.RUnlock()
	if p.memory.now.Space != nil {
		f(&p.memory.now)
	}
}

// set replaces the memory and gives the old one, which nobody looks at any more.
func (m *memory) set(now Memory) (old Memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, m.now = m.now, now
	return old
}

// spaceLimits makes an address space obey the process's limits.
func (p *Process) spaceLimits() mm.Limits {
	return mm.Limits{
		AS:   func() uint64 { return p.Limit(linux.RLIMIT_AS) },
		Data: func() uint64 { return p.Limit(linux.RLIMIT_DATA) },
	}
}
