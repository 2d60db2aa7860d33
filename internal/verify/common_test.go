package verify

import "testing"

// TestDecodeCommon: what decodeCommon takes is what the decoder of all instructions makes of it, for
// every prefix that it knows, opcode, modrm and sib byte.
func TestDecodeCommon(t *testing.T) {
	prepare()
	taken, bad := 0, 0
	try := func(b []byte) {
		var fast, whole inst
		b = append(b, make([]byte, 24)...)
		if !decodeCommon(b, &fast) {
			return
		}
		taken++
		if !decodeAny(b, &whole) || !fast.same(whole) {
			if bad++; bad < 20 {
				t.Errorf("% x: %+v, not %+v", b, fast, whole)
			}
		}
	}
	for c := range 256 {
		for modrm := range 256 {
			sibs := 2
			if modrm < 0xc0 && modrm&7 == 4 {
				sibs = 256
			}
			for sib := range sibs {
				tail := []byte{byte(c), byte(modrm), byte(sib), 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 0x09, 0x1a, 0x2b, 0x3c}
				if sib&1 != 0 {
					tail[3], tail[6] = 0x7f, 0x12
				}
				if c == 0x0f {
					for second := range 256 {
						if common[256+second].form == uncommon && (modrm|sib)&0x1f != 0 {
							continue
						}
						two := append([]byte{0x0f, byte(second)}, tail[1:]...)
						for _, prefix := range []byte{0x65, 0x40, 0x41, 0x44, 0x42, 0x48, 0x4f} {
							try(append([]byte{prefix}, two...))
							try(append([]byte{0x65, prefix}, two...))
						}
						try(two)
					}
				}
				if common[c].form == uncommon {
					try(tail)
					continue
				}
				for prefixes := range 34 {
					var b []byte
					if prefixes&1 != 0 {
						b = append(b, 0x65)
					}
					if rex := prefixes >> 1; rex < 16 {
						b = append(b, 0x40|byte(rex))
					}
					try(append(b, tail...))
				}
			}
		}
	}
	if t.Logf("%d encodings", taken); taken < 1e6 {
		t.Error("hardly anything is common")
	}
}

// same compares what the decoders give, but how it is taken later.
func (in inst) same(o inst) bool {
	in.quick, o.quick = slow, slow
	return in == o
}
