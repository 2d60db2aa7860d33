package pipe

import (
	"sync"
	"sync/atomic"
)

// Pool is the memory of all pipes of one kernel. Buffers that were given back are kept
// for the next pipe; what is handed out is counted and never passes the limit.
type Pool struct {
	limit int64
	used  atomic.Int64
	inode atomic.Uint64

	small    sync.Pool // *[PageSize]byte
	large    sync.Pool // *[DefaultSize]byte
	twice    sync.Pool // *[2 * DefaultSize]byte
	fourfold sync.Pool // *[4 * DefaultSize]byte
}

// NewPool makes a pool that hands out at most limit bytes at any time.
func NewPool(limit int64) *Pool { return &Pool{limit: limit} }

// Used gives the number of bytes that are handed out.
func (p *Pool) Used() int64 { return p.used.Load() }

// get gives a buffer of n bytes with arbitrary contents, or nil at the limit.
func (p *Pool) get(n int) []byte {
	if p.used.Add(int64(n)) > p.limit {
		p.used.Add(-int64(n))
		return nil
	}
	switch n {
	case PageSize:
		if b, ok := p.small.Get().(*[PageSize]byte); ok {
			return b[:]
		}
	case DefaultSize:
		if b, ok := p.large.Get().(*[DefaultSize]byte); ok {
			return b[:]
		}
	case 2 * DefaultSize:
		if b, ok := p.twice.Get().(*[2 * DefaultSize]byte); ok {
			return b[:]
		}
	case 4 * DefaultSize:
		if b, ok := p.fourfold.Get().(*[4 * DefaultSize]byte); ok {
			return b[:]
		}
	}
	return make([]byte, n)
}

// must is get for bytes that exist already and must not be lost: it goes beyond the limit.
func (p *Pool) must(n int) []byte {
	p.used.Add(int64(n))
	return make([]byte, n)
}

// put takes back a buffer that get gave. A nil buffer is ignored.
func (p *Pool) put(b []byte) {
	p.used.Add(-int64(len(b)))
	switch len(b) {
	case PageSize:
		p.small.Put((*[PageSize]byte)(b))
	case DefaultSize:
		p.large.Put((*[DefaultSize]byte)(b))
	case 2 * DefaultSize:
		p.twice.Put((*[2 * DefaultSize]byte)(b))
	case 4 * DefaultSize:
		p.fourfold.Put((*[4 * DefaultSize]byte)(b))
	}
}

// Get gives a buffer of n bytes, a power of two, with arbitrary contents, or nil at the limit: what sockets
// buffer is counted with what pipes do.
func (p *Pool) Get(n int) []byte { return p.get(n) }

// Put takes back a buffer that Get gave. A nil buffer is ignored.
func (p *Pool) Put(b []byte) { p.put(b) }

// Charge counts n bytes that the caller has of the runtime's memory. It reports whether the
// limit allows them.
func (p *Pool) Charge(n int) bool {
	if p.used.Add(int64(n)) > p.limit {
		p.used.Add(-int64(n))
		return false
	}
	return true
}

// Discharge gives back what was charged.
func (p *Pool) Discharge(n int) { p.used.Add(-int64(n)) }

// Must is Get that passes the limit: for what was buffered when a container was saved.
func (p *Pool) Must(n int) []byte { return p.must(n) }

// Owe is Charge in the same way.
func (p *Pool) Owe(n int) { p.used.Add(int64(n)) }
