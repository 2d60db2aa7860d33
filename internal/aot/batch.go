package aot

import (
	"bytes"
	"fmt"
	"strconv"

	"vkernel/internal/emit"
)

// batch is C of several small modules on the way into one file: a compiler takes longer to
// start than to compile one of them. All their names are their own in C as well as in the
// object.
type batch struct {
	text  []byte
	data  string
	count int
	files int
	first *module // names the file in errors
}

// put adds a module that is small enough; the caller flushes the batch before it is full.
func (b *batch) put(m *module, f *emit.File, data string) {
	if b.count == 0 {
		b.first = m
		b.text = append(b.text, "#include \"vk.h\"\n#include \"vk_simd.h\"\n"...)
	}
	b.count++
	b.data += data
	b.text = append(b.text, "#undef VK_NAME\n"...)
	b.text = appendRenamed(b.text, f.Text, "_"+strconv.Itoa(b.count))
}

// appendRenamed appends emitted C with a suffix to each name that other modules use too:
// those of functions (fn<n>), thunks (x<n>, start) and data (d<n>). What stands in VK_NAME is
// a symbol, and unique.
func appendRenamed(b, text []byte, suffix string) []byte {
	const symbol = "VK_NAME("
	for len(text) > 0 {
		n := identifier(text)
		word := text[:max(n, 1)]
		b = append(b, word...)
		text = text[len(word):]
		switch {
		case n == 0:
		case bytes.HasPrefix(text, []byte("(")) && string(word) == symbol[:len(symbol)-1]:
			end := bytes.IndexByte(text, ')') + 1
			b, text = append(b, text[:end]...), text[end:]
		case shared(word):
			b = append(b, suffix...)
		}
	}
	return b
}

// identifier is the length of the identifier or number that text starts with.
func identifier(text []byte) (n int) {
	for n < len(text) && (text[n] == '_' || text[n] >= '0' && text[n] <= '9' || text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z') {
		n++
	}
	return n
}

// shared says whether modules have this name in common.
func shared(word []byte) bool {
	if string(word) == "start" {
		return true
	}
	for _, prefix := range []string{"fn", "x", "d"} {
		if rest, ok := bytes.CutPrefix(word, []byte(prefix)); ok && len(rest) > 0 && digits(rest) {
			return true
		}
	}
	return false
}

func digits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// flush submits what has come together and returns the names of its objects.
func (p *pool) flush(b *batch) ([]string, error) {
	if b.count == 0 {
		return nil, nil
	}
	name := fmt.Sprintf("batch%d", b.files)
	data, err := p.submitData(b.first, name+"_data.S", b.data)
	p.submit(job{m: b.first, name: name + ".c", text: b.text, batch: true})
	*b = batch{files: b.files + 1}
	return []string{data, name + ".c.o"}, err
}
