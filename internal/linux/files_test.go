package linux

import (
	"encoding/binary"
	"testing"
)

// TestFileStructs holds the sizes of structures that are copied whole.
func TestFileStructs(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		v    any
	}{
		{"stat", 144, Stat{}}, {"statx", 256, Statx{}}, {"statfs", 120, Statfs{}}, {"open_how", 24, OpenHow{}},
	} {
		if n := binary.Size(c.v); n != c.size {
			t.Errorf("struct %s has %d bytes, want %d", c.name, n, c.size)
		}
	}
}

// TestDirents: entries are aligned, end in zeros, and are refused where they do not fit.
func TestDirents(t *testing.T) {
	d := Dirent{Ino: 1, Off: 2, Type: DT_DIR, Name: "name"}
	p := make([]byte, 24)
	for i := range p {
		p[i] = 0xff
	}
	if n := d.Put64(p); n != 24 || string(p[19:24]) != "name\x00" || p[18] != DT_DIR || p[16] != 24 {
		t.Errorf("%d %x", n, p)
	}
	if n := d.Put64(p[:23]); n != 0 {
		t.Error("it does not fit")
	}
	if n := d.Put(p); n != 24 || string(p[18:23]) != "name\x00" || p[23] != DT_DIR {
		t.Errorf("%d %x", n, p)
	}
	if n := d.Put(p[:23]); n != 0 {
		t.Error("it does not fit")
	}
}

func TestDeviceNumbers(t *testing.T) {
	for _, n := range [][2]uint32{{0, 0}, {1, 3}, {5, 0}, {136, 300}, {0xfff, 0xff}, {0x12345678, 0x9abcdef0}} {
		if d := Makedev(n[0], n[1]); Major(d) != n[0] || Minor(d) != n[1] {
			t.Errorf("%v becomes %#x", n, d)
		}
	}
}
