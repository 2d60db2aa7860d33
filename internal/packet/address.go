package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// addressSize is 16 bytes of an address, IPv4 mapped into IPv6, and 2 of a port.
const addressSize = 18

// AppendAddress appends an address as it stands before a datagram that is passed on.
func AppendAddress(p []byte, a netip.AddrPort) []byte {
	ip := a.Addr().As16()
	return binary.BigEndian.AppendUint16(append(p, ip[:]...), a.Port())
}

// CutAddress takes it off. IPv4 addresses are never mapped ones.
func CutAddress(p []byte) (a netip.AddrPort, rest []byte, err error) {
	if len(p) < addressSize {
		return a, nil, fmt.Errorf("a datagram of %d bytes, expected an address of %d before it", len(p), addressSize)
	}
	ip := netip.AddrFrom16([16]byte(p[:16])).Unmap()
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(p[16:])), p[addressSize:], nil
}
