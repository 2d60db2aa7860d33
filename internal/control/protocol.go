package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"vkernel/internal/packet"
)

// Version of the protocol.
const Version = 1

// request is what a client sends first.
type request struct {
	Version  int             `json:"version"`
	Command  string          `json:"command"`
	Argument json.RawMessage `json:"argument,omitempty"`
}

// event is what a server sends.
type event struct {
	Event string `json:"event,omitempty"` // "begun", "input"; "" is an answer
	PID   int    `json:"pid,omitempty"`   // of what has begun

	Data []byte `json:"data,omitempty"` // a piece of the result
	More bool   `json:"more,omitempty"` // others follow
	Done bool   `json:"done,omitempty"` // the last event

	Error   string `json:"error,omitempty"`
	Errno   int    `json:"errno,omitempty"` // of a command that could not be executed
	Command string `json:"command,omitempty"`

	Code   int `json:"code,omitempty"`
	Signal int `json:"signal,omitempty"`
}

// Bounds of what a side reads.
const (
	maxPiece  = 40 << 10 // of a result in one event: in base64 it has to fit
	maxResult = 16 << 20
)

// parseRequest reads a request, of another user's program for all we know.
func parseRequest(data []byte) (r request, err error) {
	if err := strict(data, &r); err != nil {
		return request{}, fmt.Errorf("a request that cannot be read: %w", err)
	}
	if r.Version != Version {
		return request{}, fmt.Errorf("the container speaks version %d of the protocol, the request is of version %d: use the vkernel that started it", Version, r.Version)
	}
	return r, nil
}

// parseEvent reads an event.
func parseEvent(data []byte) (e event, err error) {
	if err := strict(data, &e); err != nil {
		return event{}, fmt.Errorf("an answer that cannot be read: %w", err)
	}
	return e, nil
}

// strict reads one JSON value and nothing else, with no field that v does not have.
func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind it")
	}
	return nil
}

// sendJSON sends v as a datagram.
func sendJSON(c *packet.Conn, v any, files ...*os.File) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.Send(data, files...)
}

// peer tells who is at the other end.
func peer(c *packet.Conn) (*unix.Ucred, error) {
	raw, err := c.File.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var got error
	if err := raw.Control(func(fd uintptr) { cred, got = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return nil, err
	}
	return cred, got
}

// trusted reports whether a process of the user may talk to us, and we to it: it is ours, or root's.
func trusted(cred *unix.Ucred) bool { return int(cred.Uid) == os.Geteuid() || cred.Uid == 0 }
