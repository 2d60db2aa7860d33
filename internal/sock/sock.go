// Package sock is sockets: unix(7), and tcp(7) and udp(7) over the loopback addresses of
// IPv4 and IPv6. They are objects of the kernel; nothing of them is the host's.
// Other addresses are reached through an Edge, if there is one.
//
// # Model
//
// A Stack is the sockets of one container: its port numbers, abstract names and descriptors
// in flight. A Socket is an open file. Two connected sockets of a stream (or of a sequence of
// packets) have two buffers between them, one for each direction; a datagram socket has one,
// its inbox, into which anybody writes. A buffer holds bytes or packets, and with them what
// came as control messages.
//
// A socket that is connected to before it is accepted exists from then on: it waits in the
// listener's line, and its buffers take data. A TCP connection that finds the line full waits
// in the listener's second line; one of a UNIX socket is EAGAIN.
//
// A socket never blocks. What cannot proceed is EAGAIN, and Queue is notified when that may
// have changed; Room is the queue of those who wait for another socket's inbox. EPIPE says
// that SIGPIPE is due; the system call layer sends it.
//
// Everything is data: no socket has a goroutine, a timer or a descriptor of the host. What leads
// outside is an Edge: the other side of such a connection is a socket like others, a Far, from which
// the edge reads and to which it writes.
//
// # Memory
//
// Buffers are memory of the container's pipes (pipe.Pool), within its limit; one socket has
// at most what SO_SNDBUF and SO_RCVBUF allow.
//
// Descriptors in flight keep their descriptions open. There are at most as many as maxFlying,
// and for another user than root RLIMIT_NOFILE. A socket in flight that nobody but sockets in flight can
// reach is found by collect (rights.go), which empties it.
//
// # Lock order
//
//	Stack.mu     names, ports, states, lines. Never held while guest memory is touched
//	  rights.mu  what is in flight
//	    buffer.mu
//	      wait.Queue
//
// Descriptions are given up with no lock held, since that may close further sockets.
package sock

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/wait"
)

// Stack is the sockets of one container.
type Stack struct {
	pool   *pipe.Pool
	inode  atomic.Uint64
	rights rights
	edge   Edge // nil: there is nothing outside; set before the first socket

	mu sync.Mutex

	// guarded by mu
	tcp, udp ports
	abstract map[string]*Socket
	autobind uint32 // last name that autobind gave
	all      map[*Socket]struct{}
}

// NewStack makes a stack whose buffers are memory of the pool.
func NewStack(pool *pipe.Pool) *Stack {
	return &Stack{pool: pool, abstract: map[string]*Socket{}, all: map[*Socket]struct{}{}}
}

// maxSockets bounds the sockets of a container, those included that were not accepted yet or
// are in flight: limits on descriptors do not count these.
const maxSockets = 1 << 17

// phase is where a socket is in its life.
type phase uint8

const (
	fresh      phase = iota
	connecting       // TCP, in a listener's second line
	connected        // also a datagram socket with a peer
	listening
	closed
)

// Who is with whose rights a socket is used.
type Who struct {
	linux.Ucred
	Super bool // may use the ports below 1024
}

// Socket is a socket. It is a vfs.File.
type Socket struct {
	stack   *Stack
	Domain  int
	Type    int
	Proto   int
	node    *node
	queue   wait.Queue
	room    wait.Queue
	conn    atomic.Pointer[conn] // of a stream or a sequence of packets that is or was connected
	inbox   *buffer              // of a datagram socket
	pending atomic.Uint32        // SO_ERROR
	opts    options

	// guarded by Stack.mu
	state    phase
	bound    bool
	accepted bool // it was made for a listener
	local    Address
	peer     Address
	to       *Socket              // a datagram socket's peer
	fans     map[*Socket]struct{} // whose peer it is
	shutRD   bool                 // of a datagram or listening socket
	shutWR   bool
	backlog  int
	line     []*Socket // connected, not yet accepted
	waiting  []*Socket // TCP: connecting
	listener *Socket   // in whose line it is
	far      *Far      // TCP: the connection to outside that is being made
	outside  bool      // it stands for the other side of a connection to outside
	flow     Flow      // UDP: its datagrams to outside
	announce bool      // a connection was made, or failed, after connect(2) had returned
	owner    Who       // who made it, listens or connected: SO_PEERCRED of the other side
	peerCred linux.Ucred
	shut     atomic.Uint32 // copies of shutRD and shutWR: bits 1 and 2
}

// conn is what a connected socket reads from and writes to.
type conn struct {
	in, out *buffer
	peer    *Socket
}

// stream reports whether bytes have no boundaries.
func (s *Socket) stream() bool { return s.Type == linux.SOCK_STREAM }

// Packets reports whether a transfer is one packet.
func (s *Socket) Packets() bool { return !s.stream() }

// datagram reports whether there are no connections.
func (s *Socket) datagram() bool { return s.Type == linux.SOCK_DGRAM }

func (s *Socket) unix() bool  { return s.Domain == linux.AF_UNIX }
func (s *Socket) isTCP() bool { return s.stream() && !s.unix() }
func (s *Socket) isUDP() bool { return s.datagram() && !s.unix() }

