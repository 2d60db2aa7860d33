// Package strictjson reads JSON of which every byte counts: manifests, trust policies and
// other signed or security-relevant files.
//
// # Model
//
// Decode fills a structure from a document that must have exactly its shape. The member
// names are those of the structure's json tags; a member is required unless its tag says
// omitempty or omitzero. encoding/json is not used to read: it matches names without
// regard to case, lets duplicates pass and replaces invalid UTF-8.
//
// # Rules
//
// There is no null, no fraction, no exponent and no negative number. Numbers are at most
// 2^53-1, which every JSON reader can hold exactly. Strings and lists are bounded
// (MaxString, MaxList). An unknown name, a name given twice, a missing name, trailing
// bytes and invalid UTF-8 are errors that name the field.
package strictjson

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"vkernel/internal/mutant"
)

// Limits of what is read, whatever the format.
const (
	MaxString = 4096    // bytes of a string after its escapes are decoded (PATH_MAX)
	MaxList   = 1 << 20 // elements of a list
)

// Decode fills the structure that out points to from data, which must be one JSON object
// of exactly its shape.
func Decode(data []byte, out any) error {
	d := &decoder{scanner: scanner{data: data}, members: map[reflect.Type][]memberTag{}}
	if err := d.value(reflect.ValueOf(out).Elem(), nil); err != nil {
		return err
	}
	d.space()
	if d.pos != len(d.data) && !mutant.Off("json.trailing") {
		return Errorf("", "trailing bytes at offset %d", d.pos)
	}
	return nil
}

type decoder struct {
	scanner
	members map[reflect.Type][]memberTag // by field index
}

// memberTag is what a field's tag says; a field without a name is not in the format.
type memberTag struct {
	name     string
	optional bool
}

// tags returns the tags of t's fields.
func (d *decoder) tags(t reflect.Type) []memberTag {
	if m, ok := d.members[t]; ok {
		return m
	}
	m := make([]memberTag, t.NumField())
	for i := range m {
		name, opt, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		m[i] = memberTag{name, opt == "omitempty" || opt == "omitzero"}
	}
	d.members[t] = m
	return m
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// value decodes one value into v. The schema's types bound the recursion.
func (d *decoder) value(v reflect.Value, at *place) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if v.Addr().Type().Implements(textUnmarshaler) {
		return d.text(v.Addr().Interface().(encoding.TextUnmarshaler), at)
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.object(v, at)
	case reflect.Slice:
		return d.array(v, at)
	case reflect.String:
		s, err := d.str(at)
		v.SetString(s)
		return err
	case reflect.Bool:
		b, err := d.boolean(at)
		v.SetBool(b)
		return err
	}
	return d.number(v, at)
}

func (d *decoder) text(v encoding.TextUnmarshaler, at *place) error {
	s, err := d.str(at)
	if err != nil {
		return err
	}
	if err := v.UnmarshalText([]byte(s)); err != nil {
		return Errorf(at.String(), "%v", err)
	}
	return nil
}

func (d *decoder) object(v reflect.Value, at *place) error {
	if err := d.expect('{', "an object", at); err != nil {
		return err
	}
	tags, seen := d.tags(v.Type()), uint64(0)
	for first := true; !d.accept('}'); first = false {
		if !first {
			if err := d.expect(',', "',' or '}'", at); err != nil {
				return err
			}
		}
		name, err := d.str(at)
		if err != nil {
			return err
		}
		field := &place{parent: at, name: name}
		i := slices.IndexFunc(tags, func(m memberTag) bool {
			return m.name != "" && (m.name == name || mutant.Off("json.case") && strings.EqualFold(m.name, name))
		})
		if i < 0 {
			return Errorf(field.String(), "unknown field")
		}
		if seen&(1<<i) != 0 && !mutant.Off("json.duplicate") {
			return Errorf(field.String(), "given twice")
		}
		seen |= 1 << i
		if err := d.expect(':', "':'", field); err != nil {
			return err
		}
		if err := d.value(v.Field(i), field); err != nil {
			return err
		}
	}
	return complete(tags, seen, at)
}

// complete checks that every required member was seen.
func complete(tags []memberTag, seen uint64, at *place) error {
	for i, m := range tags {
		if m.name != "" && !m.optional && seen&(1<<i) == 0 {
			return Errorf((&place{parent: at, name: m.name}).String(), "missing")
		}
	}
	return nil
}

func (d *decoder) array(v reflect.Value, at *place) error {
	if err := d.expect('[', "an array", at); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for n := 0; !d.accept(']'); n++ {
		if n > 0 {
			if err := d.expect(',', "',' or ']'", at); err != nil {
				return err
			}
		}
		if n == MaxList {
			return Errorf(at.String(), "more than %d elements", MaxList)
		}
		if n == v.Cap() {
			v.Grow(n/2 + 1)
		}
		v.SetLen(n + 1)
		if err := d.value(v.Index(n), &place{parent: at, index: n}); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) number(v reflect.Value, at *place) error {
	s, err := d.digits(at)
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(s, 10, 53) // what every JSON reader can hold exactly
	if err != nil {
		return Errorf(at.String(), "%s is too large", s)
	}
	if v.CanInt() {
		if v.OverflowInt(int64(n)) {
			return Errorf(at.String(), "%s is too large", s)
		}
		v.SetInt(int64(n))
		return nil
	}
	v.SetUint(n)
	return nil
}
