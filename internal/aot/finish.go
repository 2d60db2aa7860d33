package aot

import (
	"bytes"
	"cmp"
	"context"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vkernel/internal/engine/layout"
)

// maxFrame is the largest native stack frame that is accepted; the guard below a stack is
// far larger.
const maxFrame = 1 << 20

// finish completes the areas and the metadata and renames the symbols; the result is "finished"
// in the scratch folder.
func (b *builder) finish(ctx context.Context, l *linked, programs []Input) (err error) {
	if err := l.patch(b.modules); err != nil {
		return err
	}
	if b.meta, err = b.metadata(l, programs); err != nil {
		return err
	}
	text, err := json.Marshal(b.meta)
	if err != nil {
		return err
	}
	if err := b.write("meta", text); err != nil {
		return err
	}
	if err := b.write("names", b.names()); err != nil {
		return err
	}
	return b.tools.run(ctx, b.dir, b.tools.objcopy, "--remove-section=.stack_sizes", "--remove-section=.comment",
		"--redefine-syms=names", "--add-section", layout.MetaSection+"=meta", "linked", "finished")
}

// metadata describes the linked file.
func (b *builder) metadata(l *linked, programs []Input) (*layout.Meta, error) {
	enter, err := l.code("vk_enter")
	if err != nil {
		return nil, err
	}
	frames := b.maxFrames(l)
	meta := &layout.Meta{Version: layout.Version, Enter: enter}
	for _, in := range programs {
		m := b.moduleOf(in)
		p := m.out.Program
		p.Name, p.Module = in.Name, m.hash
		if err := l.place(m, &p); err != nil {
			return nil, fmt.Errorf("program %s: %w", in.Name, err)
		}
		f := frames[m.prefix]
		if f.size > maxFrame {
			return nil, fmt.Errorf("program %s: function %s has a native stack frame of %d bytes, at most %d are supported",
				in.Name, strings.TrimPrefix(f.symbol, m.prefix), f.size, maxFrame)
		}
		p.MaxFrame = uint32(f.size)
		meta.Programs = append(meta.Programs, p)
	}
	return meta, nil
}

// place fills in what linking decided.
func (l *linked) place(m *module, p *layout.Program) (err error) {
	p.Exports = append([]layout.Export(nil), p.Exports...)
	for k, symbol := range m.out.Thunks {
		if p.Exports[k].Thunk, err = l.code(symbol); err != nil {
			return err
		}
	}
	if m.out.Start != "" {
		if p.Start, err = l.code(m.out.Start); err != nil {
			return err
		}
	}
	p.Code = l.extents(m.prefix)
	for _, r := range m.out.Refs {
		code, err := l.code(r.Symbol)
		if err != nil {
			return err
		}
		p.Refs = append(p.Refs, layout.Ref{Code: code, Type: r.Type})
	}
	if err := l.placeData(m, p); err != nil {
		return err
	}
	if p.AreaFile, err = l.offset(l.areas, m.prefix+"area"); err != nil {
		return err
	}
	if p.Memory.ImageSize > 0 {
		p.Memory.ImageFile, err = l.offset(l.images, m.prefix+"image")
	}
	return err
}

// placeData finds the passive data segments in the file.
func (l *linked) placeData(m *module, p *layout.Program) (err error) {
	p.Data = slices.Clone(p.Data)
	for i := range p.Data {
		symbol := m.prefix + "d" + strconv.Itoa(i)
		s, ok := l.symbols[symbol]
		if !ok || s.Size == 0 {
			continue // not passive, or empty
		}
		p.Data[i].Size = uint32(s.Size)
		if p.Data[i].File, err = l.offset(l.data, symbol); err != nil {
			return err
		}
	}
	return nil
}

// extents are the ranges of code offsets that a module's functions take. They are several if
// it was compiled together with others.
func (l *linked) extents(prefix string) (ranges [][2]uint32) {
	if l.functions == nil {
		for name, s := range l.symbols {
			if elf.ST_TYPE(s.Info) == elf.STT_FUNC {
				l.functions = append(l.functions, name)
			}
		}
		slices.SortFunc(l.functions, func(a, b string) int {
			return cmp.Or(cmp.Compare(l.symbols[a].Value, l.symbols[b].Value), cmp.Compare(a, b))
		})
	}
	open := false
	for _, name := range l.functions {
		if !strings.HasPrefix(name, prefix) {
			open = false
			continue
		}
		from := uint32(l.symbols[name].Value - l.text.Addr)
		if !open {
			ranges = append(ranges, [2]uint32{from, 0})
		}
		open = true
		ranges[len(ranges)-1][1] = from + uint32(l.symbols[name].Size)
	}
	return ranges
}

// frame is the largest frame of a program and whose it is.
type frame struct {
	symbol string
	size   uint64
}

// maxFrames finds the largest frame of each program, by prefix; the runtime's own count for
// all.
func (b *builder) maxFrames(l *linked) map[string]frame {
	frames := map[string]frame{}
	common := frame{}
	for name, s := range l.symbols {
		size, ok := l.frames[s.Value]
		if !ok {
			continue
		}
		prefix, _, isProgram := strings.Cut(name, "_")
		prefix += "_"
		switch {
		case isProgram && b.isPrefix(prefix):
			if f := frames[prefix]; size > f.size || size == f.size && name < f.symbol {
				frames[prefix] = frame{name, size}
			}
		case size > common.size:
			common = frame{name, size}
		}
	}
	for _, m := range b.modules {
		if common.size > frames[m.prefix].size {
			frames[m.prefix] = common
		}
	}
	return frames
}

// names lists the renamings: symbol, then <program>:<function>.
func (b *builder) names() []byte {
	var s bytes.Buffer
	for _, m := range b.modules {
		program := sanitise(m.name)
		for _, sym := range m.out.Symbols {
			fmt.Fprintf(&s, "%s %s:%s\n", sym.Symbol, program, sanitise(sym.Name))
		}
	}
	return s.Bytes()
}

// publish checks that the finished file has everything where the metadata says, and puts
// it in place.
func (b *builder) publish(l *linked) error {
	before := *l
	l.path = filepath.Join(b.dir, "finished")
	if err := l.read(); err != nil {
		return fmt.Errorf("finished file: %w", err)
	}
	if l.text.Addr != before.text.Addr || l.areas.Offset != before.areas.Offset ||
		(l.images != nil && l.images.Offset != before.images.Offset) {
		return fmt.Errorf("finished file: %s moved a section", b.tools.objcopy)
	}
	data, err := os.ReadFile(l.path)
	if err != nil {
		return err
	}
	return writeWhole(b.opts.OutAOT, data)
}
