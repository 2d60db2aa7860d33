package session_test

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// screen is the part of a VT100 that shells and editors use: what a person would see.
type screen struct {
	rows, cols int
	row, col   int // the cursor; col == cols means that the next character wraps
	cells      [][]rune
	pending    []byte // the start of an unfinished sequence
	reply      func(string)
}

func newScreen(rows, cols int, reply func(string)) *screen {
	s := &screen{reply: reply}
	s.resize(rows, cols)
	return s
}

// resize keeps what fits, like a terminal whose window is dragged larger.
func (s *screen) resize(rows, cols int) {
	old := s.cells
	s.rows, s.cols, s.cells = rows, cols, nil
	for r := range rows {
		s.cells = append(s.cells, s.blank())
		if r < len(old) {
			copy(s.cells[r], old[r])
		}
	}
	s.row, s.col = min(s.row, rows-1), min(s.col, cols)
}

func (s *screen) blank() []rune {
	line := make([]rune, s.cols)
	for i := range line {
		line[i] = ' '
	}
	return line
}

// String is the screen without blanks at the ends of lines and below.
func (s *screen) String() string {
	var b strings.Builder
	for _, line := range s.cells {
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// line is the cursor's line up to the cursor.
func (s *screen) line() string { return string(s.cells[s.row][:s.col]) }

// above is the line above the cursor.
func (s *screen) above() string {
	if s.row == 0 {
		return ""
	}
	return strings.TrimRight(string(s.cells[s.row-1]), " ")
}

// Write shows what a program prints.
func (s *screen) Write(p []byte) (int, error) {
	s.pending = append(s.pending, p...)
	for len(s.pending) > 0 {
		n := s.step(s.pending)
		if n == 0 {
			break
		}
		s.pending = s.pending[n:]
	}
	return len(p), nil
}

// step takes one character or sequence and gives its length, 0 if it is not all there yet.
func (s *screen) step(p []byte) int {
	switch p[0] {
	case '\r':
		s.col = 0
	case '\n':
		s.newline()
	case '\b':
		s.col = max(0, min(s.col, s.cols-1)-1)
	case '\t':
		s.col = min(s.cols-1, s.col/8*8+8)
	case '\a', 0:
	case 0x1b:
		return s.escape(p)
	default:
		if !utf8.FullRune(p) {
			return 0
		}
		r, n := utf8.DecodeRune(p)
		s.put(r)
		return n
	}
	return 1
}

func (s *screen) put(r rune) {
	if s.col >= s.cols {
		s.col = 0
		s.newline()
	}
	s.cells[s.row][s.col] = r
	s.col++
}

func (s *screen) newline() {
	if s.row < s.rows-1 {
		s.row++
		return
	}
	s.cells = append(s.cells[1:], s.blank())
}

// escape takes an escape sequence: ESC [ numbers letter, or ESC and one character.
func (s *screen) escape(p []byte) int {
	if len(p) < 2 {
		return 0
	}
	if p[1] != '[' {
		return 2
	}
	for i := 2; i < len(p); i++ {
		if p[i] >= 0x40 && p[i] <= 0x7e {
			s.control(string(p[2:i]), p[i])
			return i + 1
		}
	}
	return 0
}

func (s *screen) control(parameters string, final byte) {
	var n [2]int
	for i, f := range strings.SplitN(parameters, ";", 2) {
		n[i], _ = strconv.Atoi(f)
	}
	count := max(1, n[0])
	switch final {
	case 'H', 'f':
		s.row, s.col = min(max(n[0], 1), s.rows)-1, min(max(n[1], 1), s.cols)-1
	case 'A':
		s.row = max(0, s.row-count)
	case 'B':
		s.row = min(s.rows-1, s.row+count)
	case 'C':
		s.col = min(s.cols-1, s.col+count)
	case 'D':
		s.col = max(0, s.col-count)
	case 'K':
		s.erase(s.row, n[0])
	case 'J':
		s.erase(s.row, n[0])
		for r := range s.cells {
			if r > s.row && n[0] == 0 || r < s.row && n[0] == 1 || n[0] == 2 {
				s.cells[r] = s.blank()
			}
		}
	case 'n':
		if n[0] == 6 {
			s.reply("\x1b[" + strconv.Itoa(s.row+1) + ";" + strconv.Itoa(min(s.col, s.cols-1)+1) + "R")
		}
	}
}

// erase clears a line: from the cursor on, up to it, or all.
func (s *screen) erase(row, how int) {
	for c := range s.cells[row] {
		if how == 2 || how == 0 && c >= s.col || how == 1 && c <= s.col {
			s.cells[row][c] = ' '
		}
	}
}

func TestScreen(t *testing.T) {
	var replies string
	s := newScreen(3, 8, func(r string) { replies += r })
	for _, part := range []string{"one\r\ntwo\x1b", "[1;2Hxx\x1b[Ky\b\b\x1b[6n\x1b[2;1H", "ab\x1b[7mcd\x1b[m12345\r\n1\n2"} {
		s.Write([]byte(part))
	}
	if got, want := s.String(), "5\n1\n 2\n"; got != want {
		t.Errorf("screen is %q, want %q", got, want)
	}
	if want := "\x1b[1;3R"; replies != want {
		t.Errorf("replies %q, want %q", replies, want)
	}
}
