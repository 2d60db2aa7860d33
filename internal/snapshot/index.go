package snapshot

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vkernel/internal/state"
)

// Index is the text that says what a snapshot consists of; docs/snapshot.md has the format. Everything in it is authenticated, and
// everything else by it: each part of the snapshot has its digest here.
type Index struct {
	Container string    // id, 32 hexadecimal digits, of the container that was saved
	Name      string    // its name then
	Created   time.Time // UTC, whole seconds
	Manifest  [32]byte
	Code      [32]byte // of the native code
	CPU       string   // what that needs of the processor
	Parent    [32]byte // digest of the index that this one has replaced; zero: none
	Settings  Part     // of the container, beside what is the kernel's
	State     []Part   // the stream of the kernel's objects: stacks, registers and tables are in it or in Chunks
	Chunks    []Part   // what the stream refers to

	travelled bool // it is signed, not authenticated by this user's key
}

// Travelled reports whether the index that was read may be another user's or machine's: what it says of the host is not about this one.
func (x *Index) Travelled() bool { return x.travelled }

// Part is a content of a snapshot.
type Part struct {
	Digest state.Chunk
	Size   int
}

// MaxChunks bounds what a stream may refer to.
const MaxChunks = 1 << 22 // 256 GiB in chunks of 64 KiB

// Limits of an index.
const (
	maxParts = MaxChunks
	maxIndex = 512 << 20
	maxWord  = 256
	magic    = "vkernel snapshot 1"
)

// Text is the index without its authentication. Of one index there is one text.
func (x *Index) Text() []byte {
	var b bytes.Buffer
	b.Grow(80 * (len(x.Chunks) + len(x.State) + 12))
	fmt.Fprintf(&b, "%s\ncontainer %s\nname %s\ncreated %s\nmanifest %x\ncode %x\ncpu %s\nparent ", magic, x.Container, x.Name,
		x.Created.UTC().Format(time.RFC3339), x.Manifest, x.Code, x.CPU)
	if x.Parent == ([32]byte{}) {
		b.WriteString("none\n")
	} else {
		fmt.Fprintf(&b, "%x\n", x.Parent)
	}
	part := func(kind string, p Part) {
		b.WriteString(kind)
		var text [2 * len(p.Digest)]byte
		hex.Encode(text[:], p.Digest[:])
		b.Write(text[:])
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(p.Size))
		b.WriteByte('\n')
	}
	part("settings ", x.Settings)
	fmt.Fprintf(&b, "state %d\n", len(x.State))
	for _, p := range x.State {
		part("", p)
	}
	fmt.Fprintf(&b, "chunks %d\n", len(x.Chunks))
	for _, p := range x.Chunks {
		part("", p)
	}
	return b.Bytes()
}

// reader takes an index apart. The first error stops everything.
type reader struct {
	rest string
	line int
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("line %d: %w", r.line, fmt.Errorf(format, args...))
	}
}

// next gives the next line.
func (r *reader) next() string {
	if r.err != nil {
		return ""
	}
	r.line++
	line, rest, ok := strings.Cut(r.rest, "\n")
	if !ok {
		r.fail("it ends early")
		return ""
	}
	r.rest = rest
	return line
}

// word gives what follows a key.
func (r *reader) word(key string) string {
	word, ok := strings.CutPrefix(r.next(), key+" ")
	switch {
	case !ok:
		r.fail("expected %q", key)
	case word == "" || len(word) > maxWord || strings.ContainsFunc(word, func(c rune) bool { return c < '!' || c > '~' }):
		r.fail("%s: malformed", key)
	}
	return word
}

func (r *reader) digest(key string) (d [32]byte) {
	r.hex(key, r.word(key), d[:])
	return d
}

// hex reads small hexadecimal digits.
func (r *reader) hex(key, word string, to []byte) {
	if len(word) != 2*len(to) || strings.ToLower(word) != word {
		r.fail("%s: expected %d hexadecimal digits", key, 2*len(to))
		return
	}
	if _, err := hex.Decode(to, []byte(word)); err != nil {
		r.fail("%s: %w", key, err)
	}
}

// number reads a decimal number in its only form.
func (r *reader) number(what, word string, most int) int {
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 || n > most || strconv.Itoa(n) != word {
		r.fail("%s: expected a number of at most %d", what, most)
		return 0
	}
	return n
}

func (r *reader) part(what, line string) (p Part) {
	digest, size, _ := strings.Cut(line, " ")
	r.hex(what, digest, p.Digest[:])
	p.Size = r.number(what, size, maxContent)
	return p
}

// parts reads a list after its number. It takes no more memory than its lines.
func (r *reader) parts(key string) (list []Part) {
	n := r.number(key, r.word(key), maxParts)
	const least = 64 + 1 + 1 + 1 // bytes of a line
	if n > len(r.rest)/least {
		r.fail("%s: there are not as many", key)
		return nil
	}
	list = make([]Part, 0, n)
	for range n {
		list = append(list, r.part(key, r.next()))
	}
	return list
}

// ParseIndex reads an index and gives what follows it.
func ParseIndex(text string) (x *Index, rest string, err error) {
	r := &reader{rest: text}
	if r.next() != magic {
		r.fail("it does not begin with %q: it is of another version, or no snapshot", magic)
	}
	x = &Index{Container: r.word("container"), Name: r.word("name")}
	var id [16]byte
	r.hex("container", x.Container, id[:])
	created := r.word("created")
	if x.Created, err = time.Parse(time.RFC3339, created); err != nil || x.Created.UTC().Format(time.RFC3339) != created {
		r.fail("created: expected a time like 2026-01-02T03:04:05Z")
	}
	x.Manifest, x.Code, x.CPU = r.digest("manifest"), r.digest("code"), r.word("cpu")
	if word := r.word("parent"); word != "none" {
		if r.hex("parent", word, x.Parent[:]); x.Parent == ([32]byte{}) {
			r.fail("parent: expected none, or a digest")
		}
	}
	settings, ok := strings.CutPrefix(r.next(), "settings ")
	if !ok {
		r.fail("expected %q", "settings")
	}
	x.Settings = r.part("settings", settings)
	x.State, x.Chunks = r.parts("state"), r.parts("chunks")
	if r.err != nil {
		return nil, "", r.err
	}
	return x, r.rest, nil
}

var errSize = errors.New("it is no regular file of the size that it may have")
