// Package packet carries datagrams and descriptors between processes of one host.
//
// # Model
//
// A Conn is one end of a SOCK_SEQPACKET socket: what is sent arrives as a whole or not at all, in order, with copies of
// descriptors. What is larger than a datagram is passed as sealed memory, of which the receiver reads a bounded copy.
//
// # Rules
//
// Sends from several goroutines are whole datagrams each. The receiver closes every descriptor that it was passed.
package packet

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Max bounds a datagram: less than what a socket takes by default.
const Max = 64 << 10

// maxFiles is how many descriptors a datagram may carry.
const maxFiles = 8

// Conn is one side of a socket.
type Conn struct{ File *os.File }

// Pair makes the two ends; the other one is for a new process.
func Pair() (*Conn, *os.File, error) { return pair(0) }

// FlowPair is Pair for a process that runs already and waits as a Conn does: the other end is non-blocking, so that to close it ends a
// read of it.
func FlowPair() (*Conn, *os.File, error) { return pair(unix.SOCK_NONBLOCK) }

func pair(flags int) (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return New(fds[0]), os.NewFile(uintptr(fds[1]), "control"), nil
}

// New takes over a descriptor.
func New(fd int) *Conn {
	unix.SetNonblock(fd, true) //nolint:errcheck // it is a socket of ours
	return &Conn{os.NewFile(uintptr(fd), "control")}
}

// Send sends a datagram and copies of descriptors.
func (c *Conn) Send(data []byte, files ...*os.File) error {
	if len(data) > Max {
		return fmt.Errorf("a message of %d bytes, at most %d", len(data), Max)
	}
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	raw, err := c.File.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		_, sent = unix.SendmsgN(int(fd), data, rights, nil, unix.MSG_NOSIGNAL)
		return sent != unix.EAGAIN
	})
	if err == nil {
		err = sent
	}
	return err
}

// Receive reads a datagram and its descriptors. os.ErrClosed or another error: there will be
// no more.
func (c *Conn) Receive() (data []byte, files []*os.File, err error) {
	raw, err := c.File.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	data = make([]byte, Max)
	rights := make([]byte, unix.CmsgSpace(4*maxFiles))
	var n, nr, flags int
	var got error
	err = raw.Read(func(fd uintptr) bool {
		n, nr, flags, _, got = unix.Recvmsg(int(fd), data, rights, unix.MSG_CMSG_CLOEXEC)
		if got == unix.ECONNRESET { // the other end left with something unread, and may have said why
			n, nr, flags, _, got = unix.Recvmsg(int(fd), data, rights, unix.MSG_CMSG_CLOEXEC)
		}
		return got != unix.EAGAIN
	})
	if err == nil {
		err = got
	}
	if err != nil {
		return nil, nil, err
	}
	files = filesOf(rights[:nr])
	switch {
	case n == 0:
		err = os.ErrClosed
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		err = fmt.Errorf("a message of more than %d bytes", Max)
	}
	if err != nil {
		CloseAll(files)
		return nil, nil, err
	}
	return data[:n], files, nil
}

// Close closes the socket.
func (c *Conn) Close() { c.File.Close() }

// filesOf makes files of passed descriptors.
func filesOf(rights []byte) (files []*os.File) {
	list, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	for i := range list {
		fds, err := unix.ParseUnixRights(&list[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files
}

// CloseAll closes descriptors that were passed.
func CloseAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

const allSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// Seal puts data into memory that nobody can change, for a process to read.
func Seal(name string, data []byte) (*os.File, error) {
	f, err := Memory(name)
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(f, bytes.NewReader(data)); err == nil {
		err = SealMemory(f)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Memory makes memory that can be sealed.
func Memory(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// SealMemory has nobody change memory from now on, whoever has a descriptor of it.
func SealMemory(f *os.File) error {
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, allSeals); err != nil {
		return fmt.Errorf("sealing the memfd of %s: %w", f.Name(), err)
	}
	return nil
}

// Sealed tells whether SealMemory has been called for the file: an error says that somebody might change it.
func Sealed(f *os.File) error {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err == nil && seals&allSeals != allSeals {
		err = fmt.Errorf("it is not sealed: seals %#x", seals)
	}
	return err
}

// ReadSealed reads what Seal has written, at most so many bytes, and closes it. What is no regular file, and so could let
// the reader wait, is refused.
func ReadSealed(f *os.File, most int64) ([]byte, error) {
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > most {
		return nil, fmt.Errorf("what was passed is no memory of at most %d bytes", most)
	}
	return io.ReadAll(io.NewSectionReader(f, 0, most))
}
