package main

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// host is the Linux of one run, as small as the measured programs allow.
type host struct {
	argv   []string
	out    io.Writer
	status int
	ended  bool // it has called exit

	// memory and grow are set by the engine for the time of a call: the linear memory, and
	// its growth by pages of 64 KiB.
	memory func() []byte
	grow   func(pages uint32) bool

	files map[uint64]*os.File
	next  uint64 // end of the memory given out by mmap
	free  map[uint64][]uint64
}

// exited unwinds the guest when it has called exit.
type exited struct{}

func (exited) Error() string { return "exited" }

func newHost(argv []string, out io.Writer) *host {
	return &host{argv: argv, out: out, files: map[uint64]*os.File{}, free: map[uint64][]uint64{}}
}

func (h *host) close() {
	for _, f := range h.files {
		f.Close()
	}
}

func fail(e syscall.Errno) int64 { return -int64(e) }

// call serves an import by its name in module wali.
func (h *host) call(name string, a []uint64) int64 {
	switch name {
	case "__cl_get_argc":
		return int64(len(h.argv))
	case "__cl_get_argv_len":
		return int64(len(h.argv[a[0]]))
	case "__cl_copy_argv":
		copy(h.memory()[a[0]:], h.argv[a[1]]+"\x00")
		return 0
	case "__cl_get_envc", "setjmp", "sigsetjmp", "__init", "__deinit":
		return 0
	case "longjmp":
		panic("the program called longjmp, which this host does not have")
	case "SYS_exit", "SYS_exit_group":
		h.status = int(int32(a[0]))
		panic(exited{})
	case "SYS_write", "SYS_writev":
		return h.write(name, a)
	case "SYS_read", "SYS_readv":
		return h.read(name, a)
	case "SYS_open":
		return h.open("", a[0], a[1])
	case "SYS_openat":
		dir := ""
		if f := h.files[a[0]]; f != nil {
			dir = f.Name()
		}
		return h.open(dir, a[1], a[2])
	case "SYS_close":
		if f := h.files[a[0]]; f != nil {
			delete(h.files, a[0])
			f.Close()
		}
		return 0
	case "SYS_lseek":
		return h.seek(a[0], int64(a[1]), int(a[2]))
	case "SYS_fstat":
		return h.fstat(a[0], a[1])
	case "SYS_stat", "SYS_lstat":
		return h.stat(a[0], a[1])
	case "SYS_mmap":
		return h.mmap(a[1], a[3])
	case "SYS_mremap":
		return h.mremap(a[0], a[1], a[2])
	case "SYS_munmap":
		size := pageUp(a[1])
		h.free[size] = append(h.free[size], a[0])
		return 0
	case "SYS_clock_gettime":
		t := time.Now().UnixNano()
		binary.LittleEndian.PutUint64(h.memory()[a[1]:], uint64(t/1e9))
		binary.LittleEndian.PutUint64(h.memory()[a[1]+8:], uint64(t%1e9))
		return 0
	case "SYS_ioctl":
		return fail(syscall.ENOTTY)
	case "SYS_brk", "SYS_madvise", "SYS_mprotect", "SYS_rt_sigaction", "SYS_rt_sigprocmask", "SYS_fcntl",
		"SYS_getpid", "SYS_gettid", "SYS_getuid", "SYS_geteuid", "SYS_getgid", "SYS_getegid", "SYS_getppid",
		"SYS_getpgid", "SYS_set_tid_address", "SYS_getgroups", "SYS_futex":
		return 0
	}
	return fail(syscall.ENOSYS)
}

// vector gives the buffers of a plain or a vectored call.
func (h *host) vector(name string, a []uint64) [][]byte {
	m := h.memory()
	if name[len(name)-1] != 'v' {
		return [][]byte{m[a[1] : a[1]+a[2]]}
	}
	var v [][]byte
	for k := uint64(0); k < a[2]; k++ {
		at := uint64(binary.LittleEndian.Uint32(m[a[1]+8*k:]))
		n := uint64(binary.LittleEndian.Uint32(m[a[1]+8*k+4:]))
		v = append(v, m[at:at+n])
	}
	return v
}

