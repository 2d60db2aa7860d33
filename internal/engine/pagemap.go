package engine

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// pagemap finds the private pages of a range: those that the process has written to since
// they were mapped, and only those. It is opened once, because a sandbox has no procfs.
type pagemap struct {
	file *os.File
	fd   uintptr
	scan bool // the host has PAGEMAP_SCAN (Linux 6.7)

	vecs sync.Pool // *[128]region: the host writes to them, so they must not be on a stack
}

// Of include/uapi/linux/fs.h.
const (
	pagemapScan = 0xc0606610 // _IOWR('f', 16, struct pm_scan_arg)
	pageFile    = 1 << 2
	pagePresent = 1 << 3
	pageSwapped = 1 << 4
	pageZero    = 1 << 5
)

// Bits of an entry of /proc/PID/pagemap.
const (
	entryPresent = 1 << 63
	entrySwapped = 1 << 62
	entryFile    = 1 << 61
)

// scanArg is struct pm_scan_arg, region struct page_region.
type scanArg struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages uint64
	inverted, mask, anyOf, returned                         uint64
}

type region struct{ start, end, categories uint64 }

func openPagemap(h Host) (*pagemap, error) {
	f := h.Pagemap
	if f == nil {
		var err error
		if f, err = os.Open("/proc/self/pagemap"); err != nil {
			return nil, fmt.Errorf("open the map of this process's pages: %w", err)
		}
	}
	m := &pagemap{file: f, fd: f.Fd(), scan: true}
	m.vecs.New = func() any { return new([128]region) }
	m.scan = !h.NoScan && m.walk(0, pageSize, 0, func(_, _ uintptr) {}) == 0
	return m, nil
}

func (m *pagemap) close() error { return m.file.Close() }

// private calls f for each run of private pages in [at, at+size), in order.
func (m *pagemap) private(at, size uintptr, f func(at, size uintptr)) linux.Errno {
	return m.walk(at, size, pageFile|pageZero, f)
}

// classes calls f for each run of pages that are present or swapped, in order, and says which are private.
func (m *pagemap) classes(at, size uintptr, f func(at, size uintptr, private bool)) linux.Errno {
	if !m.scan {
		return m.walkEntries(at, size, pageFile, func(at, size uintptr) { f(at, size, true) })
	}
	const shared = pageFile | pageZero
	return m.step(at, size, scanArg{anyOf: pagePresent | pageSwapped, returned: shared}, func(r region) {
		f(uintptr(r.start), uintptr(r.end-r.start), r.categories&shared == 0)
	})
}

// walk calls f for the runs of pages that are present or swapped and have none of the
// categories of the mask without.
func (m *pagemap) walk(at, size uintptr, without uint64, f func(at, size uintptr)) linux.Errno {
	if !m.scan {
		return m.walkEntries(at, size, without, f)
	}
	a := scanArg{inverted: without, mask: without, anyOf: pagePresent | pageSwapped, returned: pagePresent}
	return m.step(at, size, a, func(r region) { f(uintptr(r.start), uintptr(r.end-r.start)) })
}

// step calls f for the regions that the host finds, as many at a time as there is room for.
func (m *pagemap) step(at, size uintptr, a scanArg, f func(region)) linux.Errno {
	vec := m.vecs.Get().(*[128]region)
	defer m.vecs.Put(vec)
	a.vec, a.vecLen = uint64(uintptr(unsafe.Pointer(&vec[0]))), uint64(len(vec))
	for a.start, a.end = uint64(at), uint64(at+size); a.start < a.end; {
		n, e := m.ioctl(&a)
		if e != 0 {
			return e
		}
		for _, r := range vec[:n] {
			f(r)
		}
		if a.walkEnd <= a.start {
			break
		}
		a.start = a.walkEnd
	}
	return 0
}

func (m *pagemap) ioctl(a *scanArg) (int, linux.Errno) {
	a.size = uint64(unsafe.Sizeof(*a))
	for {
		n, _, e := syscall.Syscall(unix.SYS_IOCTL, m.fd, pagemapScan, uintptr(unsafe.Pointer(a)))
		if e != syscall.EINTR {
			return int(n), hostErrno(e)
		}
	}
}

// walkEntries is walk by reading the page map, for hosts without PAGEMAP_SCAN. It takes
// pages of zeros, which read faults map, for private ones.
func (m *pagemap) walkEntries(at, size uintptr, without uint64, f func(at, size uintptr)) linux.Errno {
	var buf [512 * 8]byte
	var run uintptr // length of the run that ends at `at`
	for end := at + size; at < end; {
		n := min((end-at)/pageSize, uintptr(len(buf)/8))
		if _, err := m.file.ReadAt(buf[:n*8], int64(at/pageSize*8)); err != nil {
			return linux.From(err)
		}
		for k := range n {
			entry := binary.LittleEndian.Uint64(buf[k*8:])
			if entry&(entryPresent|entrySwapped) != 0 && (without&pageFile == 0 || entry&entryFile == 0) {
				run += pageSize
			} else if run != 0 {
				f(at-run, run)
				run = 0
			}
			at += pageSize
		}
	}
	if run != 0 {
		f(at-run, run)
	}
	return 0
}
