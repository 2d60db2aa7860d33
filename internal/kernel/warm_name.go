package kernel

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vkernel/internal/mutant"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// A content may lie at several places, each with files of its own beside it: there is an image for each name.
// Who copies a program keeps nobody else from one: a user has few names, and others have theirs. What an image has read
// and has changed since ends it; it is made again, later each time, until one has lasted.

const (
	maxWarmNames = 8 // of a content
	maxUserNames = 2 // of those that the same user was the first to start
	staleName    = 10 * time.Second

	firstPause, longestPause = 100 * time.Millisecond, 5 * time.Minute
)

// named are the images of a warmth.
type named struct {
	list atomic.Pointer[[]*warmName] // immutable; replaced under mu

	mu sync.Mutex
}

// warmName is the image of a content that is started by one name.
type warmName struct {
	name string
	uid  uint32 // who started it first

	made   atomic.Pointer[madeImage]
	reason atomic.Pointer[string] // why there is none
	used   atomic.Int64           // when, of clock; how long names stay that nobody starts

	mu sync.Mutex

	// guarded by mu
	making bool
	next   time.Duration // of clock; no image is made before
	tries  int           // since the last image that has lasted
	reads  *vfs.Witness  // as long as that is the same there can be no image; nil: there can
}

// madeImage is a frozen process, and what it had read.
type madeImage struct {
	image *proc.Warm
	seen  *vfs.Witness
	since time.Duration // of clock
}

// find gives what there is of a name, nil if nothing.
func (n *named) find(name string) *warmName {
	for _, x := range n.all() {
		if x.name == name {
			return x
		}
	}
	return nil
}

func (n *named) all() []*warmName {
	if list := n.list.Load(); list != nil {
		return *list
	}
	return nil
}

// add gives what there is of a name, from now on; nil if the user, or all of them, have too many.
func (n *named) add(name string, uid uint32, now time.Duration) *warmName {
	n.mu.Lock()
	defer n.mu.Unlock()
	if x := n.find(name); x != nil {
		return x
	}
	list := slices.Clone(n.all())
	own := 0
	for _, x := range list {
		if x.uid == uid {
			own++
		}
	}
	if len(list) >= maxWarmNames || own >= maxUserNames {
		k := slices.IndexFunc(list, func(x *warmName) bool {
			return (own < maxUserNames || x.uid == uid) && x.idle(now)
		})
		if k < 0 {
			return nil
		}
		list[k].drop(now)
		list = slices.Delete(list, k, k+1)
	}
	x := &warmName{name: name, uid: uid}
	x.used.Store(int64(now))
	list = append(list, x)
	n.list.Store(&list)
	return x
}

// idle reports whether nobody has started it for a while.
func (x *warmName) idle(now time.Duration) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return !x.making && now-time.Duration(x.used.Load()) > staleName
}

// take gives the image with a use, if it suits a start and what it has read is there still.
func (x *warmName) take(s proc.Start, now time.Duration) *proc.Warm {
	x.used.Store(int64(now))
	m := x.made.Load()
	if m == nil || m.image.Suits(s) != "" || !m.image.Use() {
		return nil
	}
	if !m.seen.Same() && !mutant.Off("warm.seen") {
		m.image.Release()
		x.drop(now)
		return nil
	}
	return m.image
}

// begin reports whether an image is to be made now, by the caller.
func (x *warmName) begin(now time.Duration) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.making || x.made.Load() != nil || now < x.next || x.reads != nil && x.reads.Same() {
		return false
	}
	x.making, x.reads = true, nil
	return true
}

// end is the end of what begin began; image nil: there is none, for a reason that holds while reads is the same, if
// that is not nil.
func (x *warmName) end(image *madeImage, reason string, reads *vfs.Witness, now time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.making = false
	if image != nil {
		image.since = now
		x.made.Store(image)
		return
	}
	x.reason.Store(&reason)
	x.reads = reads
	x.pauseLocked(now)
}

// pauseLocked puts the next image off, longer each time.
func (x *warmName) pauseLocked(now time.Duration) {
	x.next = now + x.pauseFor()
	x.tries++
}

func (x *warmName) pauseFor() time.Duration { return min(firstPause<<min(x.tries, 16), longestPause) }

// drop gives the image up. It may be made again, later if this one did not last. It reports whether there was one.
func (x *warmName) drop(now time.Duration) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.made.Swap(nil)
	if old == nil {
		return false
	}
	if now-old.since > 10*x.pauseFor() {
		x.tries = 0
	}
	x.pauseLocked(now)
	reason := "what it has read has changed, or the container needed memory"
	x.reason.Store(&reason)
	old.image.Release()
	return true
}
