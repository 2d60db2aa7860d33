// Package broker makes connections to other hosts for a container that cannot: its sandbox process has no network.
//
// # Model
//
// A Broker belongs to a launcher. It knows the rules of one manifest (manifest.Connection); each address is checked
// against them where it is dialled, after names have been resolved, so that what a guest is told by anybody else
// counts for nothing. It dials with the host's own sockets and gives away the connected one, which can do no more than talk to
// that peer. Datagrams stay: a flow has a socket here, and each packet is checked in both directions.
//
// Names are resolved here too. A question to the container's name server, which is any loopback address's port 53, is
// answered if a rule has the name; the addresses of the answer are then those of the name for the rules.
//
// A rule for a name never leads to the loopback, a private network, an address of one link, or the host and the networks that it
// is in, public ones too: who owns the name decides where it leads, and the signer did not mean the host's neighbours. One for a network leads to special addresses only if it lies
// within their block: 0.0.0.0/0 has neither the host's loopback nor 169.254.169.254.
//
// # Rules
//
// What asks may be a sandbox that was taken over: everything is bounded (maxDialling, maxFlows, maxNames). There is one
// lock, of the table of names.
package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/manifest"
)

// Bounds of a container.
const (
	maxDialling = 128 // connections that are being made, and questions that are being resolved
	maxFlows    = 256
)

// patience is how long a connection may take to be made, as with net.ipv4.tcp_syn_retries of 6.
const patience = 127 * time.Second

// Broker makes the connections of one container.
type Broker struct {
	rules    []manifest.Connection
	refused  func(text string)
	resolve  func(ctx context.Context, network, name string) ([]netip.Addr, error)
	links    func() []netip.Prefix
	ctx      context.Context
	cancel   context.CancelFunc
	dialling chan struct{}
	flows    chan struct{}
	names    names
	said     sync.Map // what was refused and has been said
	count    chan struct{}
}

// maxSaid bounds the lines about what was refused.
const maxSaid = 100

// New makes a broker. refused is told, in a line, of each address and name that no rule has; nil: nobody is.
func New(rules []manifest.Connection, refused func(text string)) *Broker {
	b := &Broker{
		rules: rules, refused: refused,
		dialling: make(chan struct{}, maxDialling), flows: make(chan struct{}, maxFlows), count: make(chan struct{}, maxSaid),
	}
	b.links = links
	b.resolve = (&net.Resolver{PreferGo: true}).LookupNetIP
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// Close ends what the broker still does: flows, and connections that are not made yet.
func (b *Broker) Close() { b.cancel() }

// refuse says what was refused, once for each, up to maxSaid.
func (b *Broker) refuse(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if _, again := b.said.LoadOrStore(text, true); again || b.refused == nil {
		return
	}
	select {
	case b.count <- struct{}{}:
		b.refused(text)
	default:
		b.said.Delete(text)
	}
}

// Dial makes a TCP connection, if a rule allows it, and gives its socket.
func (b *Broker) Dial(to netip.AddrPort) (*os.File, linux.Errno) {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	if !b.allows("tcp", to) {
		b.refuse("connection to tcp %s: no rule in the manifest's network allows it", to)
		return nil, linux.EACCES
	}
	select {
	case b.dialling <- struct{}{}:
		defer func() { <-b.dialling }()
	default:
		return nil, linux.EAGAIN
	}
	d := net.Dialer{Timeout: patience}
	c, err := d.DialContext(b.ctx, "tcp", to.String())
	if err != nil {
		return nil, errnoOf(err)
	}
	defer c.Close()
	f, err := detach(c.(*net.TCPConn))
	if err != nil {
		return nil, linux.ENFILE
	}
	return f, 0
}

// detach gives a connection's socket, which stays non-blocking when it is passed on: what TCPConn.File gives would not.
func detach(c *net.TCPConn) (*os.File, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var failed error
	if err := raw.Control(func(open uintptr) { fd, failed = unix.FcntlInt(open, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	return os.NewFile(uintptr(fd), "connection"), nil
}

// errnoOf is what connect(2) gives.
func errnoOf(err error) linux.Errno {
	var host syscall.Errno
	var late net.Error
	switch {
	case errors.As(err, &host):
		switch host {
		case syscall.ECONNREFUSED, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ETIMEDOUT, syscall.ECONNRESET, syscall.EADDRNOTAVAIL:
			return linux.Errno(host)
		}
		return linux.ENETUNREACH
	case errors.As(err, &late) && late.Timeout():
		return linux.ETIMEDOUT
	}
	return linux.ENETUNREACH
}
