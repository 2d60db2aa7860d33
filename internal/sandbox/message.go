package sandbox

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"vkernel/internal/audit"
)

// Launcher and sandbox talk in datagrams over a socket of their own, each a JSON message. What
// is larger than one is passed as sealed memory. The launcher takes every message from a
// sandbox for one that a guest has written.

// message is one of either direction. Kind says what it is about and which fields count.
type message struct {
	Kind string `json:"kind"`

	Signal  int    `json:"signal,omitempty"`
	Rows    uint16 `json:"rows,omitempty"`
	Columns uint16 `json:"columns,omitempty"`
	Text    string `json:"text,omitempty"`
	Warn    bool   `json:"warn,omitempty"`
	Code    int    `json:"code,omitempty"`
	Errno   int    `json:"errno,omitempty"`
	Command string `json:"command,omitempty"`

	Record        *audit.Record `json:"record,omitempty"`
	*Confinements `json:"confinements,omitempty"`
}

// Kinds of message to the sandbox.
const (
	kindLoad    = "load"    // with a Spec and the native code: what to load, before the seal
	kindStart   = "start"   // with a Start and the streams as descriptors
	kindSignal  = "signal"  // Signal, to the first process
	kindResize  = "resize"  // Rows, Columns
	kindKill    = "kill"    // everything
	kindRevoked = "revoked" // with a trust.Update
	kindNote    = "note"    // Text, for the log; Warn if whoever has no log file shall see it
)

// Kinds of message to the launcher.
const (
	kindReady = "ready" // sealed, with its Confinements
	kindInput = "input" // standard input is wanted
	kindAudit = "audit" // Record
	kindExit  = "exit"  // Code, Signal; or Text is the error, with Errno and Command if that is why
)

// maxMessage bounds a datagram: less than what a socket takes by default.
const maxMessage = 64 << 10

// maxDescriptors is how many a message may carry.
const maxDescriptors = 8

// conn is one side of the socket. Sends from several goroutines are whole datagrams each.
type conn struct{ file *os.File }

// connPair makes the two ends; the other one is for a new process.
func connPair() (*conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return newConn(fds[0]), os.NewFile(uintptr(fds[1]), "control"), nil
}

// newConn takes over a descriptor.
func newConn(fd int) *conn {
	unix.SetNonblock(fd, true) //nolint:errcheck // it is a socket of ours
	return &conn{os.NewFile(uintptr(fd), "control")}
}

// send sends a message and copies of descriptors.
func (c *conn) send(m message, files ...*os.File) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(data) > maxMessage {
		return fmt.Errorf("a message of %d bytes, at most %d", len(data), maxMessage)
	}
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	raw, err := c.file.SyscallConn()
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

// hand sends a message with v in sealed memory, and copies of descriptors after it.
func (c *conn) hand(kind string, v any, files ...*os.File) error {
	memory, err := sealedMemory(kind, v)
	if err != nil {
		return err
	}
	defer memory.Close()
	return c.send(message{Kind: kind}, append([]*os.File{memory}, files...)...)
}

// receive reads a message and its descriptors. os.ErrClosed or another error: there will be
// no more.
func (c *conn) receive() (m message, files []*os.File, err error) {
	raw, err := c.file.SyscallConn()
	if err != nil {
		return m, nil, err
	}
	data, rights := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4*maxDescriptors))
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
		return m, nil, err
	}
	files = filesOf(rights[:nr])
	switch {
	case n == 0:
		err = os.ErrClosed
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		err = fmt.Errorf("a message of more than %d bytes", maxMessage)
	default:
		m, err = parse(data[:n])
	}
	if err != nil {
		closeAll(files)
		return message{}, nil, err
	}
	return m, files, nil
}

// parse reads a datagram.
func parse(data []byte) (m message, err error) {
	err = json.Unmarshal(data, &m)
	return m, err
}

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

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func (c *conn) close() { c.file.Close() }
