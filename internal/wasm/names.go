package wasm

// FuncNames returns the function names of the "name" custom section by function index.
// The section is a hint for people: what is malformed in it or after it is left out, as
// are indices that are no function's. Names are arbitrary text of the module's author.
func (m *Module) FuncNames() map[uint32]string {
	names := map[uint32]string{}
	for i := range m.Customs {
		if c := &m.Customs[i]; c.Name == "name" {
			m.readNames(&buffer{data: c.Data, base: c.Offset}, names)
			break
		}
	}
	return names
}

// maxNameLen bounds one name, since Go, Rust and C++ have names of many kilobytes.
const maxNameLen = 4096

func (m *Module) readNames(b *buffer, names map[uint32]string) {
	for !b.done() {
		id, err := b.byte()
		if err != nil {
			return
		}
		size, err := b.u32()
		if err != nil {
			return
		}
		data, err := b.bytes(size)
		if err != nil {
			return
		}
		if id == 1 { // function names
			m.readNameMap(&buffer{data: data}, names)
			return
		}
	}
}

func (m *Module) readNameMap(b *buffer, names map[uint32]string) {
	n, err := b.count("names", 2, len(b.data))
	for i := 0; i < n && err == nil; i++ {
		var index uint32
		var name string
		if index, err = b.u32(); err != nil {
			return
		}
		if name, err = b.name(); err != nil {
			return
		}
		if index < m.NumFuncs() && name != "" {
			names[index] = clip(name, maxNameLen)
		}
	}
}

// clip shortens s to at most n bytes of whole characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
