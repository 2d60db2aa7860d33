package edge

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"vkernel/internal/linux"
	"vkernel/internal/sock"
	"vkernel/internal/wait"
)

// A socket that is closed gives its flow back, on both sides: names can be asked for longer than there may be flows at once.
func TestFlowsEnd(t *testing.T) {
	k, _, _ := guest(t)
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("example.org."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	question, err := m.Pack()
	must(t, err)
	server := sock.Address{Family: linux.AF_INET, IP: netip.MustParseAddrPort("127.0.0.53:53")}
	for n := range maxFlows + 10 {
		s := k.New(linux.AF_INET, linux.SOCK_DGRAM, 0, sock.Who{})
		answered := make(chan linux.Errno, 1)
		go func() {
			_, e := s.SendPacket(question, &sock.Outgoing{To: &server})
			if e == 0 {
				_, e = blocking(s, wait.In, func() (int, linux.Errno) { p, e := s.RecvPacket(&sock.Incoming{}); return len(p), e })
			}
			answered <- e
		}()
		select {
		case e := <-answered:
			errno(t, e)
		case <-time.After(10 * time.Second):
			t.Fatalf("question %d is not answered", n)
		}
		s.Close()
	}
}
