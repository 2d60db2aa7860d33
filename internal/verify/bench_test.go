package verify

import (
	"os"
	"testing"
)

// BenchmarkText verifies the file that VK_AOT names, or small real modules.
func BenchmarkText(b *testing.B) {
	var c *Code
	if path := os.Getenv("VK_AOT"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		if c, err = Parse(data); err != nil {
			b.Fatal(err)
		}
	} else {
		c = realCode(b)
	}
	b.SetBytes(int64(len(c.Text.Bytes)))
	for b.Loop() {
		if _, err := Text(c); err != nil {
			b.Fatal(err)
		}
	}
}
