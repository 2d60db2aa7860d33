package pipe

// ring is a byte queue in one buffer. Its counters change only after the bytes were
// copied, so a fault in guest memory leaves it as it was.
type ring struct {
	buf   []byte // length is the size of the ring, a power of two or zero
	start int    // index of the oldest byte
	n     int    // bytes held
}

// put appends as much of p as fits.
func (r *ring) put(p []byte) int {
	p = p[:min(len(p), len(r.buf)-r.n)]
	if len(p) == 0 {
		return 0
	}
	end := (r.start + r.n) & (len(r.buf) - 1)
	k := copy(r.buf[end:], p)
	copy(r.buf, p[k:])
	r.n += len(p)
	return len(p)
}

// peek copies the oldest bytes to p and leaves them in the ring.
func (r *ring) peek(p []byte) int {
	p = p[:min(len(p), r.n)]
	k := copy(p, r.buf[r.start:])
	copy(p[k:], r.buf)
	return len(p)
}

// drop removes the oldest k bytes.
func (r *ring) drop(k int) {
	r.n -= k
	if r.n == 0 {
		r.start = 0
		return
	}
	r.start = (r.start + k) & (len(r.buf) - 1)
}

// unread puts p before the oldest byte. There is room for it.
func (r *ring) unread(p []byte) {
	r.start = (r.start - len(p)) & (len(r.buf) - 1)
	k := copy(r.buf[r.start:], p)
	copy(r.buf, p[k:])
	r.n += len(p)
}

// move puts the contents into buf, which is large enough, and gives the old buffer.
func (r *ring) move(buf []byte) (old []byte) {
	n := r.peek(buf)
	old = r.buf
	*r = ring{buf: buf, n: n}
	return old
}
