package mm

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
)

// mappedFile is a file as a Source.
type mappedFile struct {
	vfs.File
	origin Origin
}

func (m *mappedFile) Origin() Origin { return m.origin }

// TestSaveFile: mappings of a file in memory, shared and private, show the file that was saved with them, and what was
// written over it.
func TestSaveFile(t *testing.T) {
	fs, e := memfs.New(memfs.Options{Dev: 5})
	if e != 0 {
		t.Fatal(e)
	}
	c := vfs.NewContext(vfs.NewNamespace(fs, "", 0), vfs.Root(), nil)
	f, _, e := c.Open(vfs.Path{}, "/f", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_RDWR, Mode: 0o644})
	if e != 0 {
		t.Fatal(e)
	}
	f.Write(bytes.Repeat([]byte("file"), 8*pageSize/4), 0)
	p := load(t)
	s := newSpace(t, p, Limits{})
	maps := func(flags int, off int64) uint32 {
		t.Helper()
		object, e := f.(vfs.Mapper).Mapping(flags == linux.MAP_SHARED)
		if e != 0 {
			t.Fatal(e)
		}
		defer object.Release()
		at, e := s.Map(0, 4*pageSize, rw, flags, &mappedFile{f, Origin{Path: "/f", Dev: 5, Ino: 2, Writable: object.Writes(), Object: object}}, off)
		if e != 0 {
			t.Fatal(e)
		}
		return at
	}
	shared, private := maps(linux.MAP_SHARED, 0), maps(linux.MAP_PRIVATE, 2*pageSize)
	s.inst.Memory().Write(shared+5, []byte("through the mapping"))
	s.inst.Memory().Write(private+pageSize, []byte("only here"))

	for range 2 {
		m := chunks{}
		types := slices.Concat(Types, memfs.Types, vfs.Types, []state.Type{state.Of[spaceAndFile](1)})
		e := state.NewEncoder(types, time.Now(), m)
		e.External("program", p)
		b, err := e.Save(&spaceAndFile{s, f})
		if err != nil {
			t.Fatal(err)
		}
		d := state.NewDecoder(types, time.Now(), m)
		d.External("program", p)
		o, err := d.Load(b)
		if err != nil {
			t.Fatal(err)
		}
		again := o.(*spaceAndFile)
		s, f = again.space, again.file
		loaded := s
		t.Cleanup(func() { loaded.Free() })
		want := func(at uint32, text string) {
			t.Helper()
			got := make([]byte, len(text))
			if e := s.inst.Memory().Read(at, got); e != 0 || string(got) != text {
				t.Errorf("%#x: %q, %v, want %q", at, got, e, text)
			}
		}
		want(shared, "filefthrough the mappingfile")
		want(private, "filefile")
		want(private+pageSize, "only hereilefile")
		got := make([]byte, 9)
		if f.Read(got, 3*pageSize); string(got) != "filefilef" {
			t.Errorf("the file has %q where a private page was written to", got)
		}
		// All three are one file again, but for the page that was written to.
		f.Write([]byte("written"), 2*pageSize)
		want(shared+2*pageSize, "written")
		want(private, "written")
		f.Write([]byte("filefil"), 2*pageSize)
		s.inst.Memory().Write(shared+3*pageSize, []byte("SHARED"))
		if f.Read(got, 3*pageSize); string(got) != "SHAREDlef" {
			t.Errorf("the file has %q", got)
		}
		want(private+pageSize, "only here")
		s.inst.Memory().Write(shared+3*pageSize, []byte("filefi"))
	}
	if e := s.Unmap(shared, 4*pageSize); e != 0 {
		t.Fatal(e)
	}
	if e := s.Unmap(private, 4*pageSize); e != 0 {
		t.Fatal(e)
	}
	if n := fs.MemoryBytes(); n == 0 {
		t.Error("the file of the first space is no memory")
	}
	m, e := f.(vfs.Mapper).Mapping(false)
	if e != 0 || m.Users() != 1 {
		t.Errorf("after the last mapping %d hold the file, %v", m.Users()-1, e)
	}
}

// spaceAndFile is a space with a file that it maps.
type spaceAndFile struct {
	space *Space
	file  vfs.File
}

func (*spaceAndFile) StateType() string { return "mm.spaceAndFile" }

func (v *spaceAndFile) SaveState(e *state.Encoder) {
	state.Ref(e, v.space)
	state.RefAny(e, v.file)
}

func (v *spaceAndFile) LoadState(d *state.Decoder) {
	v.space, v.file = state.Need[*Space](d), state.Need[vfs.File](d)
}
