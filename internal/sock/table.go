package sock

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"vkernel/internal/linux"
)

// The files of /proc/net.

// listed gives the sockets that match, in the order in which they were made.
func (k *Stack) listed(match func(s *Socket) bool) []*Socket {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []*Socket
	for s := range k.all {
		if match(s) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *Socket) int { return cmp.Compare(a.node.ino, b.node.ino) })
	return list
}

// Internet is /proc/net/tcp, tcp6, udp and udp6: the sockets of a domain and type that have a port.
func (k *Stack) Internet(domain, typ int) []byte {
	var b bytes.Buffer
	width := 8
	if domain == linux.AF_INET6 {
		width = 32
	}
	fmt.Fprintf(&b, "  sl  %-*s %-*s st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n", width+5, "local_address", width+5, "rem_address")
	for i, s := range k.listed(func(s *Socket) bool { return s.Domain == domain && s.Type == typ && (s.bound || s.state != fresh) }) {
		st, _ := s.Stat()
		k.mu.Lock()
		local, peer, state := s.local.IP, s.peer.IP, s.tcpStateLocked()
		waits := len(s.line)
		k.mu.Unlock()
		if waits == 0 {
			waits = s.unread()
		}
		fmt.Fprintf(&b, "%4d: %s %s %02X %08X:%08X 00:00000000 00000000 %5d        0 %d 1 0000000000000000 100 0 0 10 0\n",
			i, hexAddress(domain, local), hexAddress(domain, peer), state, 0, waits, st.UID, st.Ino)
	}
	return b.Bytes()
}

// hexAddress is an address as these files have it: words in the machine's order.
func hexAddress(domain int, ap netip.AddrPort) string {
	a := show(domain, ap)
	var ip []byte
	switch {
	case domain == linux.AF_INET:
		four := [4]byte{}
		if a.IP.IsValid() {
			four = a.IP.Addr().Unmap().As4()
		}
		ip = four[:]
	default:
		sixteen := [16]byte{}
		if a.IP.IsValid() {
			sixteen = a.IP.Addr().As16()
		}
		ip = sixteen[:]
	}
	var b bytes.Buffer
	for ; len(ip) > 0; ip = ip[4:] {
		fmt.Fprintf(&b, "%08X", binary.NativeEndian.Uint32(ip))
	}
	fmt.Fprintf(&b, ":%04X", ap.Port())
	return b.String()
}

// Unix is /proc/net/unix.
func (k *Stack) Unix() []byte {
	var b bytes.Buffer
	b.WriteString("Num       RefCount Protocol Flags    Type St Inode Path\n")
	for _, s := range k.listed((*Socket).unix) {
		k.mu.Lock()
		flags, st := 0, 1
		switch s.state {
		case listening:
			flags = 1 << 16 // __SO_ACCEPTCON
		case connected:
			st = 3
		}
		name := s.local.Shown()
		k.mu.Unlock()
		fmt.Fprintf(&b, "%016x: %08X %08X %08X %04X %02X %5d", 0, 2, 0, flags, s.Type, st, s.node.ino)
		if name != "" {
			b.WriteString(" " + name)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}
