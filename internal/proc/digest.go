package proc

import (
	"crypto/sha256"
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

const (
	maxDigests    = 4096    // contents that are remembered
	maxExecutable = 1 << 30 // bytes; what is larger is on no list
	headSize      = 256     // bytes of a file that say whether it is a script, as on Linux
)

// content is what execve knows of a file: its digest, and its first bytes, which are those
// that were hashed.
type content struct {
	sum  [32]byte
	head []byte
}

// digests remembers the digests of files that cannot have changed since.
type digests struct {
	mu sync.Mutex

	// guarded by mu
	known map[digestKey]content
}

type digestKey struct {
	id      [2]uint64
	version uint64
}

// version gives the key under which f's content may be remembered.
func version(f vfs.File) (k digestKey, stable bool) {
	v, ok := f.(vfs.Versioned)
	if !ok {
		return k, false
	}
	k.id, k.version, stable = v.Version()
	return k, stable
}

// of gives the content of an open file. stop is asked now and then whether to give up.
func (d *digests) of(f vfs.File, stop func() bool) (content, linux.Errno) {
	key, stable := version(f)
	if stable {
		if c, ok := d.find(key); ok {
			return c, 0
		}
	}
	c, e := hash(f, stop)
	if e != 0 {
		return c, e
	}
	if again, still := version(f); stable && still && again == key {
		d.remember(key, c)
	}
	return c, 0
}

func (d *digests) find(k digestKey) (content, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.known[k]
	return c, ok
}

func (d *digests) remember(k digestKey, c content) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || len(d.known) >= maxDigests {
		d.known = map[digestKey]content{}
	}
	d.known[k] = c
}

// hash reads a file to its end.
func hash(f vfs.File, stop func() bool) (c content, e linux.Errno) {
	h := sha256.New()
	buf := make([]byte, 128<<10)
	for off := int64(0); ; {
		if off > maxExecutable {
			return c, linux.EACCES
		}
		if stop() {
			return c, linux.EINTR
		}
		n, e := f.Read(buf, off)
		if e != 0 {
			return c, e
		}
		if n == 0 {
			break
		}
		if room := headSize - len(c.head); room > 0 {
			c.head = append(c.head, buf[:min(n, room)]...)
		}
		h.Write(buf[:n])
		off += int64(n)
	}
	h.Sum(c.sum[:0])
	return c, 0
}
