package aot

import (
	"fmt"
	"strings"
)

// writeData writes the assembly file of a module's data: its area, memory image and passive
// segments.
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
	s.WriteString("\t.section .note.GNU-stack, \"\", @progbits\n")
	out.Area, out.Image, out.Data = out.Area[:0:0], nil, nil
	name := m.prefix + "data.S"
	return name, b.write(name, []byte(s.String()))
}

// Sections of the read-only segment that hold what is not clang's.
const (
	areaSection  = ".vk.area"
	imageSection = ".vk.image"
	dataSection  = ".vk.data"
	pageSize     = 4096
)
