package edge

import (
	"net/netip"
	"os"
	"sync"

	"vkernel/internal/packet"
	"vkernel/internal/sock"
)

// maxQueued bounds the bytes that wait to leave: as much as one datagram may be, and some.
const maxQueued = 128 << 10

// flow carries the datagrams of one socket.
type flow struct {
	edge   *Edge
	socket *sock.Socket
	more   chan struct{} // with room for one: something was queued, or the flow closed

	mu sync.Mutex

	// guarded by mu
	queue  [][]byte // with their addresses
	bytes  int
	closed bool
}

// Datagrams begins to carry those of a socket.
func (e *Edge) Datagrams(s *sock.Socket) sock.Flow {
	if !take(&e.flows, maxFlows) {
		return nil
	}
	f := &flow{edge: e, socket: s, more: make(chan struct{}, 1)}
	go f.run()
	return f
}

// Send queues a datagram; one that finds no room is lost.
func (f *flow) Send(to netip.AddrPort, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	const cost = 256 // of a short one
	if f.closed || f.bytes > 0 && f.bytes+len(data)+cost > maxQueued {
		return
	}
	f.queue = append(f.queue, append(packet.AppendAddress(nil, to), data...))
	f.bytes += len(data) + cost
	f.wake()
}

// Close ends the flow. What was sent goes out before.
func (f *flow) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.wake()
}

func (f *flow) wake() {
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// next gives what is queued, and whether nothing more will be.
func (f *flow) next() (queue [][]byte, closed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	queue, f.queue, f.bytes = f.queue, nil, 0
	return queue, f.closed
}

func (f *flow) run() {
	defer f.edge.flows.Add(-1)
	file, e := f.edge.broker.Datagrams()
	if e == 0 {
		defer file.Close()
		go f.receive(file)
	}
	for range f.more {
		queue, closed := f.next()
		for _, p := range queue {
			if e == 0 {
				file.Write(p) //nolint:errcheck // lost
			}
		}
		if closed {
			return
		}
	}
}

// receive gives the socket what comes.
func (f *flow) receive(file *os.File) {
	buf := make([]byte, packet.Max+1)
	for {
		n, err := file.Read(buf)
		if err != nil || n == 0 {
			return
		}
		if from, data, err := packet.CutAddress(buf[:n]); err == nil {
			f.arrived(from, append([]byte{}, data...))
		}
	}
}

func (f *flow) arrived(from netip.AddrPort, data []byte) {
	f.edge.outside.Lock()
	defer f.edge.outside.Unlock()
	f.socket.Arrived(from, data)
}

var _ sock.Edge = (*Edge)(nil)
