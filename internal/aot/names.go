package aot

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// An object is of use to each module that has the same C in one of its files, wherever its functions
// are in the module: a changed program is compiled anew only where it changed. So the C that
// is compiled, and by whose hash its object is kept, has numbers of its own for the functions that it
// names, in the order in which it names them, and a prefix that says nothing of the module; the
// object's symbols get their names in this build when it is taken (name, below).

// ownPrefix starts the symbols of an object until it is named.
const ownPrefix = "vk_own_"

// ownNames gives C of one module names of its own. symbols are those of the build, by the object's.
func ownNames(text []byte, prefix string) (own []byte, symbols map[string]string) {
	const symbol = "VK_NAME("
	own, symbols = make([]byte, 0, len(text)), map[string]string{}
	numbers := map[string]string{} // of functions in text: fn<number>
	number := func(word []byte) string {
		n, ok := numbers[string(word)]
		if !ok {
			n = strconv.Itoa(len(numbers))
			numbers[string(word)] = n
		}
		return n
	}
	define := []byte("#define " + symbol + "n) __asm__(\"" + prefix + "\" #n)")
	for len(text) > 0 {
		n := identifier(text)
		word := text[:max(n, 1)]
		switch digit, isFunction := bytes.CutPrefix(word, []byte("fn")); {
		case n == 0 && word[0] == '#' && bytes.HasPrefix(text, define):
			own = append(own, "#define "+symbol+"n) __asm__(\""+ownPrefix+"\" #n)"...)
			word = text[:len(define)]
		case isFunction && len(digit) > 0 && digits(digit):
			own = append(append(own, "fn"...), number(digit)...)
		case string(word) == "VK_NAME" && bytes.HasPrefix(text, []byte(symbol)):
			end := bytes.IndexByte(text, ')')
			name := string(text[len(symbol):end])
			mine := name
			if digit, ok := strings.CutPrefix(name, "f"); ok && digits([]byte(digit)) {
				mine = "f" + number([]byte(digit))
			}
			symbols[ownPrefix+mine] = prefix + name
			own = append(append(append(own, symbol...), mine...), ')')
			word = text[:end+1]
		default:
			own = append(own, word...)
		}
		text = text[len(word):]
	}
	return own, symbols
}

// name gives an object's symbols their names in this build.
func name(object []byte, symbols map[string]string) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	for _, s := range f.Sections {
		if s.Type != elf.SHT_SYMTAB {
			continue
		}
		if int(s.Link) >= len(f.Sections) {
			return nil, fmt.Errorf("section %s refers to section %d of %d", s.Name, s.Link, len(f.Sections))
		}
		names, err := f.Sections[s.Link].Data()
		if err != nil {
			return nil, err
		}
		names = bytes.Clone(names) // sections may have their names in it, too: what is there stays
		object = bytes.Clone(object)
		for at := s.Offset; at+elf.Sym64Size <= s.Offset+s.Size; at += elf.Sym64Size {
			from := uint64(le.Uint32(object[at:]))
			length := bytes.IndexByte(names[min(from, uint64(len(names))):], 0)
			if length < 0 {
				return nil, fmt.Errorf("the name of the symbol at %#x does not end", at)
			}
			was := string(names[from : from+uint64(length)])
			if !strings.HasPrefix(was, ownPrefix) {
				continue
			}
			is, ok := symbols[was]
			if !ok {
				return nil, fmt.Errorf("symbol %s is not one that its text declares", was)
			}
			le.PutUint32(object[at:], uint32(len(names)))
			names = append(append(names, is...), 0)
		}
		header := le.Uint64(object[0x28:]) + uint64(s.Link)*64 // e_shoff; of an Elf64_Shdr
		le.PutUint64(object[header+24:], uint64(len(object)))  // sh_offset
		le.PutUint64(object[header+32:], uint64(len(names)))   // sh_size
		return append(object, names...), nil
	}
	return object, nil
}
