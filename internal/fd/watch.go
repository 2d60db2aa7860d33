package fd

import "sync"

// Watcher is told, without locks, when a description that it watches has lost its last
// reference; the file is open still. Watchers are compared by ==.
type Watcher interface {
	Closed(d *Description)
}

// watchers are those of one description.
type watchers struct {
	mu sync.Mutex

	// guarded by mu
	set map[Watcher]struct{}
}

// Watch has w told of the end of d, to which the caller holds a reference.
func (d *Description) Watch(w Watcher) {
	l := d.watch.Load()
	for l == nil {
		d.watch.CompareAndSwap(nil, &watchers{set: map[Watcher]struct{}{}})
		l = d.watch.Load()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set[w] = struct{}{}
}

// Unwatch takes that back.
func (d *Description) Unwatch(w Watcher) {
	if l := d.watch.Load(); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.set, w)
	}
}

func (l *watchers) closed(d *Description) {
	l.mu.Lock()
	gone := l.set
	l.set = map[Watcher]struct{}{}
	l.mu.Unlock()
	for w := range gone {
		w.Closed(d)
	}
}

// TryRef takes a reference unless the last one is gone: for one who only knows of d.
func (d *Description) TryRef() bool { return d.tryRef() }

// UnrefUnlessLast gives a reference back unless it is the last one, which closes the file: a
// caller that holds locks gives it back later.
func (d *Description) UnrefUnlessLast() bool {
	for {
		n := d.refs.Load()
		if n == 1 {
			return false
		}
		if d.refs.CompareAndSwap(n, n-1) {
			return true
		}
	}
}
