package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
	"vkernel/internal/verify"
)

const wasmPage = 65536

// Code is the mapped native code of one megabinary, and the address space for its instances.
type Code struct {
	meta     *layout.Meta
	programs []*Program
	file     *os.File // a duplicate: memory images are mapped from it
	image    []byte   // the whole file, read-only
	mapped   []byte   // the reserved range that holds the segments
	text     uintptr  // vk_text
	textSize uint64

	slots         slots
	pagemap       *pagemap
	guardMarkers  bool          // the host has MADV_GUARD_INSTALL
	sharedMarkers bool          // also in shared memory
	records       atomic.Uint64 // number of the next setjmp record
	shares        atomic.Uint64 // number of the last share of memory
	shared        sharedSet
	layerPages    atomic.Int64 // in the files of layers
	files         files
	plans         sync.Pool // of *plan
	runs          sync.Pool // of *[slotRuns]run
	freezeFrom    int       // private pages
}

// Load checks the ELF file and its metadata, verifies its code (package verify) and maps it: text
// readable and executable, everything else read-only. The file must not change afterwards (give
// a sealed memfd). The first Load of the process installs the signal handlers.
func Load(f *os.File) (*Code, error) { return loadWith(f, Host{}, verifyText) }

// LoadVerified is Load for code that was verified before, by this vkernel: the caller knows its
// digest. Only tests use it for anything else.
func LoadVerified(f *os.File) (*Code, error) { return LoadVerifiedIn(f, Host{}) }

// Host is what the engine asks of the host's procfs. The zero value has it look there; a
// process without procfs gives what was found before.
type Host struct {
	Pagemap  *os.File // /proc/self/pagemap; closed with the code
	Mappings int64    // vm.max_map_count
	NoScan   bool     // do without PAGEMAP_SCAN
}

// LoadVerifiedIn is LoadVerified in a process without procfs.
func LoadVerifiedIn(f *os.File, h Host) (*Code, error) {
	return loadWith(f, h, func(*object, []byte, *layout.Meta) error { return nil })
}

// Verify checks the ELF file and its metadata, and verifies its code, as Load does, without
// mapping anything that can be executed. It gives the metadata.
func Verify(f *os.File) (*layout.Meta, error) {
	c, o, err := open(f)
	if err == nil {
		defer c.Close()
		err = verifyText(o, c.image, c.meta)
	}
	if err != nil {
		return nil, fmt.Errorf("verify native code %s: %w", f.Name(), err)
	}
	return c.meta, nil
}

// verifyText verifies the code that is to be mapped.
func verifyText(o *object, image []byte, meta *layout.Meta) error {
	c, err := verify.Parse(image)
	if err != nil {
		return err
	}
	c.Meta = meta
	if err := o.same(c); err != nil {
		return err
	}
	_, err = verify.Text(c)
	return err
}

// same makes sure that what was taken apart for the verifier is what will be mapped.
func (o *object) same(c *verify.Code) error {
	rest := c.Rodata
	for _, s := range o.segments {
		v := c.Text
		if !s.exec {
			if len(rest) == 0 {
				return fmt.Errorf("the verifier found %d read-only segments", len(c.Rodata))
			}
			v, rest = rest[0], rest[1:]
		}
		if v.Addr != s.addr || uint64(len(v.Bytes)) != s.size || s.size != 0 && &v.Bytes[0] != &c.File[s.off] {
			return fmt.Errorf("the verifier found another segment at %#x", s.addr)
		}
	}
	if len(rest) != 0 {
		return fmt.Errorf("the verifier found %d read-only segments", len(c.Rodata))
	}
	return nil
}

func loadWith(f *os.File, h Host, check func(*object, []byte, *layout.Meta) error) (*Code, error) {
	c, err := load(f, h, check)
	if err != nil {
		return nil, fmt.Errorf("load native code %s: %w", f.Name(), err)
	}
	return c, nil
}

