package sock

import (
	"sync"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
)

// maxFlying is how many descriptors a container may have in flight.
const maxFlying = 1 << 15

// manyFlying is from how many on those that nobody can reach are looked for when more are sent.
const manyFlying = 1 << 10

// rights is what is in flight: sent with SCM_RIGHTS and neither received nor thrown away.
//
// What is in flight is counted before it is put into a buffer, and uncounted after it was
// taken out, by one who holds a reference. So while mu is held nothing can leave flight, and nothing enter it.
type rights struct {
	mu sync.Mutex

	// guarded by mu
	flying  int
	users   map[uint32]int          // of them, sent by a user
	sockets map[*fd.Description]int // UNIX sockets among them, and how often each
	after   int                     // flying, when collect had run
	closes  int                     // of UNIX sockets since then
}

// Fly counts files that are about to be sent by a user. limit is the sender's RLIMIT_NOFILE.
func (k *Stack) Fly(c *Control, uid uint32, super bool, limit uint64) linux.Errno {
	r := &k.rights
	r.mu.Lock()
	crowded := r.flying+len(c.Files) > maxFlying || r.flying >= manyFlying && r.flying >= 2*r.after
	r.mu.Unlock()
	if crowded {
		k.collect()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flying+len(c.Files) > maxFlying || !super && uint64(r.users[uid]) > limit {
		return linux.ETOOMANYREFS
	}
	if r.users == nil {
		r.users, r.sockets = map[uint32]int{}, map[*fd.Description]int{}
	}
	r.flying += len(c.Files)
	r.users[uid] += len(c.Files)
	for _, d := range c.Files {
		if unixSocket(d) != nil {
			r.sockets[d]++
		}
	}
	c.user = uid
	return 0
}

// Land uncounts files that were in flight; their references are the caller's.
func (k *Stack) Land(c *Control) {
	if len(c.Files) == 0 {
		return
	}
	r := &k.rights
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flying -= len(c.Files)
	if r.users[c.user] -= len(c.Files); r.users[c.user] == 0 {
		delete(r.users, c.user)
	}
	for _, d := range c.Files {
		if unixSocket(d) == nil {
			continue
		}
		if r.sockets[d]--; r.sockets[d] == 0 {
			delete(r.sockets, d)
		}
	}
}

// Drop throws away files that were in flight.
func (k *Stack) Drop(c *Control) {
	k.Land(c)
	for _, d := range c.Files {
		d.Unref()
	}
	c.Files = nil
}

// dropAll is Drop for what was left in buffers.
func (k *Stack) dropAll(list []Control) {
	for i := range list {
		k.Drop(&list[i])
	}
}

// Flying is how many descriptors are in flight.
func (k *Stack) Flying() int {
	k.rights.mu.Lock()
	defer k.rights.mu.Unlock()
	return k.rights.flying
}

func unixSocket(d *fd.Description) *Socket {
	if s, ok := d.File().(*Socket); ok && s.unix() {
		return s
	}
	return nil
}

// closedUnix looks for what cannot be reached once as many sockets were closed as make it worth
// while: each search costs as much as there is in flight.
func (k *Stack) closedUnix() {
	r := &k.rights
	r.mu.Lock()
	due := false
	if len(r.sockets) > 0 {
		r.closes++
		due = r.closes >= len(r.sockets)/8
	}
	r.mu.Unlock()
	if due {
		k.collect()
	}
}

// collect empties the sockets that only descriptors in flight lead to, which lie in buffers of
// such sockets: nobody can ever receive from them. Those whose references are all in flight
// are suspects; a suspect that lies in a buffer of one that is none is not, and so on.
func (k *Stack) collect() {
	k.dropAll(k.unreachable())
}

// unreachable takes what is in the buffers of such sockets.
func (k *Stack) unreachable() (files []Control) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := &k.rights
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closes = 0
	defer func() { r.after = r.flying }()
	suspects := map[*fd.Description]int{} // how often each lies elsewhere than in a suspect's buffers
	for d, n := range r.sockets {
		if d.Refs() == n {
			suspects[d] = n
		}
	}
	for d := range suspects {
		unixSocket(d).eachFileLocked(func(x *fd.Description) {
			if _, ok := suspects[x]; ok {
				suspects[x]--
			}
		})
	}
	var reached []*fd.Description
	for d, n := range suspects {
		if n > 0 {
			reached = append(reached, d)
		}
	}
	for _, d := range reached {
		delete(suspects, d)
	}
	for len(reached) > 0 {
		d := reached[len(reached)-1]
		reached = reached[:len(reached)-1]
		unixSocket(d).eachFileLocked(func(x *fd.Description) {
			if _, ok := suspects[x]; ok {
				delete(suspects, x)
				reached = append(reached, x)
			}
		})
	}
	for d := range suspects {
		unixSocket(d).buffersLocked(func(b *buffer) {
			left, _ := b.drain()
			files = append(files, left...)
		})
	}
	return files
}

// buffersLocked calls f with what can be received through the socket.
func (s *Socket) buffersLocked(f func(b *buffer)) {
	if s.inbox != nil {
		f(s.inbox)
	}
	if c := s.conn.Load(); c != nil {
		f(c.in)
	}
	for _, child := range s.line {
		if c := child.conn.Load(); c != nil {
			f(c.in)
		}
	}
}

func (s *Socket) eachFileLocked(f func(d *fd.Description)) {
	s.buffersLocked(func(b *buffer) { b.eachFile(f) })
}
