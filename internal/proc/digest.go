package proc

import (
	"bytes"
	"crypto/sha256"
	"sync"
	"time"
	"weak"

	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/vfs"
)

const (
	maxDigests    = 4096                  // contents that are remembered
	maxExecutable = 1 << 30               // bytes; what is larger is on no list
	maxSealed     = 64 << 20              // bytes of a script: they are kept in memory
	headSize      = 256                   // bytes of a file that say whether it is a script, as on Linux
	largeFile     = 4 << 20               // bytes from which on one file is hashed at a time
	hashStep      = 32 << 10              // bytes of a buffer, which each process has that executes something
	longestPause  = 32 * time.Millisecond // between two looks at whether it is a large file's turn
)

// content is what execve knows of a file: its digest, and its first bytes, which are those
// that were hashed.
type content struct {
	sum  [32]byte
	head []byte
}

// digests remembers the digests of files that cannot have changed since, and the contents of
// scripts that somebody still reads.
type digests struct {
	large sync.Mutex // held while a large file is hashed

	mu sync.Mutex

	// guarded by mu
	known map[digestKey]content
	texts map[[32]byte]weak.Pointer[vfs.Content] // of listed contents only
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
	if mutant.Off("exec.cache") {
		k.version = 0
	}
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
	c, known := verified(f, stable)
	if !known {
		var e linux.Errno
		if c, e = d.hash(f, stop); e != 0 {
			return c, e
		}
	}
	if again, still := version(f); stable && still && again == key {
		d.remember(key, c)
	}
	return c, 0
}

// verified gives the content of a file that was hashed when it was opened and is as it was, if it is no script: of that
// the first bytes count, too, and have to be those that were hashed.
func verified(f vfs.File, stable bool) (c content, known bool) {
	u, ok := f.(vfs.Unchanged)
	if !ok || !stable {
		return c, false
	}
	if c.sum, known = u.Digest(); !known {
		return c, false
	}
	c.head = make([]byte, headSize)
	n, e := f.Read(c.head, 0)
	c.head = c.head[:max(n, 0)]
	return c, e == 0 && n > 0 && !bytes.HasPrefix(c.head, []byte("#"))
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
func (d *digests) hash(f vfs.File, stop func() bool) (c content, e linux.Errno) {
	h := sha256.New()
	e = d.read(f, maxExecutable, stop, func(p []byte) {
		if room := headSize - len(c.head); room > 0 {
			c.head = append(c.head, p[:min(len(p), room)]...)
		}
		h.Write(p)
	})
	h.Sum(c.sum[:0])
	return c, e
}

// text gives the bytes of an open file of a listed content, which is c if the file has not changed
// since it was hashed. If it has, what is returned is the content that the bytes have, and the caller
// has to ask about that.
func (d *digests) text(f vfs.File, c content, stop func() bool) (*vfs.Content, content, linux.Errno) {
	d.mu.Lock()
	known := d.texts[c.sum].Value()
	d.mu.Unlock()
	if known != nil {
		return known, c, 0
	}
	text := new(vfs.Content)
	e := d.read(f, maxSealed, stop, func(p []byte) { text.Bytes = append(text.Bytes, p...) })
	if e != 0 {
		return nil, c, e
	}
	if sum := sha256.Sum256(text.Bytes); sum != c.sum {
		return text, content{sum, text.Bytes[:min(headSize, len(text.Bytes))]}, 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.texts == nil {
		d.texts = map[[32]byte]weak.Pointer[vfs.Content]{}
	}
	d.texts[c.sum] = weak.Make(text)
	return text, c, 0
}

// read gives a file of at most limit bytes to take, piece by piece. A large one waits for its turn, so
// that the memory and time that go into such files do not grow with the number of those who execute
// them. EACCES: it is larger than anything that is listed.
func (d *digests) read(f vfs.File, limit int64, stop func() bool, take func(p []byte)) linux.Errno {
	st, e := f.Stat()
	if e != 0 {
		return e
	}
	if st.Size > limit {
		return linux.EACCES
	}
	turn := false
	defer func() {
		if turn {
			d.large.Unlock()
		}
	}()
	buf := make([]byte, min(hashStep, st.Size+1))
	for off := int64(0); ; {
		if off > limit {
			return linux.EACCES
		}
		if max(off, st.Size) > largeFile && !turn {
			if turn = d.await(stop); !turn {
				return linux.EINTR
			}
		}
		if stop() {
			return linux.EINTR
		}
		n, e := f.Read(buf, off)
		if e != 0 || n == 0 {
			return e
		}
		take(buf[:n])
		if off += int64(n); off > st.Size && len(buf) < hashStep { // it has grown since Stat
			buf = make([]byte, hashStep)
		}
	}
}

// await waits for the turn of a large file. It reports false if stop says so first.
func (d *digests) await(stop func() bool) bool {
	for pause := time.Millisecond; !d.large.TryLock(); pause = min(2*pause, longestPause) {
		if stop() {
			return false
		}
		time.Sleep(pause)
	}
	return true
}