func (h *host) write(name string, a []uint64) int64 {
	out := h.out
	if a[0] == 2 {
		out = os.Stderr
	} else if a[0] != 1 {
		return fail(syscall.EBADF)
	}
	n := 0
	for _, b := range h.vector(name, a) {
		out.Write(b)
		n += len(b)
	}
	return int64(n)
}

func (h *host) read(name string, a []uint64) int64 {
	f := h.files[a[0]]
	if f == nil {
		return 0 // standard input is empty
	}
	total := 0
	for _, b := range h.vector(name, a) {
		n, _ := f.Read(b)
		if total += n; n < len(b) {
			break
		}
	}
	return int64(total)
}

func (h *host) path(at uint64) string {
	m := h.memory()[at:]
	for n, b := range m {
		if b == 0 {
			return string(m[:n])
		}
	}
	return ""
}

func (h *host) open(dir string, path, flags uint64) int64 {
	if flags&(syscall.O_WRONLY|syscall.O_RDWR) != 0 {
		return fail(syscall.EROFS)
	}
	name := h.path(path)
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return fail(syscall.ENOENT)
	}
	fd := uint64(3)
	for h.files[fd] != nil {
		fd++
	}
	h.files[fd] = f
	return int64(fd)
}

func (h *host) seek(fd uint64, offset int64, whence int) int64 {
	f := h.files[fd]
	if f == nil {
		return fail(syscall.ESPIPE)
	}
	n, err := f.Seek(offset, whence)
	if err != nil {
		return fail(syscall.EINVAL)
	}
	return n
}

func (h *host) fstat(fd, at uint64) int64 {
	f := h.files[fd]
	if f == nil {
		return h.putStat(at, syscall.S_IFIFO|0o600, 0)
	}
	s, err := f.Stat()
	if err != nil {
		return fail(syscall.EIO)
	}
	return h.putStat(at, syscall.S_IFREG|0o644, s.Size())
}

func (h *host) stat(path, at uint64) int64 {
	s, err := os.Stat(h.path(path))
	if err != nil {
		return fail(syscall.ENOENT)
	}
	mode := uint32(syscall.S_IFREG | 0o644)
	if s.IsDir() {
		mode = syscall.S_IFDIR | 0o755
	}
	return h.putStat(at, mode, s.Size())
}

func (h *host) putStat(at uint64, mode uint32, size int64) int64 {
	b := h.memory()[at : at+144]
	clear(b)
	binary.LittleEndian.PutUint64(b[16:], 1)
	binary.LittleEndian.PutUint32(b[24:], mode)
	binary.LittleEndian.PutUint64(b[48:], uint64(size))
	binary.LittleEndian.PutUint64(b[56:], 4096)
	binary.LittleEndian.PutUint64(b[88:], modified)
	return 0
}

// modified is the time of all files, in seconds.
const modified = 1e9

func pageUp(n uint64) uint64 { return (n + 4095) &^ 4095 }

// mmap gives zeroed memory: what was given back, or more of it.
func (h *host) mmap(size, flags uint64) int64 {
	if flags&syscall.MAP_ANON == 0 {
		return fail(syscall.ENODEV)
	}
	size = pageUp(size)
	if list := h.free[size]; len(list) > 0 {
		at := list[len(list)-1]
		h.free[size] = list[:len(list)-1]
		clear(h.memory()[at : at+size])
		return int64(at)
	}
	if h.next == 0 {
		h.next = uint64(len(h.memory()))
	}
	if have := uint64(len(h.memory())); h.next+size > have {
		if !h.grow(uint32((h.next + size - have + 65535) / 65536)) {
			return fail(syscall.ENOMEM)
		}
	}
	at := h.next
	h.next += size
	return int64(at)
}

func (h *host) mremap(old, oldSize, size uint64) int64 {
	at := h.mmap(size, syscall.MAP_ANON)
	if at > 0 {
		m := h.memory()
		copy(m[uint64(at):uint64(at)+min(oldSize, size)], m[old:])
		oldSize = pageUp(oldSize)
		h.free[oldSize] = append(h.free[oldSize], old)
	}
	return at
}
