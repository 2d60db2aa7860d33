package signal

import (
	"slices"

	"vkernel/internal/linux"
)

// queue holds pending signals in the order of arrival. A standard signal is in it at most
// once; real-time signals queue.
type queue struct {
	set  Set
	info []linux.SigInfo
}

// push adds a signal. A standard signal that is there already stays as it is. With room
// false a real-time signal is refused if it was queued by sigqueue or a timer, and loses its
// details otherwise (then it coalesces too).
func (q *queue) push(info *linux.SigInfo, room bool) linux.Errno {
	sig := linux.Signal(info.Signo)
	if sig < linux.SIGRTMIN {
		if q.set.Has(sig) {
			return 0
		}
	} else if !room {
		if info.Code != linux.SI_USER && info.Code != linux.SI_TKILL && info.Code != linux.SI_KERNEL {
			return linux.EAGAIN
		}
		if q.set.Has(sig) {
			return 0
		}
	}
	q.set |= bit(sig)
	q.info = append(q.info, *info)
	return 0
}

// pop takes the oldest entry of sig, which is in the queue.
func (q *queue) pop(sig linux.Signal) linux.SigInfo {
	i := slices.IndexFunc(q.info, func(x linux.SigInfo) bool { return x.Signo == int32(sig) })
	info := q.info[i]
	q.info = slices.Delete(q.info, i, i+1)
	if !slices.ContainsFunc(q.info, func(x linux.SigInfo) bool { return x.Signo == int32(sig) }) {
		q.set &^= bit(sig)
	}
	return info
}

// drop removes every entry of the signals in s.
func (q *queue) drop(s Set) {
	if q.set&s == 0 {
		return
	}
	q.set &^= s
	q.info = slices.DeleteFunc(q.info, func(x linux.SigInfo) bool { return s.Has(linux.Signal(x.Signo)) })
}

// next chooses the signal to take of those in s: a synchronous one, else the lowest.
func next(s Set) linux.Signal {
	if first := s & synchronous; first != 0 {
		return first.First()
	}
	return s.First()
}