// Check gives the errno of socket(2) for a family, type and protocol that there is not.
func Check(domain, typ, proto int) (int, linux.Errno) {
	switch {
	case domain < 0 || domain >= linux.AF_MAX:
		return 0, linux.EAFNOSUPPORT
	case typ < 0 || typ >= linux.SOCK_MAX:
		return 0, linux.EINVAL
	}
	switch domain {
	case linux.AF_UNIX:
		if proto != 0 && proto != linux.AF_UNIX {
			return 0, linux.EPROTONOSUPPORT
		}
		switch typ {
		case linux.SOCK_STREAM, linux.SOCK_DGRAM, linux.SOCK_SEQPACKET:
			return 0, 0
		}
		return 0, linux.ESOCKTNOSUPPORT
	case linux.AF_INET, linux.AF_INET6:
		return checkInternet(typ, proto)
	}
	return 0, linux.EAFNOSUPPORT
}

func checkInternet(typ, proto int) (int, linux.Errno) {
	want := 0
	switch typ {
	case linux.SOCK_STREAM:
		want = linux.IPPROTO_TCP
	case linux.SOCK_DGRAM:
		want = linux.IPPROTO_UDP
	case linux.SOCK_RAW:
		return 0, linux.EPERM // nobody has CAP_NET_RAW
	default:
		return 0, linux.ESOCKTNOSUPPORT
	}
	if proto < 0 || proto >= linux.IPPROTO_MAX {
		return 0, linux.EINVAL
	}
	if proto != 0 && proto != want {
		return 0, linux.EPROTONOSUPPORT
	}
	return want, 0
}

// New makes a socket of a kind that Check has passed.
func (k *Stack) New(domain, typ, proto int, who Who) *Socket {
	s := k.make(domain, typ, proto, who)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all[s] = struct{}{}
	return s
}

func (k *Stack) make(domain, typ, proto int, who Who) *Socket {
	s := &Socket{stack: k, Domain: domain, Type: typ, Proto: proto, owner: who}
	ino := k.inode.Add(1)
	now := time.Now()
	stamp := linux.Timespec{Sec: now.Unix(), Nsec: int64(now.Nanosecond())}
	s.node = &node{socket: s, ino: ino, stat: linux.Stat{
		Dev: socketDevice, Ino: ino, Nlink: 1, Mode: linux.S_IFSOCK | 0o777, UID: who.UID, GID: who.GID,
		Blksize: 4096, Atim: stamp, Mtim: stamp, Ctim: stamp,
	}}
	s.opts.init(s)
	s.local.Family, s.peer.Family = uint16(domain), uint16(domain)
	if s.datagram() {
		s.inbox = k.newBuffer(true, s.opts.receive())
		s.inbox.readers, s.inbox.writers = &s.queue, &s.room
	}
	return s
}

// Pair is socketpair(2): two connected UNIX sockets.
func (k *Stack) Pair(typ int, who Who) (a, b *Socket) {
	a, b = k.New(linux.AF_UNIX, typ, 0, who), k.New(linux.AF_UNIX, typ, 0, who)
	k.mu.Lock()
	defer k.mu.Unlock()
	if a.datagram() {
		a.joinLocked(b)
		b.joinLocked(a)
	} else {
		k.connectLocked(a, b)
	}
	a.peerCred, b.peerCred = who.Ucred, who.Ucred
	return a, b
}

// connectLocked puts the buffers between two sockets.
func (k *Stack) connectLocked(a, b *Socket) {
	packets := a.Packets()
	ab, ba := k.newBuffer(packets, capacity(a, b)), k.newBuffer(packets, capacity(b, a))
	ab.writers, ab.readers = &a.queue, &b.queue
	ba.writers, ba.readers = &b.queue, &a.queue
	a.conn.Store(&conn{in: ba, out: ab, peer: b})
	b.conn.Store(&conn{in: ab, out: ba, peer: a})
	a.state, b.state = connected, connected
}

// joinLocked makes to the peer of a datagram socket; nil: none.
func (s *Socket) joinLocked(to *Socket) {
	if s.to != nil {
		delete(s.to.fans, s)
	}
	s.to = to
	if to == nil {
		s.state = fresh
		return
	}
	s.state = connected
	if to.fans == nil {
		to.fans = map[*Socket]struct{}{}
	}
	to.fans[s] = struct{}{}
}

// Room reports whether n more sockets may be made: ENFILE if not.
func (k *Stack) Room(n int) linux.Errno {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.all)+n > maxSockets {
		return linux.ENFILE
	}
	return 0
}

// Path is what a description of the socket lies at.
func (s *Socket) Path() vfs.Path {
	return vfs.Anonymous(fmt.Sprintf("socket:[%d]", s.node.ino), s.node)
}

// Stream says that a socket has no positions.
func (s *Socket) Stream() {}

// Stat is fstat(2).
func (s *Socket) Stat() (linux.Stat, linux.Errno) { return s.node.Stat() }

// Queue is where changes of Poll are told.
func (s *Socket) Queue() *wait.Queue { return &s.queue }

// Room is told when a datagram socket's inbox has room again.
func (s *Socket) Room() *wait.Queue { return &s.room }

// fail sets SO_ERROR and wakes everybody.
func (s *Socket) fail(e linux.Errno) {
	s.pending.Store(uint32(e))
	s.queue.Notify(wait.In | wait.Out | wait.Err | wait.Hup | wait.RdHup)
}

// takeError gives SO_ERROR, which is then none.
func (s *Socket) takeError() linux.Errno {
	if s.pending.Load() == 0 {
		return 0
	}
	return linux.Errno(s.pending.Swap(0))
}
