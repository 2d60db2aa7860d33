package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/signal"
	"vkernel/internal/vfs/hostio"
)

// A pool is a process of the container that was frozen when it called vkernel.ready, or was about to read its standard
// input, of which copies are started on request: each has arguments, environment, streams and directory of its own. No manifest has to
// say so; but each start is a start of the frozen process's program, which the hash rule decides
// anew: from a content that has been changed or revoked since, or under another policy, none is started.

// PoolLimits bound a pool.
type PoolLimits struct {
	Copies int           // that live at once; 0: as many as the container has room for
	Idle   time.Duration // without a copy or a start, after which the pool ends; 0: never
}

// PoolState is what a pool has done.
type PoolState struct {
	ID      int    `json:"id"`
	Program string `json:"program"` // entry of the manifest
	Bytes   uint64 `json:"bytes"`   // of memory that all copies share
	Started int64  `json:"started"`
	Live    int    `json:"live"`
	Refused int64  `json:"refused"` // starts that a limit or the hash rule has refused
	Ended   bool   `json:"ended"`
}

// Errors of a pool.
var (
	ErrPoolLimit = errors.New("pool: as many copies live as may")
	ErrPoolEnded = errors.New("pool: it has ended")
	ErrPools     = errors.New("pool: the container has as many pools as may be")
)

// Pool is one. Its methods may be called by several goroutines.
type Pool struct {
	kernel  *Kernel
	id      int
	limits  PoolLimits
	entry   string
	started atomic.Int64
	refused atomic.Int64

	mu sync.Mutex

	// guarded by mu
	image *proc.Warm // nil: it has ended
	live  []*proc.Process
	idle  *time.Timer
}

// pools are those of a container, and who waits for a process to get ready.
type pools struct {
	waiting atomic.Int32 // entries of asked

	mu    sync.Mutex
	asked map[*proc.Process]chan<- frozen // guarded by mu
	all   []*Pool                         // guarded by mu
	last  int                             // id; guarded by mu
}

// frozen is the answer to who waits: an image, or why there is none.
type frozen struct {
	image   *proc.Warm
	refused string
}

// reached is told of each process that calls vkernel.ready and was not started there.
func (k *Kernel) reached(t *proc.Thread) {
	t.Reached()
	if answer := k.pools.answer(t.Process()); answer != nil {
		image, refused := t.Freeze(^signal.Set(0)) // it may have asked about any signal
		answer <- frozen{image, refused}           // there is room for it
	}
}

// atInput is told of a process of which somebody waits that it reads its standard input.
func (k *Kernel) atInput(t *proc.Thread) {
	if answer := k.pools.answer(t.Process()); answer != nil {
		image, refused := t.FreezeInCall()
		answer <- frozen{image, refused}
	}
}

// answer gives where it is to be said that a process has been frozen, if somebody waits for that: once.
func (p *pools) answer(of *proc.Process) chan<- frozen {
	if p.waiting.Load() == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	answer := p.asked[of]
	if answer != nil {
		p.forgetLocked(of)
	}
	return answer
}

func (p *pools) forgetLocked(of *proc.Process) {
	of.AwaitInput(false)
	delete(p.asked, of)
	p.waiting.Add(-1)
}

