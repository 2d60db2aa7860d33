package bundle

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"vkernel/internal/manifest"
)

// Containers of one digest share the pages of its native code: a launcher that has a sealed copy
// says so in the user's runtime directory, by a symbolic link from the digest to the descriptor
// in its own /proc/PID/fd, and the next one opens that. Nothing of it is believed: what was
// opened has to be memory with all seals, so that nobody can change it any more, and is then
// hashed like a file. A wrong or stale link costs a copy. Other users' launchers are not asked,
// and could not answer: Linux lets nobody open their descriptors.

const codeSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// codeFor gives the native code in sealed memory, another container's if there is one.
func codeFor(path string, want manifest.Blob) (*os.File, func(), error) {
	dir, ok := runtimeDir()
	link := filepath.Join(dir, want.SHA256.String())
	if ok {
		if f := openShared(link, want); f != nil {
			// The bundle's own file is whole, or the bundle is refused.
			if err := checkFile(path, want); err != nil {
				f.Close()
				return nil, nil, err
			}
			return f, func() {}, nil
		}
	}
	f, err := sealedCopy(path, want)
	if err != nil || !ok {
		return f, func() {}, err
	}
	return f, publish(link, f), nil
}

// runtimeDir is a directory of the user that nobody else can write to.
func runtimeDir() (string, bool) {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir != "" {
		dir = filepath.Join(dir, "vkernel")
	} else {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("vkernel-%d", os.Geteuid()))
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", false
	}
	st, err := os.Lstat(dir)
	if err != nil || !st.IsDir() || st.Mode().Perm()&0o077 != 0 {
		return "", false
	}
	s, ok := st.Sys().(*syscall.Stat_t)
	return dir, ok && int(s.Uid) == os.Geteuid()
}

// openShared opens what a link leads to, if it is what is wanted and can never change.
func openShared(link string, want manifest.Blob) *os.File {
	path, err := unix.Open(link, unix.O_PATH|unix.O_CLOEXEC, 0) // which has no effect on whatever it is
	if err != nil {
		return nil
	}
	defer unix.Close(path)
	var st unix.Stat_t
	if unix.Fstat(path, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || uint64(st.Size) != want.Size {
		return nil
	}
	f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", path))
	if err != nil {
		return nil
	}
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil || seals&codeSeals != codeSeals || !hashes(f, want) {
		f.Close()
		return nil
	}
	return f
}

func hashes(f *os.File, want manifest.Blob) bool {
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(f, 0, int64(want.Size)))
	return err == nil && uint64(n) == want.Size && manifest.Digest(h.Sum(nil)) == want.SHA256
}

// publish makes the link to our copy, and gives what takes it away again.
func publish(link string, f *os.File) func() {
	target := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd())
	temporary := fmt.Sprintf("%s.%d.%d", link, os.Getpid(), f.Fd())
	if os.Symlink(target, temporary) != nil {
		return func() {}
	}
	if os.Rename(temporary, link) != nil {
		os.Remove(temporary)
		return func() {}
	}
	return func() {
		if now, err := os.Readlink(link); err == nil && now == target {
			os.Remove(link)
		}
	}
}
