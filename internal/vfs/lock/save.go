package lock

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// Types are what this package saves.
var Types = []state.Type{state.Of[Registry](1)}

// StateType names the type.
func (*Registry) StateType() string { return "lock.Registry" }

// SaveState writes the locks. Nobody waits at a cut: who did comes again.
func (r *Registry) SaveState(e *state.Encoder) {
	if len(r.waiting) != 0 {
		e.Fail(errors.New("somebody waits for a lock"))
	}
	saveLocks(e, r.ranges)
	saveLocks(e, r.whole)
}

// LoadState reads them, and counts them.
func (r *Registry) LoadState(d *state.Decoder) {
	r.ranges, r.whole, r.waiting = r.loadLocks(d), r.loadLocks(d), nil
	d.After(func() error {
		r.ranges, r.whole = loadKeys(r.ranges), loadKeys(r.whole)
		return nil
	})
}

// loadKeys puts the locks of open file descriptions under the inode that the file has now: a directory of the host may
// have been moved.
func loadKeys(all map[Key][]Lock) map[Key][]Lock {
	now := make(map[Key][]Lock, len(all))
	for k, locks := range all {
		for _, l := range locks {
			to := k
			if o, ok := l.Owner.(interface{ LockKey() (Key, linux.Errno) }); ok {
				if found, e := o.LockKey(); e == 0 {
					to = found
				}
			}
			now[to] = append(now[to], l)
		}
	}
	return now
}

func saveLocks(e *state.Encoder, all map[Key][]Lock) {
	keys := make([]Key, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Or(cmp.Compare(a.Dev, b.Dev), cmp.Compare(a.Ino, b.Ino)) })
	e.Len(len(keys))
	for _, k := range keys {
		e.Uint(k.Dev)
		e.Uint(k.Ino)
		e.Len(len(all[k]))
		for i := range all[k] {
			all[k][i].SaveState(e)
		}
	}
}

func (r *Registry) loadLocks(d *state.Decoder) map[Key][]Lock {
	var all map[Key][]Lock
	for range d.Count(3) {
		k := Key{d.Uint(math.MaxUint64), d.Uint(math.MaxUint64)}
		locks := make([]Lock, d.Count(5))
		for i := range locks {
			locks[i].LoadState(d)
		}
		if all == nil {
			all = map[Key][]Lock{}
		}
		if r.count += len(locks); len(locks) == 0 || all[k] != nil || r.count > maxLocks {
			d.Failf("%d locks of file %d on device %#x, %d in all", len(locks), k.Ino, k.Dev, r.count)
			return nil
		}
		all[k] = locks
	}
	return all
}

// SaveState writes a lock.
func (l *Lock) SaveState(e *state.Encoder) {
	e.Int(l.Start)
	e.Int(l.End)
	e.Bool(l.Write)
	state.RefAny(e, l.Owner)
	e.Int(int64(l.PID))
}

// LoadState reads it.
func (l *Lock) LoadState(d *state.Decoder) {
	l.Start = d.Int(0, EOF)
	l.End = d.Int(l.Start, EOF)
	l.Write = d.Bool()
	l.Owner = state.Need[any](d)
	l.PID = int32(d.Int(-1, math.MaxInt32))
}
