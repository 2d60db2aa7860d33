package verify

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// walkAll verifies all functions, on all processors. Nothing is known at first of the arguments on the stack
// that they take. Those that call something that takes more than was known, and more than was free, are
// verified again: that may show that they take more themselves, and so on.
func (v *verifier) walkAll() error {
	todo := make([]int32, 0, len(v.funcs))
	for i := v.stubs; i < len(v.funcs); i++ {
		todo = append(todo, int32(i))
	}
	for len(todo) > 0 {
		if err := v.walk(todo); err != nil {
			return err
		}
		if err := v.arguments(); err != nil && len(v.refused) == 0 { // else what is refused may be why
			return err
		}
		var err error
		if todo, err = v.disappointed(); err != nil {
			return err
		}
	}
	return nil
}

// disappointed are the functions that are to be verified again. Their edges are dropped.
func (v *verifier) disappointed() ([]int32, error) {
	again, refused := map[int32]bool{}, map[int32]bool{}
	for _, e := range v.refused {
		refused[v.functionAt(int64(e.Entry-v.base))] = true
	}
	for i := range v.edges {
		e := &v.edges[i]
		need := v.taken(e)
		if need <= e.room || refused[e.caller] {
			continue
		}
		if need > e.args {
			again[e.caller] = true
			continue
		}
		err := v.fail(&v.funcs[e.caller], e.at, "a call with %d bytes for arguments on the stack, of which the callee takes %d", e.room, need)
		if err = v.collect(err); err != nil {
			return nil, err
		}
		refused[e.caller] = true
	}
	todo := make([]int32, 0, len(again))
	for n := range again {
		if !refused[n] {
			todo = append(todo, n)
		}
	}
	if len(todo) > 0 {
		v.edges = slices.DeleteFunc(v.edges, func(e edge) bool { return again[e.caller] })
	}
	slices.Sort(todo)
	return todo, nil
}

// taken is how many bytes of arguments on the stack the callee takes.
func (v *verifier) taken(e *edge) int32 {
	if e.callee >= 0 {
		return v.funcs[e.callee].args
	}
	return v.areas[v.funcs[e.caller].program].args[-e.callee]
}

// round is a list of functions that several walkers verify.
type round struct {
	v      *verifier
	todo   []int32
	next   atomic.Int64 // the first that nobody took
	failed atomic.Int64 // the first that is refused, if all are not to be known
	known  []int32
	errs   []error // by place in todo
}

const (
	portion    = 16       // functions that a walker takes at a time
	perWorker  = 64 << 10 // bytes of text that are worth a walker of their own
	maxWorkers = 64
	perEdge    = 64 // bytes of text with a call, about
)

// walk verifies some functions. It gives the first error, whoever finds it.
func (v *verifier) walk(todo []int32) error {
	r := &round{v: v, todo: todo, known: make([]int32, len(v.funcs)), errs: make([]error, len(todo))}
	r.failed.Store(int64(len(todo)))
	size := 0
	for i := range v.funcs {
		r.known[i] = v.funcs[i].args
	}
	for _, n := range todo {
		size += int(v.funcs[n].end - v.funcs[n].at)
	}
	count := v.workers
	if count == 0 {
		count = max(1, min(runtime.GOMAXPROCS(0), size/perWorker, maxWorkers))
	}
	walkers := make([]*walker, count)
	for i := range walkers {
		w := v.newWalker()
		w.known, w.edges = r.known, make([]edge, 0, size/perEdge/len(walkers))
		walkers[i] = w
	}
	var wg sync.WaitGroup
	for _, w := range walkers[1:] {
		wg.Go(func() { r.work(w) })
	}
	r.work(walkers[0])
	wg.Wait()
	budget := v.budget
	for _, w := range walkers {
		if len(v.edges) == 0 {
			v.edges = w.edges
		} else {
			v.edges = append(v.edges, w.edges...)
		}
		v.budget -= budget - w.budget
	}
	for i, err := range r.errs {
		if err := v.collect(err); err != nil {
			return err
		}
		if f := &v.funcs[todo[i]]; err != nil { // what it takes, nobody else is refused for
			f.args, f.tails, f.tailTypes = 0, nil, nil
		}
	}
	return nil
}

// work takes functions until there are no more, or one before them is refused.
func (r *round) work(w *walker) {
	for {
		from := r.next.Add(portion) - portion
		for i := from; i < from+portion; i++ {
			if i >= int64(len(r.todo)) || i > r.failed.Load() {
				return
			}
			r.errs[i] = w.function(r.todo[i])
			if r.errs[i] != nil && !r.v.all {
				r.fail(i)
			}
		}
	}
}

// fail notes that a function is refused.
func (r *round) fail(i int64) {
	for {
		first := r.failed.Load()
		if i >= first || r.failed.CompareAndSwap(first, i) {
			return
		}
	}
}

// collect keeps what is wrong with a function, if all is to be known.
func (v *verifier) collect(err error) error {
	var e *Error
	if !v.all || !errors.As(err, &e) {
		return err
	}
	v.refused = append(v.refused, e)
	return nil
}
