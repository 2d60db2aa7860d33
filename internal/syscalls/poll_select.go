package syscalls

import (
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

// setSize is FD_SETSIZE: select(2) looks no further, and not beyond the size of the table.
const setSize = 1024

// fdSet is fd_set.
type fdSet [setSize / 64]uint64

func (s *fdSet) has(n int) bool { return s[n/64]>>(n%64)&1 != 0 }
func (s *fdSet) add(n int)      { s[n/64] |= 1 << (n % 64) }

// What each of select's three sets waits for, and which events count as it.
var selectEvents = [3]struct{ wanted, ready wait.Events }{
	{wait.In, wait.In | wait.Hup | wait.Err},
	{wait.Out, wait.Out | wait.Err},
	{wait.Pri, wait.Pri},
}

func selectFDs(t *proc.Thread, a Args) (int64, linux.Errno) {
	sleeps, deadline := true, never
	if a.Addr(4) != 0 {
		tv, e := guest.Get[linux.Timeval](t.Mem(), a.Addr(4))
		if e != 0 {
			return 0, e
		}
		if usec := int64(int32(tv.Usec)); usec >= 1e6 { // select accepts more than a second here
			tv.Sec, tv.Usec = tv.Sec+usec/1e6, usec%1e6
		}
		d, e := tv.Duration()
		if e != 0 {
			return 0, e
		}
		if sleeps = d > 0; sleeps {
			deadline = t.Deadline(d)
		}
	}
	n, e := selectFiles(t, a, sleeps, deadline)
	if e == proc.ERESTARTSYS {
		return 0, proc.ERESTARTNOHAND
	}
	if e == 0 && a.Addr(4) != 0 {
		left := linux.ToTimeval(remaining(deadline))
		e = guest.Put(t.Mem(), a.Addr(4), &left)
	}
	return n, e
}

// remaining is the time until a deadline.
func remaining(deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return 0
	}
	return max(0, time.Until(deadline))
}

func pselect6(t *proc.Thread, a Args) (int64, linux.Errno) {
	sleeps, deadline, e := timeout(t, a.Addr(4))
	if e != 0 {
		return 0, e
	}
	var mask guest.Addr
	if a.Addr(5) != 0 {
		arg, e := guest.Get[struct{ Addr, Size uint64 }](t.Mem(), a.Addr(5))
		if e != 0 {
			return 0, e
		}
		if mask = guest.Addr(arg.Addr); mask != 0 && uint32(arg.Size) != 8 {
			return 0, linux.EINVAL
		}
	}
	return masked(t, mask, func() (int64, linux.Errno) { return selectFiles(t, a, sleeps, deadline) })
}

// selectFiles is select(2) on arguments 0 to 3.
func selectFiles(t *proc.Thread, a Args, sleeps bool, deadline time.Time) (int64, linux.Errno) {
	if a.Int(0) < 0 {
		return 0, linux.EINVAL
	}
	n := min(int(a.Int(0)), setSize, t.Files().Size())
	var in, out [3]fdSet
	for i := range in {
		if e := getSet(t.Mem(), a.Addr(i+1), &in[i], n); e != 0 {
			return 0, e
		}
	}
	ws := make([]watched, n)
	defer release(ws)
	if e := watchSets(t, ws, &in); e != 0 {
		return 0, e
	}
	ready, e := waitAny(t, ws, sleeps, deadline, func() int64 { return lookSelect(t, ws, &in, &out) })
	if e != 0 {
		return 0, e
	}
	for i := range out {
		if e := putSet(t.Mem(), a.Addr(i+1), &out[i], n); e != 0 {
			return 0, e
		}
	}
	return ready, 0
}

// watchSets finds the descriptions that the sets name. EBADF: one is not open.
func watchSets(t *proc.Thread, ws []watched, in *[3]fdSet) linux.Errno {
	for n := range ws {
		var d *fd.Description
		for i := range in {
			if !in[i].has(n) {
				continue
			}
			if d == nil {
				var e linux.Errno
				if d, e = t.Files().Get(int32(n)); e != 0 {
					return e
				}
				t.AtInput(int32(n))
			}
			ws[n].wanted |= selectEvents[i].wanted
		}
		ws[n].d = d
	}
	return 0
}

// lookSelect fills the sets of what is ready and counts their members.
func lookSelect(t *proc.Thread, ws []watched, in, out *[3]fdSet) (ready int64) {
	*out = [3]fdSet{}
	for n := range ws {
		if ws[n].d == nil {
			continue
		}
		now := vfs.PollFor(ws[n].d.File(), t.Signals())
		for i := range in {
			if in[i].has(n) && now&selectEvents[i].ready != 0 {
				out[i].add(n)
				ready++
			}
		}
	}
	return ready
}

// setBytes is the size of a set of n descriptors in the guest: whole longs.
func setBytes(n int) int { return (n + 63) / 64 * 8 }

func getSet(m guest.Memory, addr guest.Addr, s *fdSet, n int) linux.Errno {
	if addr == 0 || n == 0 {
		return 0
	}
	words, e := guest.GetSlice[uint64](m, addr, setBytes(n)/8)
	if e != 0 {
		return e
	}
	copy(s[:], words)
	if n%64 != 0 {
		s[n/64] &= 1<<(n%64) - 1
	}
	return 0
}

func putSet(m guest.Memory, addr guest.Addr, s *fdSet, n int) linux.Errno {
	if addr == 0 {
		return 0
	}
	for i := range setBytes(n) / 8 {
		if e := guest.Put(m, addr+uint32(8*i), &s[i]); e != 0 {
			return e
		}
	}
	return 0
}
