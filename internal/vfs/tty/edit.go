package tty

import "vkernel/internal/linux"

// editLocked handles the characters that edit or end a line in canonical mode, and
// reports whether c was one.
func (t *TTY) editLocked(c byte) bool {
	extended := t.lflag(linux.IEXTEN)
	switch {
	case t.is(c, linux.VERASE), t.is(c, linux.VKILL), t.is(c, linux.VWERASE) && extended:
		t.eraseLocked(c)
	case t.is(c, linux.VLNEXT) && extended:
		t.in.next = true
		if t.lflag(linux.ECHO) {
			t.finishErasingLocked()
			if t.lflag(linux.ECHOCTL) {
				t.echoLocked(echoRaw, '^')
				t.echoLocked(echoRaw, '\b')
			}
		}
	case t.is(c, linux.VREPRINT) && extended && t.lflag(linux.ECHO):
		t.finishErasingLocked()
		t.echoCharLocked(c)
		t.echoLocked(echoRaw, '\n')
		for _, b := range t.in.buf[t.in.canon:] {
			t.echoCharLocked(b)
		}
	case c == '\n':
		if t.lflag(linux.ECHO) || t.lflag(linux.ECHONL) {
			t.echoLocked(echoRaw, '\n')
		}
		t.endLineLocked(c)
	case t.is(c, linux.VEOF):
		t.endLineLocked(eofByte)
	case t.is(c, linux.VEOL), t.is(c, linux.VEOL2) && extended:
		if t.lflag(linux.ECHO) {
			t.beginLineLocked()
			t.echoCharLocked(c)
		}
		if t.iflag(linux.PARMRK) && c == 0xff {
			t.storeLocked(c)
		}
		t.endLineLocked(c)
	default:
		return false
	}
	return true
}

// eraseLocked removes a character, a word or the line that is being edited, and shows it.
func (t *TTY) eraseLocked(c byte) {
	in := &t.in
	if len(in.buf) == in.canon {
		return
	}
	kind := linux.VERASE
	switch {
	case t.is(c, linux.VERASE):
	case t.is(c, linux.VWERASE):
		kind = linux.VWERASE
	default:
		kind = linux.VKILL
		if !t.lflag(linux.ECHO) {
			in.buf = in.buf[:in.canon]
			return
		}
		if !t.lflag(linux.ECHOK) || !t.lflag(linux.ECHOKE) || !t.lflag(linux.ECHOE) {
			in.buf = in.buf[:in.canon]
			t.finishErasingLocked()
			t.echoCharLocked(t.termios.Cc[linux.VKILL])
			if t.lflag(linux.ECHOK) {
				t.echoLocked(echoRaw, '\n')
			}
			return
		}
	}
	for inWord := false; len(in.buf) > in.canon; {
		head := t.characterLocked()
		first := in.buf[head]
		if t.isContinuation(first) {
			break // never a part of a character
		}
		if kind == linux.VWERASE {
			if isWord(first) {
				inWord = true
			} else if inWord {
				break
			}
		}
		rest := append([]byte(nil), in.buf[head+1:]...)
		in.buf = in.buf[:head]
		if t.lflag(linux.ECHO) {
			t.showErasedLocked(kind, first, rest)
		}
		if kind == linux.VERASE {
			break
		}
	}
	if len(in.buf) == in.canon && t.lflag(linux.ECHO) {
		t.finishErasingLocked()
	}
}

// characterLocked gives the index of the last character of the edited line.
func (t *TTY) characterLocked() int {
	head := len(t.in.buf) - 1
	for head > t.in.canon && t.isContinuation(t.in.buf[head]) {
		head--
	}
	return head
}

// showErasedLocked echoes the erasure of the character first, rest.
func (t *TTY) showErasedLocked(kind int, first byte, rest []byte) {
	switch {
	case t.lflag(linux.ECHOPRT):
		if !t.in.erased {
			t.echoLocked(echoRaw, '\\')
			t.in.erased = true
		}
		t.echoCharLocked(first)
		for _, b := range rest {
			t.echoLocked(echoRaw, b)
			t.echoLocked(echoMoveBack, 0)
		}
	case kind == linux.VERASE && !t.lflag(linux.ECHOE):
		t.echoCharLocked(t.termios.Cc[linux.VERASE])
	case first == '\t':
		t.eraseTabLocked()
	default:
		if isControl(first) && t.lflag(linux.ECHOCTL) {
			t.eraseColumnLocked()
		}
		if !isControl(first) || t.lflag(linux.ECHOCTL) {
			t.eraseColumnLocked()
		}
	}
}

// eraseColumnLocked blanks the column left of the cursor.
func (t *TTY) eraseColumnLocked() {
	t.echoLocked(echoRaw, '\b')
	t.echoLocked(echoRaw, ' ')
	t.echoLocked(echoRaw, '\b')
}

// eraseTabLocked moves back over a tab: to the column that the characters since the line's
// start, or since the tab before, have reached.
func (t *TTY) eraseTabLocked() {
	columns, mark := 0, byte(0)
scan:
	for i := len(t.in.buf) - 1; i >= t.in.canon; i-- {
		switch c := t.in.buf[i]; {
		case c == '\t':
			mark = 0x80
			break scan
		case isControl(c):
			if t.lflag(linux.ECHOCTL) {
				columns += 2
			}
		case !t.isContinuation(c):
			columns++
		}
	}
	t.echoLocked(echoEraseTab, byte(columns&7)|mark)
}

// finishErasingLocked closes the text that ECHOPRT shows for erased characters.
func (t *TTY) finishErasingLocked() {
	if t.in.erased {
		t.echoLocked(echoRaw, '/')
		t.in.erased = false
	}
}

// isWord is the kernel's isalnum (Latin-1), with the underscore.
func isWord(c byte) bool {
	switch {
	case c == '_', c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return true
	}
	return c >= 0xc0 && c != 0xd7 && c != 0xf7
}
