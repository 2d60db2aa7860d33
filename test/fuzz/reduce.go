package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"regexp"
	"strings"

	"vkernel/internal/wasm"
	"vkernel/test/fuzz/gen"
)

// reducer cuts a module down as long as it stays a find of the same kind. It takes instructions
// out of functions, puts constants in the place of expressions, and keeps what is valid.
type reducer struct {
	f     *fuzzer
	best  []byte
	alone bool   // only build it: it is refused
	kind  string // of the find
	path  string // where the best so far is written
	calls []call
}

// reduce is for a case whose find is known.
func (f *fuzzer) reduce(c *testCase, path string) ([]byte, error) {
	r := &reducer{f: f, path: path, best: c.module.Wasm, kind: kindOf(c.find + c.refused), calls: c.calls}
	if c.legacy != nil && strings.Contains(c.refused, "legacy") {
		r.best = c.legacy
	}
	r.alone = c.refused != ""
	for size := 0; size != len(r.best); {
		size = len(r.best)
		if err := r.round(); err != nil {
			return nil, err
		}
	}
	return r.best, nil
}

var (
	place   = regexp.MustCompile(`call \d+, \w+\[[^]]*\]:|\w+:[\w.]+ at 0x\w+`)
	numbers = regexp.MustCompile(`\[[^]]*\]+|\b(0x)?[0-9a-f]*[0-9][0-9a-f]*`)
)

// kindOf is the text of a find without what differs between two of the same cause.
func kindOf(find string) string {
	find, _, _ = strings.Cut(find, ";")
	return numbers.ReplaceAllString(place.ReplaceAllString(find, ""), "#")
}

// whole is the size of a cut that takes all of a function, whatever its size.
const whole = 1 << 12

// round tries all cuts of all functions, from large to small.
func (r *reducer) round() error {
	m, err := wasm.Decode(r.best)
	if err != nil {
		return err
	}
	for i := len(m.Funcs) - 1; i >= 0; i-- {
		for size := whole; size > 0; size /= 2 {
			for at := 0; at >= 0; {
				if at, err = r.pass(i, size, at); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// pass tries cuts of so many instructions of a function from a place on, and returns where to
// go on, or -1.
func (r *reducer) pass(i, size, at int) (int, error) {
	const batch = 24
	m, err := wasm.Decode(r.best)
	if err != nil {
		return 0, err
	}
	starts, err := instructions(m, i)
	if err != nil {
		return 0, err
	}
	n := len(starts) - 1 // the last is the end of the function
	if size == whole {
		size = n
	}
	if size > n || size == 0 {
		return -1, nil
	}
	var list [][]byte
	for ; at+size <= n && len(list) < batch; at += max(1, size/2) {
		for _, with := range replacements {
			code := splice(r.best, m, i, starts[at], starts[at+size], with)
			if len(code) < len(r.best) && valid(code) {
				list = append(list, code)
				break
			}
		}
	}
	better, err := r.try(list)
	switch {
	case err != nil:
		return 0, err
	case better != nil:
		r.best = better
		fmt.Fprintf(os.Stderr, "\r%d bytes   ", len(better))
		return 0, os.WriteFile(r.path, better, 0o644)
	case at+size > n:
		return -1, nil
	}
	return at, nil
}

// replacements are nothing, constants, and what ends code.
var replacements = [][]byte{
	{},
	{byte(wasm.OpI32Const), 0},
	{byte(wasm.OpI64Const), 0},
	{byte(wasm.OpF32Const), 0, 0, 0, 0},
	{byte(wasm.OpF64Const), 0, 0, 0, 0, 0, 0, 0, 0},
	{byte(wasm.OpDrop)},
	{byte(wasm.OpUnreachable)},
}

func valid(code []byte) bool {
	_, err := wasm.DecodeValidated(code)
	return err == nil
}

// instructions are the offsets of a function's instructions in its body.
func instructions(m *wasm.Module, i int) (starts []int, err error) {
	f := &m.Funcs[i]
	for r := m.BodyReader(i); !r.Done(); {
		in, err := r.Next()
		if err != nil {
			return nil, err
		}
		starts = append(starts, in.Offset-f.Offset)
	}
	return starts, nil
}

// splice puts other code in the place of a part of a function's body.
func splice(code []byte, m *wasm.Module, i, from, to int, with []byte) []byte {
	f := &m.Funcs[i]
	var out []byte
	for at := 8; at < len(code); {
		id := code[at]
		size, n := binary.Uvarint(code[at+1:])
		start := at + 1 + n
		at = start + int(size)
		if id != 10 {
			continue
		}
		var section []byte
		count, n := binary.Uvarint(code[start:])
		section = binary.AppendUvarint(section, count)
		for k, p := 0, start+n; k < int(count); k++ {
			size, n := binary.Uvarint(code[p:])
			p += n
			body := code[p : p+int(size)]
			if k == i {
				head := f.Offset - p
				body = bytes.Join([][]byte{body[:head+from], with, body[head+to:]}, nil)
			}
			section = append(binary.AppendUvarint(section, uint64(len(body))), body...)
			p += int(size)
		}
		out = append(out, code[:start-lebLen(code, start)]...)
		out = append(binary.AppendUvarint(out, uint64(len(section))), section...)
		return append(out, code[at:]...)
	}
	return code
}

// lebLen is the length of the number that ends before an offset: the size of a section.
func lebLen(code []byte, end int) int {
	n := 1
	for end-n-1 >= 0 && code[end-n-1]&0x80 != 0 {
		n++
	}
	return n
}

// try returns the shortest of some modules that is still such a find.
func (r *reducer) try(list [][]byte) ([]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	var cases []*testCase
	for _, code := range list {
		m, err := gen.Describe(code)
		if err != nil {
			return nil, err
		}
		c := caseOf(0, m)
		c.calls, c.kicked, c.alone = r.calls, true, r.alone
		cases = append(cases, c)
	}
	if err := r.f.try(cases); err != nil {
		return nil, err
	}
	var best []byte
	for i, c := range cases {
		if text := c.find + c.refused; text != "" && kindOf(text) == r.kind && (best == nil || len(list[i]) < len(best)) {
			best = list[i]
		}
	}
	return best, nil
}
