package kernel

import (
	"sync"
	"sync/atomic"
	"time"

	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
	"vkernel/internal/policy"
	"vkernel/internal/proc"
	"vkernel/internal/router"
)

// An entry with "warm" in the manifest starts from a frozen process of its own program, once there
// is one. A container makes its images itself: when a program that was started cold calls vkernel.ready,
// a process is run up to there that nobody in the container sees or has made (warm_maker.go).
// An image belongs to a content, its name, its entry and the policy under which it runs; each start
// has been decided by Decide before an image is looked for, and begins there only if all that the image has looked
// at in the tree is as it was (vfs.Witness).

// warmKey is what an image belongs to.
type warmKey struct {
	digest [32]byte
	entry  string
	held   *policy.Policy
}

// warmImages are those of a container.
type warmImages struct {
	kernel *Kernel
	quick  bool     // tests: an image is made again at once
	all    sync.Map // warmKey -> *warmth

	making sync.Mutex // one is made at a time
	work   sync.WaitGroup

	mu     sync.Mutex
	closed bool   // guarded by mu
	cancel func() // ends what is being made; guarded by mu
}

// warmth are the images of one key. It is what proc.Target refers to.
type warmth struct {
	images  *warmImages
	key     warmKey
	entry   router.Entry
	program *proc.Program
	spec    *manifest.Warm
	named   named

	warm, cold, made atomic.Int64 // starts, images
}

// of gives the place of the image of a target; nil if it is to have none.
func (w *warmImages) of(digest [32]byte, e *router.Entry, held *policy.Policy, program *proc.Program) proc.Warmth {
	if w == nil || e.Warm == nil || held != nil && !held.Remembered() {
		return nil
	}
	key := warmKey{digest, e.ID, held}
	if mutant.Off("warm.policy") {
		key.held = nil
	}
	if known, ok := w.all.Load(key); ok {
		return known.(*warmth)
	}
	known, _ := w.all.LoadOrStore(key, &warmth{images: w, key: key, entry: *e, program: program, spec: e.Warm})
	return known.(*warmth)
}

// Warm gives the image, if it suits the start.
func (w *warmth) Warm(s proc.Start) *proc.Warm {
	if x := w.named.find(s.Name); x != nil && w.spec.Cold(s.Argv, s.Env) == "" {
		if image := x.take(s, w.images.now()); image != nil {
			w.warm.Add(1)
			return image
		}
	}
	w.cold.Add(1)
	return nil
}

// Reached has an image made, if there is none for the name and it is time for one.
func (w *warmth) Reached(p *proc.Process) {
	name, now := p.FS().PathString(p.Image().Exe), w.images.now()
	x := w.named.find(name)
	if x == nil {
		x = w.named.add(name, p.Cred().UID, now)
	}
	if x != nil && (x.begin(now) || w.images.quick && x.begin(now+longestPause)) {
		w.images.start(func() { w.make(x) })
	}
}

// make makes the image of a name.
func (w *warmth) make(x *warmName) {
	m := &maker{kernel: w.images.kernel, warmth: w}
	image, reason := m.run(x.name)
	log := w.images.kernel.config.Log
	if image == nil {
		reads := m.seen
		if m.again {
			reads = nil
		}
		x.end(nil, reason, reads, w.images.now())
		log.Info("no warm image", "entry", w.entry.ID, "name", x.name, "reason", reason)
		return
	}
	log.Debug("warm image", "entry", w.entry.ID, "name", x.name, "bytes", image.Bytes())
	w.made.Add(1)
	x.end(&madeImage{image: image, seen: m.seen}, "", nil, w.images.now())
	if w.images.over() {
		w.drop()
	}
}

// drop gives the images up. It reports whether there were any.
func (w *warmth) drop() (some bool) {
	for _, x := range w.named.all() {
		some = x.drop(w.images.now()) || some
	}
	return some
}

// start does work in the background, one piece at a time.
func (w *warmImages) start(work func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.work.Go(func() {
		w.making.Lock()
		defer w.making.Unlock()
		if !w.over() {
			work()
		}
	})
}

// over reports whether the container has ended.
func (w *warmImages) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// running notes how to end what is being made. It reports false if nothing may be made any more.
func (w *warmImages) running(cancel func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel = cancel
	return !w.closed
}

// revoke drops the images of a content that nobody may execute any more.
func (w *warmImages) revoke(digest [32]byte) {
	if w == nil {
		return
	}
	w.all.Range(func(key, v any) bool {
		if key.(warmKey).digest == digest {
			v.(*warmth).drop()
		}
		return true
	})
}

// relieve drops all images, which may be made again, because the container needs memory. It reports
// whether there were any.
func (w *warmImages) relieve() (some bool) {
	w.mu.Lock()
	if w.cancel != nil {
		w.cancel()
	}
	w.mu.Unlock()
	w.all.Range(func(_, v any) bool {
		some = v.(*warmth).drop() || some
		return true
	})
	return some
}

// close ends what is being made, and drops all images.
func (w *warmImages) close() {
	w.mu.Lock()
	w.closed = true
	if w.cancel != nil {
		w.cancel()
	}
	w.mu.Unlock()
	w.work.Wait()
	w.all.Range(func(_, v any) bool {
		v.(*warmth).drop()
		return true
	})
}

// epoch is when the clock of images began.
var epoch = time.Now()

func (w *warmImages) now() time.Duration { return time.Since(epoch) }

// WarmState is what a container knows of the images of an entry.
type WarmState struct {
	Entry  string `json:"entry"`
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"` // why there is none
	Bytes  uint64 `json:"bytes"`
	Warm   int64  `json:"warm"` // starts from one
	Cold   int64  `json:"cold"` // other starts
	Made   int64  `json:"made"` // images
}

// Warm lists the images of the container, and those that it does not have.
func (k *Kernel) Warm() (list []WarmState) {
	k.warm.all.Range(func(_, v any) bool {
		w := v.(*warmth)
		s := WarmState{Entry: w.entry.ID, Warm: w.warm.Load(), Cold: w.cold.Load(), Made: w.made.Load()}
		for _, x := range w.named.all() {
			if m := x.made.Load(); m != nil && m.image.Use() {
				s.Ready, s.Bytes = true, s.Bytes+m.image.Bytes()
				m.image.Release()
			} else if reason := x.reason.Load(); reason != nil && !s.Ready {
				s.Reason = *reason
			}
		}
		if s.Ready {
			s.Reason = ""
		}
		list = append(list, s)
		return true
	})
	return list
}
