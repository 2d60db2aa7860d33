package syscalls

import (
	"testing"

	"vkernel/internal/linux"
)

// FuzzControl: whatever bytes a guest gives for control messages, each one lies within them, and
// reading them comes to an end.
func FuzzControl(f *testing.F) {
	f.Add([]byte("\x14\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00"))
	f.Add([]byte("\x11\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03"))
	f.Add([]byte("\xff\xff\xff\xff\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, p []byte) {
		for rounds := 0; ; rounds++ {
			c, rest, ok, e := nextControl(p)
			if e != 0 && e != linux.EINVAL || ok && e != 0 {
				t.Fatalf("%v, %v", ok, e)
			}
			if !ok {
				return
			}
			if len(c.data)+linux.CmsghdrSize > len(p) || len(rest) >= len(p) || rounds > len(p) {
				t.Fatalf("%d bytes of data, %d left of %d", len(c.data), len(rest), len(p))
			}
			p = rest
		}
	})
}
