package bundle

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
)

// openRegular opens a file that must be a regular one (a FIFO would block, a device
// would never end).
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// MismatchError says that a file is not the one that the manifest names.
type MismatchError struct {
	File      string
	Got, Want manifest.Blob
}

func (e *MismatchError) Error() string {
	if e.Got.Size != e.Want.Size {
		return fmt.Sprintf("%s has %d bytes, the manifest says %d: it was changed after the build", e.File, e.Got.Size, e.Want.Size)
	}
	return fmt.Sprintf("%s has SHA-256 %s, the manifest says %s: it was changed after the build", e.File, e.Got.SHA256, e.Want.SHA256)
}

// copyBlob copies the file f to w and checks that it is exactly want; name is for errors.
// Nothing in w is to be used before copyBlob has returned nil.
func copyBlob(w io.Writer, f *os.File, name string, want manifest.Blob) error {
	if st, err := f.Stat(); err != nil {
		return err
	} else if uint64(st.Size()) != want.Size {
		return &MismatchError{name, manifest.Blob{Size: uint64(st.Size())}, want}
	}
	h := sha256.New()
	buf := make([]byte, min(want.Size+1, 256<<10))
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(h, w)}, struct{ io.Reader }{io.LimitReader(f, int64(want.Size)+1)}, buf)
	if err != nil {
		return err
	}
	got := manifest.Blob{SHA256: manifest.Digest(h.Sum(nil)), Size: uint64(n)}
	if got != want {
		return &MismatchError{name, got, want}
	}
	return nil
}

// readBlob reads a part of a bundle, and checks that it is want; if off is set, for the suite's sake, it does not.
func readBlob(path string, want manifest.Blob, off bool) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if want.Size > manifest.MaxRootSize {
		return nil, fmt.Errorf("%s: %d bytes, the limit is %d", filepath.Base(path), want.Size, manifest.MaxRootSize)
	}
	var b bytes.Buffer
	if err = copyBlob(&b, f, filepath.Base(path), want); off {
		err = nil
	}
	return b.Bytes(), err
}

// sealedCopy copies the file into a memfd that nobody can change any more, and checks
// that what is in the memfd is want.
func sealedCopy(path string, want manifest.Blob) (*os.File, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	name := filepath.Base(path)
	flags := unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if err == unix.EINVAL { // Linux before 6.3 knows no MFD_EXEC, and needs none
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	m := os.NewFile(uintptr(fd), name)
	if err := copyFile(m, f, int64(want.Size)); err != nil {
		m.Close()
		return nil, fmt.Errorf("copying %s: %w", name, err)
	}
	if _, err := unix.FcntlInt(m.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE); err != nil {
		m.Close()
		return nil, fmt.Errorf("sealing the memfd of %s: %w", name, err)
	}
	if err := checkSealed(m, f, name, want); err != nil && !mutant.Off("bundle.native") {
		m.Close()
		return nil, err
	}
	return m, nil
}

// copyFile copies at most size bytes, in the host if that can do it.
func copyFile(to, from *os.File, size int64) error {
	for size > 0 {
		n, err := unix.Sendfile(int(to.Fd()), int(from.Fd()), nil, int(min(size, 1<<30)))
		if err == unix.EINTR {
			continue
		}
		if err == unix.EINVAL || err == unix.ENOSYS {
			_, err = io.Copy(struct{ io.Writer }{to}, io.LimitReader(from, size))
			return err
		}
		if err != nil || n == 0 {
			return err
		}
		size -= int64(n)
	}
	return nil
}

// checkSealed checks that memory, which nobody can change any more, is want. The file that it was copied
// from is for the error.
func checkSealed(m, f *os.File, name string, want manifest.Blob) error {
	from, err := f.Stat()
	if err != nil {
		return err
	}
	if uint64(from.Size()) != want.Size {
		return &MismatchError{name, manifest.Blob{Size: uint64(from.Size())}, want}
	}
	st, err := m.Stat()
	if err != nil {
		return err
	}
	var data []byte
	if st.Size() > 0 {
		if data, err = unix.Mmap(int(m.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
			return fmt.Errorf("mapping the copy of %s: %w", name, err)
		}
		defer unix.Munmap(data) //nolint:errcheck // it is mapped
	}
	if got := (manifest.Blob{SHA256: manifest.Sum(data), Size: uint64(len(data))}); got != want {
		return &MismatchError{name, got, want}
	}
	return nil
}
