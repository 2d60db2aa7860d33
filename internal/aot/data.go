package aot

import (
	"fmt"
	"strings"
)

// writeData writes a module's data, its area, memory image and passive segments, to files and
// returns the assembly that includes them.
func (b *builder) writeData(m *module) (string, error) {
	var s strings.Builder
	out := m.out
	blob := func(section, symbol string, align int, data []byte) error {
		file := symbol + ".bin"
		fmt.Fprintf(&s, "\t.section %s, \"a\", @progbits\n\t.balign %d\n\t.globl %s\n\t.hidden %s\n\t.type %s, @object\n\t.size %s, %d\n%s:\n\t.incbin \"%s\"\n",
			section, align, symbol, symbol, symbol, symbol, len(data), symbol, file)
		return b.write(file, data)
	}
	if err := blob(areaSection, m.prefix+"area", pageSize, out.Area); err != nil {
		return "", err
	}
	if len(out.Image) > 0 {
		if err := blob(imageSection, m.prefix+"image", pageSize, out.Image); err != nil {
			return "", err
		}
	}
	for _, d := range out.Data {
		if err := blob(dataSection, d.Symbol, 16, d.Bytes); err != nil {
			return "", err
		}
	}
	out.Area, out.Image, out.Data = out.Area[:0:0], nil, nil
	return s.String(), nil
}

// submitData writes an assembly file of data and submits it; it returns the object's name.
func (p *pool) submitData(m *module, name, text string) (string, error) {
	text += "\t.section .note.GNU-stack, \"\", @progbits\n"
	if err := p.b.write(name, []byte(text)); err != nil {
		return "", err
	}
	p.submit(job{m: m, name: name, data: true})
	return name + ".o", nil
}

// Sections of the read-only segment that hold what is not clang's.
const (
	areaSection  = ".vk.area"
	imageSection = ".vk.image"
	dataSection  = ".vk.data"
	pageSize     = 4096
)
