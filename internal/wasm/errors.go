package wasm

import (
	"errors"
	"fmt"
	"strings"
)

// The classes of Error, for errors.Is.
var (
	ErrMalformed   = errors.New("malformed module")
	ErrInvalid     = errors.New("invalid module")
	ErrUnsupported = errors.New("unsupported module")
	ErrLimit       = errors.New("module exceeds a limit")
)

// Error is why a module was refused.
type Error struct {
	Class    error  // ErrMalformed, ErrInvalid, ErrUnsupported or ErrLimit
	Offset   int    // in the file
	Func     int    // function index, -1 outside of function bodies
	Op       string // instruction, "" outside of expressions
	Proposal string // ErrUnsupported: the proposal that the module needs
	Msg      string // what was found and what was expected
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "wasm: %v: offset %#x: ", e.Class, e.Offset)
	if e.Func >= 0 {
		fmt.Fprintf(&b, "function %d: ", e.Func)
	}
	if e.Op != "" {
		fmt.Fprintf(&b, "%s: ", e.Op)
	}
	b.WriteString(e.Msg)
	if e.Proposal != "" {
		fmt.Fprintf(&b, " (proposal %q is not supported)", e.Proposal)
	}
	return b.String()
}

// Unwrap makes errors.Is work with the classes.
func (e *Error) Unwrap() error { return e.Class }

func errAt(class error, offset int, format string, args ...any) *Error {
	return &Error{Class: class, Offset: offset, Func: -1, Msg: fmt.Sprintf(format, args...)}
}

func malformed(offset int, format string, args ...any) *Error {
	return errAt(ErrMalformed, offset, format, args...)
}

func invalid(offset int, format string, args ...any) *Error {
	return errAt(ErrInvalid, offset, format, args...)
}

// unsupported reports the use of a known proposal that is switched off.
func unsupported(offset int, proposal, format string, args ...any) *Error {
	e := errAt(ErrUnsupported, offset, format, args...)
	e.Proposal = proposal
	return e
}
