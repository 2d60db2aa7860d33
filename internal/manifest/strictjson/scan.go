package strictjson

import (
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads the tokens of JSON (RFC 8259), strictly.
type scanner struct {
	data []byte
	pos  int
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// accept skips space and the byte c, if it is next.
func (s *scanner) accept(c byte) bool {
	s.space()
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// expect skips space and the byte c; what names it for the error.
func (s *scanner) expect(c byte, what string, at *place) error {
	if s.accept(c) {
		return nil
	}
	return s.unexpected(what, at)
}

func (s *scanner) unexpected(want string, at *place) error {
	if s.pos >= len(s.data) {
		return Errorf(at.String(), "ends at offset %d, expected %s", s.pos, want)
	}
	r, n := utf8.DecodeRune(s.data[s.pos:])
	if r == utf8.RuneError && n <= 1 {
		return Errorf(at.String(), "invalid UTF-8 at offset %d", s.pos)
	}
	return Errorf(at.String(), "found %q at offset %d, expected %s", r, s.pos, want)
}

func (s *scanner) boolean(at *place) (bool, error) {
	s.space()
	for _, word := range []string{"true", "false"} {
		if rest := s.data[s.pos:]; len(rest) >= len(word) && string(rest[:len(word)]) == word {
			s.pos += len(word)
			return word == "true", nil
		}
	}
	return false, s.unexpected("true or false", at)
}

// digits reads a number without sign, fraction or exponent.
func (s *scanner) digits(at *place) (string, error) {
	s.space()
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	text := string(s.data[start:s.pos])
	if text == "" {
		return "", s.unexpected("a number", at)
	}
	if len(text) > 1 && text[0] == '0' {
		return "", Errorf(at.String(), "number with a leading zero at offset %d", start)
	}
	if s.pos < len(s.data) {
		switch s.data[s.pos] {
		case '.', 'e', 'E':
			return "", Errorf(at.String(), "number is not a whole number at offset %d", start)
		}
	}
	return text, nil
}

// str reads a string and decodes its escapes.
func (s *scanner) str(at *place) (string, error) {
	if err := s.expect('"', "a string", at); err != nil {
		return "", err
	}
	start := s.pos
	var out []byte // in use once an escape was seen
	escaped := false
	for {
		if s.pos-start > 6*MaxString || len(out) > MaxString {
			return "", Errorf(at.String(), "string at offset %d is longer than %d bytes", start-1, MaxString)
		}
		if s.pos >= len(s.data) {
			return "", Errorf(at.String(), "string at offset %d does not end", start-1)
		}
		switch c := s.data[s.pos]; {
		case c == '"':
			if !escaped {
				out = s.data[start:s.pos]
			}
			s.pos++
			if len(out) > MaxString {
				return "", Errorf(at.String(), "string at offset %d is longer than %d bytes", start-1, MaxString)
			}
			return string(out), nil
		case c == '\\':
			if !escaped {
				out, escaped = append(out, s.data[start:s.pos]...), true
			}
			r, err := s.escape(at)
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		case c < ' ':
			return "", Errorf(at.String(), "control character %#02x in a string at offset %d", c, s.pos)
		default:
			_, n := utf8.DecodeRune(s.data[s.pos:])
			if c >= utf8.RuneSelf && n == 1 {
				return "", Errorf(at.String(), "invalid UTF-8 at offset %d", s.pos)
			}
			if escaped {
				out = append(out, s.data[s.pos:s.pos+n]...)
			}
			s.pos += n
		}
	}
}

// escape reads one escape sequence; a surrogate must have its other half.
func (s *scanner) escape(at *place) (rune, error) {
	start := s.pos
	bad := func() (rune, error) {
		return 0, Errorf(at.String(), "malformed escape at offset %d", start)
	}
	if s.pos+1 >= len(s.data) {
		return bad()
	}
	c := s.data[s.pos+1]
	s.pos += 2
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
	default:
		return bad()
	}
	r, ok := s.hex4()
	if !ok {
		return bad()
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if s.pos+1 < len(s.data) && s.data[s.pos] == '\\' && s.data[s.pos+1] == 'u' {
		s.pos += 2
		if low, ok := s.hex4(); ok {
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				return full, nil
			}
		}
	}
	return bad()
}

func (s *scanner) hex4() (r rune, ok bool) {
	if s.pos+4 > len(s.data) {
		return 0, false
	}
	for _, c := range s.data[s.pos : s.pos+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	s.pos += 4
	return r, true
}
