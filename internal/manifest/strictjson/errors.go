package strictjson

import (
	"fmt"
	"strconv"
)

// Error is a refusal of one field of a document. Field is its path: "entries[2].module".
type Error struct {
	Field  string
	Reason string
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Reason
	}
	return e.Field + ": " + e.Reason
}

// Errorf makes an *Error.
func Errorf(field, format string, args ...any) error {
	return &Error{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// place is where the decoder is in the document: a list that is turned into text only for
// an error.
type place struct {
	parent *place
	name   string // of a member, or
	index  int    // of an element if name is empty
}

func (p *place) String() string {
	switch {
	case p == nil:
		return ""
	case p.name == "":
		return p.parent.String() + "[" + strconv.Itoa(p.index) + "]"
	case p.parent == nil:
		return p.name
	}
	return p.parent.String() + "." + p.name
}
