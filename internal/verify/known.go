package verify

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Known remembers the digests of files that this very program has verified, in the user's cache
// folder: an empty file of mode 0600 in a folder of mode 0700, by the digest. Who can write
// there can replace vkernel's keys and vkernel itself, so nothing is given away; a folder that
// is another's, or open to others, is not used.
type Known struct{ dir string }

// OpenKnown is of no use, but works, if there is no place to keep anything.
func OpenKnown() Known {
	cache, err := os.UserCacheDir()
	id := buildID()
	if err != nil || id == "" {
		return Known{}
	}
	dir := filepath.Join(cache, "vkernel", "verified", id)
	if os.MkdirAll(dir, 0o700) != nil || !private(dir) {
		return Known{}
	}
	return Known{dir}
}

// private tells whether a path is the user's own and nobody else's to write.
func private(path string) bool {
	st, err := os.Lstat(path)
	if err != nil || st.Mode().Perm()&0o022 != 0 || st.Mode()&os.ModeSymlink != 0 {
		return false
	}
	s, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}

// Has tells whether a file of this SHA-256, in hex, was verified.
func (k Known) Has(digest string) bool { return k.dir != "" && private(filepath.Join(k.dir, digest)) }

// Add notes that one was. If that fails, it is verified again next time.
func (k Known) Add(digest string) {
	if k.dir == "" {
		return
	}
	if f, err := os.OpenFile(filepath.Join(k.dir, digest), os.O_CREATE|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600); err == nil {
		f.Close()
	}
}

// buildID identifies the program, and so the rules it verifies by: Go's build id, which depends
// on all of its code. Empty if there is none.
var buildID = sync.OnceValue(func() string {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		return ""
	}
	defer f.Close()
	s := f.Section(".note.go.buildid")
	if s == nil || s.Size < 16 || s.Size > 4096 {
		return ""
	}
	note, err := s.Data()
	if err != nil {
		return ""
	}
	id := bytes.Trim(note[16:], "\x00")
	// The last part is the hash of the program's content.
	if i := bytes.LastIndexByte(id, '/'); i >= 0 {
		id = id[i+1:]
	}
	if len(id) < 16 {
		return ""
	}
	return hex.EncodeToString(id)
})
