package trust

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// interval is how often a Watcher looks even if nothing told it that files changed: the
// clock may have passed a limit, some file systems tell nothing, and the host tells only so
// many (fs.inotify.max_user_instances).
const interval = 500 * time.Millisecond

// A Watcher looks often at first and asks the host only after a while: to give up what the
// host tells with takes it 10 ms, which a container that lives shorter should not pay.
const (
	firstInterval = 50 * time.Millisecond
	firstLooks    = 6
)

// Watcher follows a policy while a bundle runs.
type Watcher struct {
	source Source
	signed Signed
	push   func(Update)
	report func(error)
	now    func() time.Time

	files *fsnotify.Watcher // nil if the host has none to give
	quit  chan struct{}
	done  chan struct{}
	once  sync.Once

	// Of the goroutine.
	policy *Policy   // the last one that could be read
	stamp  string    // of the files when it was read
	asked  time.Time // when the bundle was last checked
	last   Update
	broken string // what the last report said
}

// Watch begins to follow the policy of source for a bundle that Check has accepted. push
// is told what must not be started: once before Watch returns, then at each change. report
// is told in words what changed, and what cannot be read.
func Watch(source Source, signed Signed, push func(Update), report func(error)) (*Watcher, error) {
	w := &Watcher{source: source, signed: signed, push: push, report: report, now: time.Now, quit: make(chan struct{}), done: make(chan struct{})}
	w.stamp = source.stamp() // before it is read, so that no change falls between
	p, err := source.Load()
	if err != nil {
		return nil, err
	}
	w.policy = p
	w.mustExist()
	w.last = w.evaluate()
	push(w.last)
	go w.run()
	return w, nil
}

// Close ends it.
func (w *Watcher) Close() {
	if w == nil {
		return
	}
	w.once.Do(func() { close(w.quit) })
	<-w.done
}

// notify asks the host to tell of changes in the directories of all files. Whatever fails
// here, interval makes up for.
func (w *Watcher) notify() {
	f, err := fsnotify.NewWatcher()
	if err != nil {
		return
	}
	w.files = f
	names := append([]string{w.source.File}, w.source.Keys...)
	dirs := map[string]bool{w.source.KeyDir: true}
	for _, name := range names {
		if name != "" {
			dirs[filepath.Dir(name)] = true
		}
	}
	for dir := range dirs {
		if dir != "" {
			_ = f.Add(dir) // it may not exist yet
		}
	}
}

func (w *Watcher) closeFiles() {
	if w.files != nil {
		w.files.Close()
	}
}

func (w *Watcher) run() {
	defer close(w.done)
	defer w.closeFiles()
	tick := time.NewTicker(firstInterval)
	defer tick.Stop()
	var events chan fsnotify.Event
	var failed chan error
	for looks := 0; ; {
		select {
		case <-w.quit:
			return
		case <-tick.C:
			if looks++; looks == firstLooks {
				tick.Reset(interval)
				if w.notify(); w.files != nil {
					events, failed = w.files.Events, w.files.Errors
				}
			}
		case <-events:
		case <-failed: // events were lost: look
		}
		w.look()
	}
}

// look passes on what changed, if anything.
func (w *Watcher) look() {
	if stamp := w.source.stamp(); stamp != w.stamp {
		w.stamp = stamp
		w.load()
	} else if now := w.now(); now.After(w.asked) && w.policy.sameAt(w.asked, now) {
		return
	}
	u := w.evaluate()
	if reflect.DeepEqual(u, w.last) {
		return
	}
	w.push(u)
	if u.Reason != "" && u.Reason != w.last.Reason {
		w.report(fmt.Errorf("the bundle is not trusted any more, nothing is started: %s", u.Reason))
	} else {
		w.report(fmt.Errorf("the trust policy has changed: digests revoked: %d", len(u.Digests)))
	}
	w.last = u
}

// load reads the policy again. Of one that has no key left everything is known, and
// nothing is trusted.
func (w *Watcher) load() {
	p, err := w.source.Load()
	w.mustExist()
	var none *NoKeyError
	switch {
	case err == nil:
		w.policy, w.broken = p, ""
	case errors.As(err, &none):
		w.policy, w.broken = &Policy{Version: Version, Threshold: 1, Revoked: w.policy.Revoked}, ""
	case err.Error() != w.broken:
		w.broken = err.Error()
		w.report(fmt.Errorf("%w; what it said before holds on", err))
	}
}

// mustExist notes that there is a policy file: if it vanishes later, what it said holds on.
func (w *Watcher) mustExist() {
	if _, err := os.Stat(w.source.File); err == nil {
		w.source.Optional = false
	}
}

// evaluate asks the policy about the bundle as if it were to be started now.
func (w *Watcher) evaluate() Update {
	var u Update
	w.asked = w.now()
	if _, err := w.policy.Check(w.signed, w.asked); err != nil {
		u.Reason = err.Error()
	}
	for _, r := range w.policy.Revoked {
		u.Digests = append(u.Digests, r.SHA256)
	}
	return u
}

// sameAt reports whether the policy says the same at two times: no key's time began or
// ended between them.
func (p *Policy) sameAt(a, b time.Time) bool {
	same := func(from, until Time) bool { return outside(from, until, a) == outside(from, until, b) }
	for i := range p.Keys {
		if !same(p.Keys[i].NotBefore, p.Keys[i].Expires) {
			return false
		}
	}
	return same(p.NotBefore, p.Expires)
}
