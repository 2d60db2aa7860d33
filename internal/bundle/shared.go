package bundle

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
)

// Containers of one digest share the pages of its native code, whoever runs them. A launcher that has
// a sealed copy passes its descriptor to who asks for the digest (offer.go), and the next one asks.
// Nothing of the answer is believed: it has to be one file in memory with all seals, so that nobody can change it
// any more, of the right size, and is then compared with the bundle's own file, which is hashed. A wrong answer, a
// late one or none costs a copy.

const (
	codeSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	tmpfs     = 0x01021994 // of statfs: not a file of huge pages, which is mapped by other rules
	asking    = 5          // ms: how long a launcher waits for an answer
	offers    = 4          // launchers that can offer one digest at a time
)

// shareName is the abstract address of a launcher that offers code.
func shareName(want manifest.Digest, n int) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: fmt.Sprintf("@vkernel/code/%s/%d", want, n)}
}

// codeFor gives the native code in sealed memory, another container's if there is one, and offers
// it to others. A private copy is neither.
func codeFor(path string, want manifest.Blob, private bool) (*os.File, func(), error) {
	if private {
		f, err := sealedCopy(path, want)
		return f, func() {}, err
	}
	for n := range offers {
		f, there := ask(want, n)
		if !there {
			continue
		}
		if f == nil {
			break // who offers something else has done it on purpose; so may the others
		}
		// The bundle's own file is whole, or the bundle is refused.
		same, err := sameBytes(f, path, want)
		if err == nil && same {
			return f, offer(want.SHA256, f), nil
		}
		f.Close()
		if err != nil && !mutant.Off("bundle.native") {
			return nil, nil, err
		}
		break
	}
	f, err := sealedCopy(path, want)
	if err != nil {
		return nil, nil, err
	}
	return f, offer(want.SHA256, f), nil
}

// ask asks one launcher for code, and tells whether there is one. What it gives can never change, and is as large
// as wanted.
func ask(want manifest.Blob, n int) (f *os.File, there bool) {
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, false
	}
	defer unix.Close(s)
	if unix.Connect(s, shareName(want.SHA256, n)) != nil { // nobody, or one that has too much to do
		return nil, false
	}
	if !readable(s, asking) {
		return nil, true
	}
	return take(s, want), true
}

// take receives code.
func take(s int, want manifest.Blob) *os.File {
	rights := make([]byte, unix.CmsgSpace(4))
	_, nr, flags, _, err := unix.Recvmsg(s, make([]byte, 1), rights, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
	if err != nil {
		return nil
	}
	fds := descriptors(rights[:nr])
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	if len(fds) != 1 || flags&unix.MSG_CTRUNC != 0 || !sealed(fds[0], want.Size) {
		return nil
	}
	// An open file of our own: the other's has flags and an offset that others may change.
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fds[0]), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), "native code")
}

// readable waits until there is something to read.
func readable(fd, ms int) bool {
	for {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, ms)
		if err != unix.EINTR {
			return err == nil && n == 1
		}
	}
}

// descriptors are those of a control message.
func descriptors(rights []byte) (fds []int) {
	list, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	for i := range list {
		if got, err := unix.ParseUnixRights(&list[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	return fds
}

// sealed tells whether a descriptor is ordinary memory that nobody can change, of a size. It
// does nothing to whatever else it is.
func sealed(fd int, size uint64) bool {
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil || seals&codeSeals != codeSeals {
		return false
	}
	var st unix.Stat_t
	var fs unix.Statfs_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && uint64(st.Size) == size &&
		unix.Fstatfs(fd, &fs) == nil && fs.Type == tmpfs
}

// sameBytes tells whether memory holds what the file does, which has to be what is wanted.
func sameBytes(memory *os.File, path string, want manifest.Blob) (bool, error) {
	f, err := openRegular(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	c := &comparison{f: memory, same: true}
	if err := copyBlob(c, f, filepath.Base(path), want); err != nil {
		return false, err
	}
	return c.same, nil
}

// comparison compares what is written to it with a file.
type comparison struct {
	f    *os.File
	at   int64
	buf  []byte
	same bool
}

func (c *comparison) Write(p []byte) (int, error) {
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	got := c.buf[:len(p)]
	if c.same {
		_, err := io.ReadFull(io.NewSectionReader(c.f, c.at, int64(len(p))), got)
		c.same = err == nil && bytes.Equal(got, p)
	}
	c.at += int64(len(p))
	return len(p), nil
}
