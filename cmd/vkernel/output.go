package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// jsonFlag adds --json to a command whose output programs read.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "write JSON for programs")
}

// writeJSON writes v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// bytesText writes a size for people.
func bytesText(n uint64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, i := float64(n)/unit, 0
	for value >= unit && i < 3 {
		value, i = value/unit, i+1
	}
	return fmt.Sprintf("%.1f %s", value, []string{"KiB", "MiB", "GiB", "TiB"}[i])
}

// count writes a number of things for people.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// byteSize is a flag: a number of bytes with K, M or G behind it.
type byteSize int64

// Type names it in the help.
func (*byteSize) Type() string { return "bytes" }

func (b *byteSize) String() string {
	if *b == 0 {
		return "" // so that the help shows no default
	}
	return bytesText(uint64(*b))
}

// Set reads it.
func (b *byteSize) Set(s string) error {
	digits := strings.TrimRight(s, "KMG")
	n, err := strconv.ParseInt(digits, 10, 40)
	shift, ok := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30}[s[len(digits):]]
	if err != nil || !ok || n <= 0 || n<<shift>>shift != n {
		return fmt.Errorf("expected a number of bytes, with K, M or G behind it")
	}
	*b = byteSize(n << shift)
	return nil
}
