package emit

import (
	"fmt"

	"vkernel/internal/wasm"
)

// The traps of an active segment that does not fit: instantiation fails, so what the program
// starts with is this trap, and neither its start function nor its entry point.
const (
	trapTable  = "vk_trap_table"
	trapMemory = "vk_trap_memory"
)

// elements fills tables with active segments and places passive ones.
func (p *program) elements() error {
	for i := range p.m.Elems {
		e := &p.m.Elems[i]
		if e.Mode == wasm.Declarative || e.Mode == wasm.Active && p.startTrap != "" {
			continue
		}
		dst := p.area.elems[i].offset
		if e.Mode == wasm.Active {
			at, err := p.evaluate(e.Offset)
			if err != nil {
				return err
			}
			t := p.area.tables[e.Table]
			if uint64(uint32(at.bits))+uint64(len(e.Inits)) > uint64(t.min) {
				p.startTrap = trapTable
				continue
			}
			dst = t.offset + 8*int64(uint32(at.bits))
		} else {
			p.put32(p.area.elems[i].length, uint32(len(e.Inits)))
		}
		if err := p.entries(dst, e.Inits); err != nil {
			return err
		}
	}
	return p.dedupe()
}

func (p *program) entries(dst int64, inits []wasm.Const) error {
	for k, init := range inits {
		c, err := p.evaluate(init)
		if err != nil {
			return err
		}
		p.put(dst+8*int64(k), c)
	}
	return nil
}

// dedupe keeps the last fixup of each place: segments may overwrite one another, also with
// null.
func (p *program) dedupe() error {
	last := make(map[uint32]int, len(p.out.Fixups))
	for i, f := range p.out.Fixups {
		last[f.Offset] = i
	}
	kept := p.out.Fixups[:0]
	for i, f := range p.out.Fixups {
		// An entry whose type id is 0 became null after this fixup was made.
		if last[f.Offset] == i && p.out.Area[f.Offset+4]|p.out.Area[f.Offset+5]|p.out.Area[f.Offset+6]|p.out.Area[f.Offset+7] != 0 {
			kept = append(kept, f)
		}
	}
	p.out.Fixups = kept
	return nil
}

// Bounds of the part of memory between the first and the last byte of active data, and of
// what of it is in no segment: the file of native code holds it all.
const (
	maxImage = 512 << 20
	maxGaps  = 64 << 20
)

// unplaced is the start of an active segment that is not written: a trap comes before it.
const unplaced = ^uint64(0)

// data makes the memory image of active segments and places passive ones.
func (p *program) data() error {
	starts := make([]uint64, len(p.m.Data))
	lo, hi, size := uint64(1<<32), uint64(0), uint64(0)
	for i := range p.m.Data {
		d := &p.m.Data[i]
		if d.Mode != wasm.Active {
			p.out.Data = append(p.out.Data, Blob{p.symbol('d', uint32(i)), d.Init})
			p.put32(p.area.data[i], uint32(len(d.Init)))
			continue
		}
		if starts[i] = unplaced; p.startTrap != "" {
			continue
		}
		at, err := p.evaluate(d.Offset)
		if err != nil {
			return err
		}
		start := uint64(uint32(at.bits))
		end := start + uint64(len(d.Init))
		if end > uint64(p.out.Program.Memory.Min)<<16 {
			p.startTrap = trapMemory
			continue
		}
		starts[i] = start
		if len(d.Init) > 0 {
			lo, hi, size = min(lo, starts[i]), max(hi, end), size+uint64(len(d.Init))
		}
	}
	switch {
	case hi == 0:
		return nil
	case hi-lo > size+maxGaps:
		return fmt.Errorf("data segments of %d bytes spread over %d bytes, at most %d more than they hold are supported", size, hi-lo, maxGaps)
	}
	return p.image(starts, lo&^4095, (hi+4095)&^4095)
}

func (p *program) image(starts []uint64, lo, hi uint64) error {
	if hi-lo > maxImage {
		return fmt.Errorf("data segments spread over %d bytes, at most %d are supported", hi-lo, maxImage)
	}
	image := make([]byte, hi-lo)
	for i := range p.m.Data {
		if d := &p.m.Data[i]; d.Mode == wasm.Active && len(d.Init) > 0 && starts[i] != unplaced {
			copy(image[starts[i]-lo:], d.Init)
		}
	}
	for len(image) > 0 && zero(image[:4096]) {
		image, lo = image[4096:], lo+4096
	}
	for len(image) > 0 && zero(image[len(image)-4096:]) {
		image = image[:len(image)-4096]
	}
	if len(image) > 0 {
		p.out.Image = image
		p.out.Program.Memory.ImageStart, p.out.Program.Memory.ImageSize = uint32(lo), uint32(len(image))
	}
	return nil
}

func zero(page []byte) bool {
	for _, b := range page {
		if b != 0 {
			return false
		}
	}
	return true
}
