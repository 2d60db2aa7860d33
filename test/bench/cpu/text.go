package main

import (
	"bufio"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Sizes of the text that gzip compresses, and of its beginning that gawk reads.
const (
	textSize = 50 << 20
	partSize = 3 << 20
)

// makeText writes the text, if it is not there: lines of words of an invented language, a few
// of which are frequent, always the same.
func makeText(path string) error {
	if s, err := os.Stat(path); err == nil && s.Size() >= textSize {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := writeText(path+".part", partSize); err != nil {
		return err
	}
	return writeText(path, textSize)
}

func writeText(path string, size int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b := bufio.NewWriter(f)
	r := rand.New(rand.NewPCG(1, 2))
	words := language(r)
	for n := 0; n < size; {
		for k := 5 + r.IntN(10); k > 0; k-- {
			rank := int(math.Pow(1-r.Float64(), -1.4)) - 1
			word := words[min(uint(rank), uint(len(words)-1))]
			n += len(word) + 1
			io.WriteString(b, word)
			b.WriteByte(" \n"[btoi(k == 1)])
		}
	}
	return b.Flush()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// language invents words.
func language(r *rand.Rand) []string {
	const letters = "etaoinshrdlucmfwypvbgkqjxz"
	words := make([]string, 5000)
	for i := range words {
		w := make([]byte, 2+r.IntN(8))
		for k := range w {
			w[k] = letters[r.IntN(len(letters))]
		}
		words[i] = string(w)
	}
	return words
}