// ask notes that somebody waits.
func (p *pools) ask(of *proc.Process) (<-chan frozen, error) {
	answer := make(chan frozen, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked == nil {
		p.asked = map[*proc.Process]chan<- frozen{}
	}
	if p.asked[of] != nil {
		return nil, fmt.Errorf("pool: process %d is to be the one of another pool", of.PID())
	}
	p.asked[of] = answer
	p.waiting.Add(1)
	of.AwaitInput(true)
	return answer, nil
}

// NewPool makes a pool of a process, as it is when it calls vkernel.ready, or else when it reads its standard input, or
// waits for that: NewPool waits until then. What it has read of its input by then, its copies have read.
func (k *Kernel) NewPool(ctx context.Context, pid int, limits PoolLimits) (*Pool, error) {
	p, ok := k.table.Find(pid)
	if !ok || p.State() >= proc.Zombie {
		return nil, fmt.Errorf("pool: there is no process %d", pid)
	}
	answer, err := k.pools.ask(p)
	if err != nil {
		return nil, err
	}
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for err == nil {
		select {
		case f := <-answer:
			if f.image == nil {
				return nil, fmt.Errorf("pool: process %d cannot be frozen: %s", pid, f.refused)
			}
			return k.addPool(f.image, p, limits)
		case <-look.C:
			if p.State() >= proc.Zombie {
				err = errors.New("it has ended")
			}
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if k.pools.answer(p) == nil {
		(<-answer).image.Release()
	}
	return nil, fmt.Errorf("pool: process %d has neither called vkernel.ready nor read its standard input: %w", pid, err)
}

// maxPools is how many pools a container has, that have ended and were not removed included.
const maxPools = 64

func (k *Kernel) addPool(image *proc.Warm, p *proc.Process, limits PoolLimits) (*Pool, error) {
	pool := &Pool{kernel: k, limits: limits, image: image, entry: p.Image().Target.Entry}
	k.pools.mu.Lock()
	defer k.pools.mu.Unlock()
	if len(k.pools.all) >= maxPools {
		image.Release()
		return nil, ErrPools
	}
	if limits.Idle > 0 {
		pool.idle = time.AfterFunc(limits.Idle, pool.tire)
	}
	k.pools.last++
	pool.id = k.pools.last
	k.pools.all = append(k.pools.all, pool)
	return pool, nil
}

// Pool finds a pool by its id.
func (k *Kernel) Pool(id int) (*Pool, error) {
	k.pools.mu.Lock()
	defer k.pools.mu.Unlock()
	for _, p := range k.pools.all {
		if p.id == id {
			return p, nil
		}
	}
	return nil, fmt.Errorf("pool: there is no pool %d", id)
}

// Pools lists the pools of the container, those that have ended included.
func (k *Kernel) Pools() []PoolState {
	k.pools.mu.Lock()
	all := slices.Clone(k.pools.all)
	k.pools.mu.Unlock()
	list := make([]PoolState, 0, len(all))
	for _, p := range all {
		list = append(list, p.State())
	}
	return list
}

// RemovePool ends a pool and forgets it. Copies go on.
func (k *Kernel) RemovePool(id int) error {
	p, err := k.Pool(id)
	if err != nil {
		return err
	}
	p.Close()
	k.pools.mu.Lock()
	defer k.pools.mu.Unlock()
	k.pools.all = slices.DeleteFunc(k.pools.all, func(o *Pool) bool { return o == p })
	return nil
}

// tire ends the pool if nothing lives of it, and looks again later otherwise.
func (p *Pool) tire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buryLocked(); len(p.live) != 0 {
		p.idle.Reset(p.limits.Idle)
		return
	}
	p.image.Release()
	p.image = nil
}

// buryLocked forgets the copies that have ended.
func (p *Pool) buryLocked() {
	live := p.live[:0]
	for _, c := range p.live {
		if c.State() < proc.Zombie {
			live = append(live, c)
		}
	}
	clear(p.live[len(live):])
	p.live = live
}

// Job is what a copy is started with.
type Job struct {
	Argv, Env      []string
	Dir            string // "": /
	Cred           proc.Cred
	Stdin          io.Reader // nil: empty
	Stdout, Stderr io.Writer // nil: thrown away
}

// Copy is a process that a pool has started.
type Copy struct {
	process *proc.Process
	console *hostio.Console // its terminal, if it was given one
	output  []<-chan struct{}
}

// Start starts a copy. With a console it has a terminal of its own, instead of the job's streams.
func (p *Pool) Start(j Job, console *Console) (*Copy, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.image == nil {
		return nil, ErrPoolEnded
	}
	if p.buryLocked(); p.limits.Copies > 0 && len(p.live) >= p.limits.Copies {
		p.refused.Add(1)
		return nil, ErrPoolLimit
	}
	if p.idle != nil {
		p.idle.Reset(p.limits.Idle)
	}
	if len(j.Argv) == 0 {
		j.Argv = []string{p.entry}
	}
	defer p.kernel.outside()() // a cut waits for us, or we for it
	c, e, err := p.kernel.spawn(j, console, p.image)
	if e != 0 {
		p.refused.Add(1)
		err = fmt.Errorf("pool: start a copy of %s: %w", p.entry, e)
	}
	if err != nil {
		return nil, err
	}
	p.started.Add(1)
	p.live = append(p.live, c.process)
	return c, nil
}

// jobStreams opens descriptors 0, 1 and 2 of a copy.
func (k *Kernel) jobStreams(j *Job) (*fd.Table, []<-chan struct{}, error) {
	files := fd.NewTable()
	var in *fd.Description
	if j.Stdin != nil {
		end, path := k.host.Input(k.pipes, "", j.Stdin)
		in = fd.New(end, path, linux.O_RDONLY)
	} else {
		var err error
		if in, err = k.open("/dev/null", linux.O_RDONLY); err != nil {
			return nil, nil, err
		}
	}
	var done []<-chan struct{}
	output := func(w io.Writer) *fd.Description {
		if w == nil {
			w = io.Discard
		}
		end, path, written := k.host.Output(k.pipes, "", w)
		done = append(done, written)
		return fd.New(end, path, linux.O_WRONLY)
	}
	out := output(j.Stdout)
	errs := out
	if same(j.Stdout, j.Stderr) {
		out.Ref()
	} else {
		errs = output(j.Stderr)
	}
	install(files, in, out, errs)
	return files, done, nil
}

// PID is the copy's id in the container.
func (c *Copy) PID() int { return c.process.PID() }

// Wait waits for the end of the copy, and until all that it has written has been passed on.
func (c *Copy) Wait(ctx context.Context) (Status, error) {
	if err := c.process.Await(ctx); err != nil {
		return Status{}, err
	}
	if c.console != nil {
		c.console.Close()
	}
	for _, written := range c.output {
		select {
		case <-written:
		case <-ctx.Done():
			return Status{}, ctx.Err()
		}
	}
	return statusOf(c.process.Facts().Status), nil
}

func statusOf(status int) Status {
	if sig := linux.Signal(status & 0x7f); sig != 0 {
		return Status{Signal: sig}
	}
	return Status{Code: status >> 8 & 0xff}
}

// State tells what the pool has done.
func (p *Pool) State() PoolState {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buryLocked()
	s := PoolState{ID: p.id, Program: p.entry, Started: p.started.Load(), Live: len(p.live), Refused: p.refused.Load(), Ended: p.image == nil}
	if p.image != nil {
		s.Bytes = p.image.Bytes()
	}
	return s
}

// Close ends the pool. Copies go on.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle != nil {
		p.idle.Stop()
	}
	p.image.Release()
	p.image = nil
}

// close ends all pools, and who waits for one.
func (p *pools) close() {
	p.mu.Lock()
	all := p.all
	p.all = nil
	p.mu.Unlock()
	for _, pool := range all {
		pool.Close()
	}
}
