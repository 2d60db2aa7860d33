package mm

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// placed keeps contents in a memory file, those of pages at a page's place.
type placed struct {
	t    *testing.T
	file *os.File
	at   int64
}

func newPlaced(t *testing.T) *placed {
	fd, err := unix.MemfdCreate("placed", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	p := &placed{t: t, file: os.NewFile(uintptr(fd), "placed")}
	t.Cleanup(func() { p.file.Close() })
	return p
}

func (p *placed) seal() {
	if _, err := unix.FcntlInt(p.file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW); err != nil {
		p.t.Fatal(err)
	}
}

func (p *placed) Put(b []byte) (c state.Chunk, err error) {
	if len(b)%pageSize == 0 {
		p.at = (p.at + pageSize - 1) / pageSize * pageSize
	}
	binary.LittleEndian.PutUint64(c[:], uint64(p.at))
	n, err := p.file.WriteAt(b, p.at)
	p.at += int64(n)
	return c, err
}

func (p *placed) Get(c state.Chunk, size int) ([]byte, error) {
	b := make([]byte, size)
	_, err := p.file.ReadAt(b, int64(binary.LittleEndian.Uint64(c[:])))
	return b, err
}

func (p *placed) Place(c state.Chunk, _ int) (fd int, offset int64, ok bool) {
	return int(p.file.Fd()), int64(binary.LittleEndian.Uint64(c[:])), true
}

// TestLoadPlaced: memory that was saved into a file which is sealed is mapped from there, by several spaces, which have all of it, each by
// itself; they are forked and saved as any other.
func TestLoadPlaced(t *testing.T) {
	for k, p := range loadAll(t) {
		for seed := range uint64(6) {
			r := rand.New(rand.NewPCG(seed, uint64(k)))
			s := newSpace(t, p, Limits{})
			p.Code().FreezeFrom(8)
			for range 60 {
				random(r, s)
			}
			const large = 0x5000_0000
			if _, e := s.Map(large, 300*pageSize, rw, linux.MAP_ANONYMOUS|linux.MAP_PRIVATE|linux.MAP_FIXED, nil, 0); e != 0 {
				t.Fatal(e)
			}
			for page := range uint32(300) {
				if page != 200 {
					s.inst.Memory().Write(large+page*pageSize, []byte{1, byte(page), byte(seed)})
				}
			}
			m := newPlaced(t)
			e := state.NewEncoder(Types, time.Now(), m)
			e.External("program", p)
			b, err := e.Save(s)
			if err != nil {
				t.Fatal(err)
			}
			m.seal()
			before := p.Code().LayerBytes()
			var copies []*Space
			for range 2 {
				d := state.NewDecoder(Types, time.Now(), m)
				d.External("program", p)
				o, err := d.Load(b)
				if err != nil {
					t.Fatal(err)
				}
				c := o.(*Space)
				t.Cleanup(func() { c.Free() })
				same(t, s, c)
				copies = append(copies, c)
			}
			if got := p.Code().LayerBytes() - before; got < 2*299*pageSize {
				t.Errorf("of 299 pages %d bytes are mapped by two copies", got)
			}
			for page := range uint32(300) {
				copies[0].inst.Memory().Write(large+page*pageSize, []byte{2})
			}
			same(t, s, copies[1])
			forkOnce(t, p, copies[0])
			for page := range uint32(300) {
				s.inst.Memory().Write(large+page*pageSize, []byte{2})
			}
			again := chunks{}
			saved, err := saveSpace(copies[0], again)
			if err != nil {
				t.Fatal(err)
			}
			c, err := loadSpace(p, saved, again)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Free() })
			same(t, s, c)
			got := contents(t, copies[1], &copies[1].areas.list[copies[1].areas.first(large)])
			if !bytes.Equal(got[:3], []byte{1, 0, byte(seed)}) {
				t.Errorf("a copy has %v of what another wrote", got[:3])
			}
		}
	}
}
