// Package edge carries bytes between sockets of a container and other hosts.
//
// # Model
//
// Who dials is a Broker, in another process: it checks each address against the manifest and gives a connected descriptor,
// or for a UDP socket one end of a pair over which datagrams go with their addresses. An Edge has two goroutines for each of
// them, which alone wait for the host; they move bytes as package hostio does, and touch the container with outside locked,
// which a pause holds.
//
// A connection ends as on Linux: shutdown(2) is passed on in both directions, an error from outside is the socket's, and a
// socket that is closed while the other host still sends is given a minute.
//
// # Rules
//
// Connections and flows are bounded (maxConnections, maxFlows); so is what waits in them. Nothing of an Edge is saved: package
// sock ends connections to outside in a container that is restored.
package edge

import (
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/sock"
)

// Broker makes connections. Its methods wait.
type Broker interface {
	// Dial gives a connected TCP socket.
	Dial(to netip.AddrPort) (*os.File, linux.Errno)
	// Datagrams gives a socket for packets that begin with an address (package packet).
	Datagrams() (*os.File, linux.Errno)
}

// Bounds of a container.
const (
	maxConnections = 1024
	maxFlows       = 256
)

// Edge is a sock.Edge.
type Edge struct {
	broker             Broker
	outside            sync.Locker
	connections, flows atomic.Int32
}

// New makes the edge of a container, whose pauses hold outside.
func New(b Broker, outside sync.Locker) *Edge { return &Edge{broker: b, outside: outside} }

// take counts one more, if there may be one.
func take(n *atomic.Int32, most int32) bool {
	if n.Add(1) <= most {
		return true
	}
	n.Add(-1)
	return false
}

// Dial makes a connection.
func (e *Edge) Dial(far *sock.Far) { go e.connect(far) }

func (e *Edge) connect(far *sock.Far) {
	file, errno := (*os.File)(nil), linux.EAGAIN
	if take(&e.connections, maxConnections) {
		defer e.connections.Add(-1)
		file, errno = e.broker.Dial(far.To())
	}
	if !e.tell(far, errno) {
		if file != nil {
			file.Close()
		}
		return
	}
	c := &connection{far: far, file: file, outside: e.outside}
	c.carry()
}

// tell says what came of a connection, and whether there is one that somebody wants.
func (e *Edge) tell(far *sock.Far, errno linux.Errno) bool {
	e.outside.Lock()
	defer e.outside.Unlock()
	if errno != 0 {
		far.Failed(errno)
		return false
	}
	return far.Established()
}
