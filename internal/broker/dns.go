package broker

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// isDNS reports whether a datagram is for the container's name server.
func isDNS(to netip.AddrPort) bool { return to.Addr().IsLoopback() && to.Port() == 53 }

// answerTime is how long a name may take to be resolved: a little more than resolvers wait before they ask again.
const answerTime = 8 * time.Second

// timeToLive is that of an answer, in seconds: what the host's resolver had is not known.
const timeToLive = 30

// maxAnswers bounds the addresses in an answer, so that it fits a datagram of 512 bytes.
const maxAnswers = 12

// answer is the reply to a question of RFC 1035, nil to what is none.
func (b *Broker) answer(query []byte) []byte {
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil || header.Response {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return reply(header, nil, dnsmessage.RCodeFormatError, nil)
	}
	if header.OpCode != 0 || q.Class != dnsmessage.ClassINET {
		return reply(header, &q, dnsmessage.RCodeNotImplemented, nil)
	}
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	if !b.resolves(name) {
		b.refuse("name %q: no rule in the manifest's network has it", name)
		return reply(header, &q, dnsmessage.RCodeRefused, nil)
	}
	network := map[dnsmessage.Type]string{dnsmessage.TypeA: "ip4", dnsmessage.TypeAAAA: "ip6"}[q.Type]
	if network == "" {
		return reply(header, &q, dnsmessage.RCodeSuccess, nil) // there is a name, and nothing of this type
	}
	list, code := b.lookup(network, name)
	return reply(header, &q, code, list)
}

// lookup resolves a name that a rule has.
func (b *Broker) lookup(network, name string) (list []netip.Addr, code dnsmessage.RCode) {
	ctx, cancel := context.WithTimeout(b.ctx, answerTime)
	defer cancel()
	all, err := b.resolve(ctx, network, name+".")
	if err != nil {
		if isNotFound(err) {
			return nil, dnsmessage.RCodeNameError
		}
		return nil, dnsmessage.RCodeServerFailure
	}
	for _, ip := range all {
		if ip = ip.Unmap().WithZone(""); ip.Is4() == (network == "ip4") && len(list) < maxAnswers {
			b.names.add(ip, name)
			list = append(list, ip)
		}
	}
	return list, dnsmessage.RCodeSuccess
}

// reply writes an answer.
func reply(h dnsmessage.Header, q *dnsmessage.Question, code dnsmessage.RCode, list []netip.Addr) []byte {
	m := dnsmessage.Message{Header: dnsmessage.Header{
		ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RecursionAvailable: true, RCode: code,
	}}
	if q != nil {
		m.Questions = []dnsmessage.Question{*q}
	}
	for _, ip := range list {
		var body dnsmessage.ResourceBody = &dnsmessage.AAAAResource{AAAA: ip.As16()}
		if ip.Is4() {
			body = &dnsmessage.AResource{A: ip.As4()}
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: timeToLive}, Body: body,
		})
	}
	data, err := m.Pack()
	if err != nil {
		return nil
	}
	return data
}

// isNotFound reports whether a name does not exist.
func isNotFound(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}
