package broker

import (
	"net"
	"net/netip"
	"os"

	"vkernel/internal/linux"
	"vkernel/internal/packet"
)

// Datagrams gives the end of a pair over which the datagrams of a UDP socket go, each behind an address (package packet):
// where it goes to, or where it comes from. The flow ends when that end is closed.
func (b *Broker) Datagrams() (*os.File, linux.Errno) {
	select {
	case b.flows <- struct{}{}:
	default:
		return nil, linux.EAGAIN
	}
	ours, theirs, err := packet.FlowPair()
	if err != nil {
		<-b.flows
		return nil, linux.ENFILE
	}
	f := &flow{broker: b, guest: ours.File}
	go func() {
		defer func() { <-b.flows }()
		f.run()
	}()
	return theirs, 0
}

// flow is the datagrams of one socket.
type flow struct {
	broker *Broker
	guest  *os.File
	host   *net.UDPConn // nil until something leaves
}

func (f *flow) run() {
	stop := make(chan struct{})
	defer close(stop)
	go func() { // the end of the broker ends the flow
		select {
		case <-f.broker.ctx.Done():
		case <-stop:
		}
		f.guest.Close()
	}()
	defer func() {
		if f.host != nil {
			f.host.Close()
		}
	}()
	buf := make([]byte, packet.Max)
	for {
		n, err := f.guest.Read(buf)
		if err != nil || n == 0 {
			return
		}
		if to, data, err := packet.CutAddress(buf[:n]); err == nil {
			f.send(to, data)
		}
	}
}

// send sends one datagram, or answers it.
func (f *flow) send(to netip.AddrPort, data []byte) {
	b := f.broker
	switch {
	case isDNS(to):
		f.ask(to, append([]byte{}, data...))
		return
	case !b.allows("udp", to):
		b.refuse("datagram to udp %s: no rule in the manifest's network allows it", to)
		return
	}
	if f.host == nil {
		var err error
		if f.host, err = net.ListenUDP("udp", nil); err != nil {
			return
		}
		go f.receive(f.host)
	}
	f.host.WriteToUDPAddrPort(data, to) //nolint:errcheck // lost, as on a network
}

// ask answers a question about a name, beside the other datagrams. What is too much is lost, and asked again.
func (f *flow) ask(to netip.AddrPort, query []byte) {
	b := f.broker
	select {
	case b.dialling <- struct{}{}:
	default:
		return
	}
	go func() {
		defer func() { <-b.dialling }()
		if p := b.answer(query); p != nil {
			f.guest.Write(append(packet.AppendAddress(nil, to), p...)) //nolint:errcheck // nobody is there any more
		}
	}()
}

// receive passes on what comes, from those to whom the container may send.
func (f *flow) receive(host *net.UDPConn) {
	buf := make([]byte, packet.Max)
	for {
		n, from, err := host.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		from = netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port())
		if f.broker.allows("udp", from) {
			f.guest.Write(append(packet.AppendAddress(nil, from), buf[:n]...)) //nolint:errcheck // lost
		}
	}
}
