package proc

import (
	"sync"
	"sync/atomic"

	"vkernel/internal/engine"
	"vkernel/internal/mm"
)

// memory is the address space of a process as others see it (/proc, kill of a running
// guest): it may go away, by exec or exit, only while nobody looks.
type memory struct {
	mu sync.RWMutex

	// guarded by mu; Space is nil after exit
	now Memory
}

// Memory is an address space and the instance that it was made with. Each thread runs in
// an instance of its own, a view of the same memory; the first thread in this one. It stays
// as long as somebody uses the space, whether its thread has ended or not.
type Memory struct {
	Space    *mm.Space
	Instance *engine.Instance
	users    *atomic.Int32 // processes: several during vfork
}

// newMemory makes the memory of one process.
func newMemory(space *mm.Space, inst *engine.Instance) Memory {
	m := Memory{space, inst, space.Users()}
	m.users.Store(1)
	return m
}

// use is the same memory for one more process.
func (m Memory) use() Memory {
	m.users.Add(1)
	return m
}

// release ends a process's use of it. The last one gives the bytes that were resident.
func (m Memory) release() (resident uint64) {
	if m.users != nil && m.users.Add(-1) == 0 {
		return m.Space.Free()
	}
	return 0
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
	return mm.Limits{Of: p}
}
