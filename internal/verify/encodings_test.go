package verify

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// randomEncoding is bytes that may be an instruction: prefixes in any order and number, an
// opcode of any map, and anything.
func randomEncoding(r *rand.Rand) []byte {
	var b []byte
	for r.IntN(2) == 0 && len(b) < 3 {
		b = append(b, []byte{0x66, 0xf2, 0xf3, 0xf0, 0x65, 0x2e, 0x67, 0x64, 0x36, 0x3e, 0x26}[r.IntN(11)])
	}
	if r.IntN(2) == 0 {
		b = append(b, 0x40|byte(r.IntN(16)))
	}
	b = append(b, [][]byte{nil, nil, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}}[r.IntN(5)]...)
	for range 12 {
		b = append(b, byte(r.IntN(256)))
	}
	return b
}

// TestDecodeRandom compares what the decoder makes of unusual encodings, those that it accepts, with an
// independent disassembler.
func TestDecodeRandom(t *testing.T) {
	for _, tool := range []string{clang, objdump} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	const tried = 60000
	r := rand.New(rand.NewPCG(5, 6))
	var blob []byte
	starts := map[uint64]bool{}
	for range tried {
		b := randomEncoding(r)
		var in inst
		m := &in.mem
		if !decode(b, &in) || in.op == opPad || m.access != 0 && m.base == noReg && m.index == noReg && !m.rip {
			continue // an absolute address is shown in several ways
		}
		starts[uint64(len(blob))] = true
		blob = append(append(blob, b[:in.len]...), nops(maxLength)...)
	}
	dir := t.TempDir()
	object := filepath.Join(dir, "blob.o")
	if err := os.WriteFile(filepath.Join(dir, "blob"), blob, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(clang, "--target=x86_64-linux-gnu", "-c", "-x", "assembler", "-", "-o", object)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(".text\n.incbin \"blob\"\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	bad := 0
	for _, l := range disassemble(t, object) {
		if !starts[l.at] {
			if l.mnemonic != "nop" {
				t.Errorf("%#x: an instruction where there is none: %s %s", l.at, l.mnemonic, l.text)
			}
			continue
		}
		delete(starts, l.at)
		if why := compare(blob[l.at:], l); why != "" {
			if bad++; bad < 40 {
				t.Errorf("% x: %s %s: %s", blob[l.at:][:l.size], l.mnemonic, l.text, why)
			}
		}
	}
	t.Logf("%d bytes, %d differ, %d not seen", len(blob), bad, len(starts))
}
