package verify

import (
	"bufio"
	"bytes"
	"debug/elf"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const objdump = "llvm-objdump-19"

// line is an instruction as the oracle sees it.
type line struct {
	at             uint64
	mnemonic, text string
	size           int
}

// noIndex is how the oracle shows an index that is none, in an encoding that could do without.
var noIndex = regexp.MustCompile(`,%riz(,[1248])?`)

var lineForm = regexp.MustCompile(`^\s*([0-9a-f]+):((?: [0-9a-f]{2})+)\s+(\S+)(.*)$`)

// disassemble lists the instructions of an object file's text.
func disassemble(t *testing.T, path string) []line {
	t.Helper()
	out, err := exec.Command(objdump, "-d", "--no-symbolic-operands", path).Output()
	if err != nil {
		t.Skipf("%s: %v", objdump, err)
	}
	var lines []line
	s := bufio.NewScanner(bytes.NewReader(out))
	for s.Scan() {
		m := lineForm.FindStringSubmatch(s.Text())
		if m == nil {
			continue
		}
		at, _ := strconv.ParseUint(m[1], 16, 64)
		mnemonic, text := m[3], m[4]
		for _, p := range []string{"lock", "rep", "repne"} {
			if mnemonic == p && strings.TrimSpace(text) != "" {
				mnemonic, text, _ = strings.Cut(strings.TrimSpace(text), "\t")
			}
		}
		text, _, _ = strings.Cut(text, "#")
		text, _, _ = strings.Cut(text, "<")
		text = noIndex.ReplaceAllString(text, "")
		if n := len(lines); n > 0 && lines[n-1].mnemonic == "lock" { // on a line of its own
			lines[n-1] = line{lines[n-1].at, mnemonic, strings.TrimSpace(text), lines[n-1].size + len(m[2])/3}
			continue
		}
		lines = append(lines, line{at, mnemonic, strings.TrimSpace(text), len(m[2]) / 3})
	}
	return lines
}

// operandText is a memory operand in the oracle's notation.
func (m *memory) text() string {
	if m.access == 0 {
		return ""
	}
	s := ""
	if m.gs {
		s = "%gs:"
	}
	name := func(r reg) string {
		if !m.narrow {
			return "%" + regNames[r]
		}
		if r >= 8 {
			return "%" + regNames[r] + "d"
		}
		return "%e" + regNames[r][1:]
	}
	disp := ""
	if m.disp != 0 || m.base == noReg && m.index == noReg && !m.rip {
		if disp = fmt.Sprintf("%#x", m.disp); m.disp < 0 {
			disp = fmt.Sprintf("-%#x", -m.disp)
		}
	}
	switch {
	case m.rip:
		return s + disp + "(%rip)"
	case m.index != noReg && m.base != noReg:
		if m.scale > 1 {
			return fmt.Sprintf("%s%s(%s,%s,%d)", s, disp, name(m.base), name(m.index), m.scale)
		}
		return fmt.Sprintf("%s%s(%s,%s)", s, disp, name(m.base), name(m.index))
	case m.index != noReg:
		return fmt.Sprintf("%s%s(,%s,%d)", s, disp, name(m.index), m.scale)
	case m.base != noReg:
		return fmt.Sprintf("%s%s(%s)", s, disp, name(m.base))
	}
	return s + disp
}

var memForm = regexp.MustCompile(`(%gs:)?(-?0x[0-9a-f]+)?\([^)]*\)|%gs:-?0x[0-9a-f]+`)

// compare checks a decoded instruction against the oracle's line.
func compare(b []byte, l line) string {
	var in inst
	if !decode(b, &in) {
		return "refused"
	}
	if int(in.len) != l.size {
		return fmt.Sprintf("length %d", in.len)
	}
	if in.op == opPad {
		return ""
	}
	want := strings.ReplaceAll(memForm.FindString(l.text), ",1)", ")") // a scale that says nothing
	if got := strings.ReplaceAll(in.mem.text(), ",1)", ")"); got != want {
		return fmt.Sprintf("memory %q, want %q", got, want)
	}
	return compareEffect(&in, l)
}

// compareEffect checks the written register and what is done to memory.
func compareEffect(in *inst, l line) string {
	ops := splitOperands(l.text)
	last := ""
	if len(ops) > 0 {
		last = ops[len(ops)-1]
	}
	reads := map[string]bool{"cmp": true, "tes": true, "bt": true, "uco": true, "com": true, "pus": true, "cal": true, "jmp": true, "pte": true}
	head := l.mnemonic[:min(3, len(l.mnemonic))]
	readOnly := reads[head] && !strings.HasPrefix(l.mnemonic, "cmpx") || strings.TrimRight(l.mnemonic, "wlq") == "bt" || in.op == opMulDiv || strings.HasPrefix(l.mnemonic, "imul") && len(ops) == 1
	isMem := memForm.MatchString(last)
	written := !readOnly && isMem && in.op != opLea
	if got := in.mem.access&writes != 0; got != written && in.op != opMulDiv && in.op != opXchg && in.op != opXadd {
		return fmt.Sprintf("writes memory: %v, want %v", got, written)
	}
	if n, ok := regNumber[strings.TrimPrefix(last, "%")]; ok && !readOnly && strings.HasPrefix(last, "%") {
		if in.op == opXchg || in.op == opXadd || in.op == opCwd || in.op == opCdqe {
			return ""
		}
		if in.dst != n.r && in.op != opPush {
			return fmt.Sprintf("destination %#x, want %#x", in.dst, n.r)
		}
		if in.size != n.size && in.op != opPush {
			return fmt.Sprintf("size %d, want %d", in.size, n.size)
		}
	} else if in.dst != noReg && !readOnly && in.dst.isGeneral() && strings.Contains(last, "xmm") {
		return fmt.Sprintf("destination %#x, want none", in.dst)
	}
	return ""
}

func splitOperands(s string) []string {
	var ops []string
	depth, start := 0, 0
	for i, c := range s {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			ops = append(ops, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	return append(ops, strings.TrimSpace(s[start:]))
}

type sizedReg struct {
	r    reg
	size uint8
}

var regNumber = func() map[string]sizedReg {
	m := map[string]sizedReg{}
	for i, n := range regNames {
		m[n] = sizedReg{reg(i), 8}
	}
	for i, n := range []string{"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"} {
		m["e"+n], m[n] = sizedReg{reg(i), 4}, sizedReg{reg(i), 2}
	}
	for i, n := range []string{"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"} {
		m[n] = sizedReg{reg(i), 1}
	}
	for i, n := range []string{"ah", "ch", "dh", "bh"} {
		m[n] = sizedReg{reg(i) | highByte, 1}
	}
	for i := 8; i < 16; i++ {
		for _, s := range []struct {
			suffix string
			size   uint8
		}{{"d", 4}, {"w", 2}, {"b", 1}} {
			m[fmt.Sprintf("r%d%s", i, s.suffix)] = sizedReg{reg(i), s.size}
		}
	}
	return m
}()

// TestDecodeRealText compares every instruction of the megabinaries that were built with an
// independent disassembler.
func TestDecodeRealText(t *testing.T) {
	files, _ := filepath.Glob("../../out/*.vk/*.aot")
	if len(files) == 0 {
		t.Skip("nothing built in out/")
	}
	for _, path := range files {
		f, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		section := f.Section(".text")
		text, err := section.Data()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		bad := 0
		lines := disassemble(t, path)
		for _, l := range lines {
			if why := compare(text[l.at-section.Addr:], l); why != "" {
				if bad++; bad < 20 {
					t.Errorf("%s %#x %s %s: %s", path, l.at, l.mnemonic, l.text, why)
				}
			}
		}
		t.Logf("%s: %d instructions, %d differ", path, len(lines), bad)
	}
}
