package syscalls

import (
	"os"
	"runtime/debug"
	"testing"

	"vkernel/internal/engine"
	"vkernel/internal/engine/enginetest"
	"vkernel/internal/linux"
)

// FuzzVectors reads arrays of struct iovec, Linux's as well as WASI's: what is used is within
// bounds, and no member is empty.
func FuzzVectors(f *testing.F) {
	file, err := os.Open(enginetest.File(f))
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	code, err := engine.LoadVerified(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { code.Close() })
	inst, e := code.Programs()[0].New()
	if e != 0 {
		f.Fatal(e)
	}
	f.Cleanup(func() { inst.Free() })
	m := inst.Memory()

	const base, size = 0x1000, 4 << 16
	f.Add([]byte{0, 0x10, 0, 0, 8, 0, 0, 0}, uint32(base), int32(1))
	f.Add([]byte{0, 0x10, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f}, uint32(base), int32(3))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0x80}, uint32(base), int32(1))
	f.Add([]byte{}, uint32(0xfffffff8), int32(1024))
	f.Add([]byte{}, uint32(0), int32(-1))
	f.Fuzz(func(t *testing.T, data []byte, at uint32, count int32) {
		debug.SetPanicOnFault(true) // this goroutine's
		if e := m.Write(base, data[:min(len(data), 1<<15)]); e != 0 {
			t.Fatal(e)
		}
		v, total, e := vectors(m, at, count)
		if e != 0 {
			if v != nil || total != 0 || e != linux.EINVAL && e != linux.EFAULT {
				t.Fatalf("%v with %d members, %d bytes", e, len(v), total)
			}
			return
		}
		sum, outside := 0, false
		for _, x := range v {
			if x.Len == 0 {
				t.Error("an empty member")
			}
			sum += int(x.Len)
			outside = outside || uint64(x.Base)+uint64(x.Len) > size
		}
		if sum != total || total > maxTransfer || len(v) > int(count) {
			t.Fatalf("%d members of %d bytes for %d, said to be %d", len(v), sum, count, total)
		}
		if total > 1<<20 {
			return
		}
		if p, e := gather(m, v, total); (e == 0) == outside || e == 0 && len(p) != total {
			t.Errorf("gather: %v, %d bytes of %d; outside is %v", e, len(p), total, outside)
		}
	})
}
