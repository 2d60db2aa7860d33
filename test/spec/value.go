package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// value is an argument or result as wast2json writes it.
type value struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    json.RawMessage
}

func (v value) String() string { return fmt.Sprintf("%s%s:%s", v.Type, v.LaneType, v.Value) }

func (v value) text() string {
	s := ""
	json.Unmarshal(v.Value, &s)
	return s
}

// lanes are the parts of a v128 and their width in bits.
func (v value) lanes() (lanes []string, width int) {
	json.Unmarshal(v.Value, &lanes)
	width, _ = strconv.Atoi(v.LaneType[1:])
	return lanes, width
}

// words are the Args words of an argument. A host reference n is n+1, null is 0.
func (v value) words() []uint64 {
	if v.Type == "v128" {
		lanes, width := v.lanes()
		w := make([]uint64, 2)
		for i, s := range lanes {
			w[i*width/64] |= number(s, width) << (i * width % 64)
		}
		return w
	}
	s := v.text()
	switch {
	case s == "null":
		return []uint64{0}
	case v.Type == "externref":
		return []uint64{number(s, 64) + 1}
	case v.Type == "i32" || v.Type == "f32":
		return []uint64{number(s, 32)}
	}
	return []uint64{number(s, 64)}
}

// words are the Args words of a call.
func words(args []value) (list []uint64) {
	for _, a := range args {
		list = append(list, a.words()...)
	}
	return list
}

// number reads a decimal, signed or not.
func number(s string, width int) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		i, _ := strconv.ParseInt(s, 10, 64)
		n = uint64(i)
	}
	if width < 64 {
		n &= 1<<width - 1
	}
	return n
}

// matches compares a result with what the suite expects.
func (v value) matches(got [2]uint64) bool {
	switch v.Type {
	case "v128":
		lanes, width := v.lanes()
		for i, want := range lanes {
			if !same(want, got[i*width/64]>>(i*width%64), width) {
				return false
			}
		}
		return true
	case "i32", "f32":
		return same(v.text(), got[0], 32)
	case "i64", "f64":
		return same(v.text(), got[0], 64)
	}
	switch s := v.text(); {
	case s == "null":
		return got[0] == 0
	case v.Type == "externref" && s != "":
		return got[0] == number(s, 64)+1
	}
	return got[0] != 0 // any reference
}

// same compares one number or NaN pattern.
func same(want string, got uint64, width int) bool {
	mask := ^uint64(0)
	if width < 64 {
		mask = 1<<width - 1
	}
	got &= mask
	if !strings.HasPrefix(want, "nan:") {
		return got == number(want, width)
	}
	sign, quiet := uint64(1)<<(width-1), uint64(0x7fc00000)
	if width == 64 {
		quiet = 0x7ff8000000000000
	}
	if want == "nan:canonical" {
		return got&^sign == quiet
	}
	return got&quiet == quiet
}
