package verify

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// stub is an entry of emit/runtime/vk_stubs.S. These are trusted: the text must begin with
// exactly the bytes that stubs.txt has.
type stub struct {
	name     string
	at, size uint32
	ends     bool // a call does not return
}

// stubsText lists the stubs, a line each: name, offset, size; and then their bytes in hex. A
// test makes it from vk_stubs.S.
//
//go:embed stubs.txt
var stubsText string

// stubList parses it once.
var stubList = sync.OnceValues(func() ([]stub, []byte) {
	list, bytes, err := parseStubs(stubsText)
	if err != nil {
		panic("verify: stubs.txt: " + err.Error()) // built in
	}
	return list, bytes
})

func parseStubs(s string) (list []stub, text []byte, err error) {
	for line := range strings.Lines(s) {
		f := strings.Fields(line)
		switch {
		case len(f) == 1:
			b, err := hex.DecodeString(f[0])
			if err != nil {
				return nil, nil, err
			}
			text = append(text, b...)
		case len(f) == 3:
			at, err1 := strconv.ParseUint(f[1], 10, 32)
			size, err2 := strconv.ParseUint(f[2], 10, 32)
			if err1 != nil || err2 != nil {
				return nil, nil, fmt.Errorf("line %q", line)
			}
			ends := strings.HasPrefix(f[0], "vk_trap_")
			list = append(list, stub{f[0], uint32(at), uint32(size), ends})
		case len(f) != 0:
			return nil, nil, fmt.Errorf("line %q", line)
		}
	}
	return list, text, nil
}

// checkStubs compares the start of the text, and makes the stubs functions.
func (v *verifier) checkStubs() error {
	list, text := stubList()
	if !bytes.HasPrefix(v.text, text) {
		return v.fail(nil, 0, "the text does not begin with the stubs of this version of vkernel")
	}
	v.stubs = len(list)
	for i, s := range list {
		if i >= len(v.funcs) || v.funcs[i].at != s.at || v.funcs[i].end != s.at+s.size {
			return v.fail(nil, s.at, "no symbol for stub %s of %d bytes", s.name, s.size)
		}
	}
	if v.stubs < len(v.funcs) && int(v.funcs[v.stubs].at) < len(text) {
		return v.fail(nil, v.funcs[v.stubs].at, "a function among the stubs")
	}
	return nil
}

// stubOf is the stub that function n is, or nil.
func (v *verifier) stubOf(n int32) *stub {
	if int(n) >= v.stubs {
		return nil
	}
	list, _ := stubList()
	return &list[n]
}
