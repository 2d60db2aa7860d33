package sandbox

import (
	"context"
	"fmt"
	"time"

	"vkernel/internal/kernel"
)

// A pool is made of a process of the container, and copies are started by Exec with Start.Pool.

// Requests about pools.
const (
	askMakePool   = "make pool"
	askPools      = "pools"
	askRemovePool = "remove pool"
)

// PoolRequest says of what to make a pool.
type PoolRequest struct {
	PID    int           `json:"pid"`
	Copies int           `json:"copies,omitempty"` // that live at once; 0: as many as the container has room for
	Idle   time.Duration `json:"idle,omitempty"`   // ns without a copy or a start, after which it ends; 0: never
	Wait   time.Duration `json:"wait,omitempty"`   // ns for the process to get there; at most longestWait
}

// longestWait is how long a process may take until it can be frozen; whoever asks is answered within 30 s.
const longestWait = 25 * time.Second

// MakePool makes a pool of a process, once that is ready or reads its standard input.
func (s *Sandbox) MakePool(ctx context.Context, r PoolRequest) (p kernel.PoolState, err error) {
	return p, s.ask(ctx, askMakePool, r, &p)
}

// Pools lists those of the container.
func (s *Sandbox) Pools(ctx context.Context) (list []kernel.PoolState, err error) {
	return list, s.ask(ctx, askPools, nil, &list)
}

// RemovePool ends one. Copies go on.
func (s *Sandbox) RemovePool(ctx context.Context, id int) error {
	return s.ask(ctx, askRemovePool, id, nil)
}

func (l *live) makePool(r *request) (any, error) {
	var p PoolRequest
	if err := readMemory(r.argument, &p); err != nil {
		return nil, err
	}
	if p.Copies < 0 || p.Idle < 0 || p.Wait < 0 || p.Wait > longestWait {
		return nil, fmt.Errorf("a pool of %d copies, idle for %v, that is awaited for %v: none may be negative, and the wait at most %v", p.Copies, p.Idle, p.Wait, longestWait)
	}
	l.mu.Lock()
	paused := l.paused
	l.mu.Unlock()
	if paused {
		return nil, errPaused
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.Wait)
	defer cancel()
	made, err := l.kernel.NewPool(ctx, p.PID, kernel.PoolLimits{Copies: p.Copies, Idle: p.Idle})
	if err != nil {
		return nil, err
	}
	return made.State(), nil
}

func (l *live) removePool(r *request) (any, error) {
	var id int
	if err := readMemory(r.argument, &id); err != nil {
		return nil, err
	}
	return nil, l.kernel.RemovePool(id)
}

// begin starts the process of a start: of a program, or a copy of a pool.
func (l *live) begin(s *Start, j kernel.Job, console *kernel.Console) (*kernel.Copy, error) {
	if s.Pool == 0 {
		return l.kernel.Exec(j, console)
	}
	p, err := l.kernel.Pool(s.Pool)
	if err != nil {
		return nil, err
	}
	return p.Start(j, console)
}