// open reads the file and its metadata.
func open(f *os.File) (_ *Code, _ *object, err error) {
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !st.Mode().IsRegular() || st.Size() < int64(unsafe.Sizeof([64]byte{})) || st.Size() > maxSpan {
		return nil, nil, fmt.Errorf("%d bytes, mode %v: want a file of at most %d bytes", st.Size(), st.Mode(), int64(maxSpan))
	}
	c := &Code{}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	c.file = os.NewFile(uintptr(fd), f.Name())
	if c.image, err = syscall.Mmap(fd, 0, int(st.Size()), unix.PROT_READ, unix.MAP_PRIVATE); err != nil {
		return nil, nil, err
	}
	o, err := parseELF(c.image)
	if err != nil {
		return nil, nil, err
	}
	if c.meta, err = parseMeta(o.metadata, c.image, o.text.size); err != nil {
		return nil, nil, err
	}
	return c, o, nil
}

func load(f *os.File, h Host, check func(*object, []byte, *layout.Meta) error) (_ *Code, err error) {
	if err := initSignals(); err != nil {
		return nil, err
	}
	c, o, err := open(f)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if err := check(o, c.image, c.meta); err != nil {
		return nil, err
	}
	if err := c.mapSegments(o); err != nil {
		return nil, err
	}
	if c.pagemap, err = openPagemap(h); err != nil {
		return nil, err
	}
	c.slots.init(h.Mappings)
	c.freezeFrom = freezeFrom
	c.files.init()
	if !layersAllowed() {
		c.freezeFrom = math.MaxInt
	}
	c.guardMarkers = hasGuardMarkers()
	c.sharedMarkers = hasSharedMarkers()
	c.records.Store(firstRecord())
	for i := range c.meta.Programs {
		c.programs = append(c.programs, newProgram(c, &c.meta.Programs[i]))
	}
	return c, nil
}

// codeBase derives an address from the code's identity, so that another process finds the
// same code at the same place. The range is one that neither Linux nor Go (nor its race
// detector) puts anything into.
func codeBase(id []byte) uintptr {
	sum := sha256.Sum256(id)
	n := binary.LittleEndian.Uint64(sum[:]) & (1<<23 - 1)
	return 0x1000_0000_0000 + uintptr(n)<<21
}

// mapSegments reserves one range for all segments, which keeps their distances, and maps
// each into it.
func (c *Code) mapSegments(o *object) error {
	size := uintptr(o.high - o.low)
	const flags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE
	base, e := mmap(codeBase(o.identifies), size, unix.PROT_NONE, flags|unix.MAP_FIXED_NOREPLACE, -1, 0)
	if e != 0 {
		base, e = mmap(0, size, unix.PROT_NONE, flags, -1, 0)
	}
	if e != 0 {
		return fmt.Errorf("reserve %d bytes for the code: %w", size, e)
	}
	c.mapped = unsafe.Slice((*byte)(pointer(base)), size)
	for _, s := range o.segments {
		prot := unix.PROT_READ
		if s.exec {
			prot |= unix.PROT_EXEC
			c.text, c.textSize = base+uintptr(s.addr-o.low), s.size
		}
		skip := s.addr % pageSize
		at := base + uintptr(s.addr-skip-o.low)
		if _, e := mmap(at, uintptr(s.size+skip), prot, unix.MAP_PRIVATE|unix.MAP_FIXED, int(c.file.Fd()), int64(s.off-skip)); e != 0 {
			return fmt.Errorf("map segment at %#x: %w", s.addr, e)
		}
	}
	return nil
}

// Meta is the code's checked metadata.
func (c *Code) Meta() *layout.Meta { return c.meta }

// Programs lists the programs in the order of the metadata.
func (c *Code) Programs() []*Program { return c.programs }

// Close unmaps the code and every slot. No instance may be in use.
func (c *Code) Close() error {
	var errs []error
	if c.mapped != nil {
		errs = append(errs, munmapErr(address(c.mapped), uintptr(len(c.mapped))))
	}
	if c.image != nil {
		errs = append(errs, syscall.Munmap(c.image))
	}
	if c.file != nil {
		errs = append(errs, c.file.Close())
	}
	if c.pagemap != nil {
		errs = append(errs, c.pagemap.close())
	}
	errs = append(errs, c.slots.close())
	c.mapped, c.image, c.file, c.pagemap, c.slots.slabs = nil, nil, nil, nil, nil
	return errors.Join(errs...)
}

func munmapErr(at, size uintptr) error {
	if e := munmap(at, size); e != 0 {
		return fmt.Errorf("munmap %#x, +%#x: %w", at, size, e)
	}
	return nil
}

// Errno of a raw system call of the host.
func hostErrno(e syscall.Errno) linux.Errno { return linux.Errno(e) }
