package sandbox

import (
	"encoding/json"
	"os"

	"vkernel/internal/audit"
	"vkernel/internal/packet"
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

	// Of a request, and of what answers it.
	ID   uint64 `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	Data []byte `json:"data,omitempty"` // a piece of an answer
	More bool   `json:"more,omitempty"` // of which there follow others

	Record        *audit.Record `json:"record,omitempty"`
	*Confinements `json:"confinements,omitempty"`
}

// Kinds of message to the sandbox.
const (
	kindPrepare = "prepare" // with a Spec: what can be made ready before the code is there
	kindLoad    = "load"    // with the native code, after it, before the seal
	kindStart   = "start"   // with a Start and the streams as descriptors
	kindSignal  = "signal"  // Signal, to the first process
	kindResize  = "resize"  // Rows, Columns
	kindKill    = "kill"    // everything
	kindRevoked = "revoked" // with a trust.Update
	kindNote    = "note"    // Text, for the log; Warn if whoever has no log file shall see it
	kindAsk     = "ask"     // ID, Name, with an argument: a request
	kindDialled = "dialled" // ID, Errno, with a descriptor: what came of kindDial
	kindControl = "control" // Signal, or Rows and Columns, to the process that request ID has started
)

// Kinds of message to the launcher.
const (
	kindReady   = "ready"   // sealed, with its Confinements
	kindInput   = "input"   // standard input is wanted, with ID that of the request's process
	kindAudit   = "audit"   // Record
	kindStarted = "started" // the first process has begun
	kindAnswer  = "answer"  // ID, Data, More; the last one is as an exit
	kindBegun   = "begun"   // ID, Code: the process that the request has started
	kindDial    = "dial"    // ID, Name: a TCP connection to that address, or without one the datagrams of a socket
	kindExit    = "exit"    // Code, Signal; or Text is the error, with Errno and Command if that is why
)

// maxMessage bounds a datagram.
const maxMessage = packet.Max

// conn is one side of the socket. Sends from several goroutines are whole datagrams each.
type conn struct{ *packet.Conn }

// connPair makes the two ends; the other one is for a new process.
func connPair() (*conn, *os.File, error) {
	c, theirs, err := packet.Pair()
	return &conn{c}, theirs, err
}

// newConn takes over a descriptor.
func newConn(fd int) *conn { return &conn{packet.New(fd)} }

// send sends a message and copies of descriptors.
func (c *conn) send(m message, files ...*os.File) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return c.Send(data, files...)
}

// hand sends a message with v in sealed memory, and copies of descriptors after it.
func (c *conn) hand(kind string, v any, files ...*os.File) error {
	return c.handMessage(message{Kind: kind}, v, files...)
}

// handMessage is hand for a message that says more.
func (c *conn) handMessage(m message, v any, files ...*os.File) error {
	memory, err := sealedMemory(m.Kind, v)
	if err != nil {
		return err
	}
	defer memory.Close()
	return c.send(m, append([]*os.File{memory}, files...)...)
}

// receive reads a message and its descriptors. os.ErrClosed or another error: there will be
// no more.
func (c *conn) receive() (m message, files []*os.File, err error) {
	data, files, err := c.Receive()
	if err != nil {
		return m, nil, err
	}
	if m, err = parse(data); err != nil {
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

func closeAll(files []*os.File) { packet.CloseAll(files) }

func (c *conn) close() { c.Close() }
