package vfstest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// host is a world on the host's Linux: a thread of its own, whose root is a new directory.
type host struct {
	fds   [slots]int
	work  chan func()
	users bool // becoming another user makes sense
}

// sameRules reports whether the host's rules for others than root are those that package
// vfs has: links are protected, the rest is not.
func sameRules() bool {
	for name, want := range map[string]string{"hardlinks": "1", "symlinks": "0", "regular": "0", "fifos": "0"} {
		b, err := os.ReadFile("/proc/sys/fs/protected_" + name)
		if err != nil || strings.TrimSpace(string(b)) != want {
			return false
		}
	}
	return true
}

// newHost makes the directory and the thread. The directory lies in /dev/shm if there is
// one: like ours, that file system keeps everything in memory.
func newHost(t *testing.T) *host {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to use Linux in a chroot as the oracle")
	}
	dir, err := os.MkdirTemp("/dev/shm", "vfstest")
	if err != nil {
		dir = t.TempDir()
	} else {
		t.Cleanup(func() { os.RemoveAll(dir) })
	}
	h := &host{work: make(chan func()), users: sameRules()}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range h.fds {
		h.fds[i] = -1
	}
	ready := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and its root with it.
		runtime.LockOSThread()
		ready <- enter(dir)
		for f := range h.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		t.Skip("cannot chroot a thread:", err)
	}
	return h
}

func enter(dir string) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	if err := unix.Chroot(dir); err != nil {
		return err
	}
	unix.Umask(0o022)
	return unix.Chdir("/")
}

// run runs f on the thread.
func (h *host) run(f func() (string, error)) result {
	done := make(chan result)
	h.work <- func() {
		s, err := f()
		if err != nil {
			s = ""
		}
		done <- result{linux.From(err), s}
	}
	return <-done
}

func (h *host) do(f func() error) result {
	return h.run(func() (string, error) { return "", f() })
}

// fd gives the descriptor that a dir argument stands for.
func (h *host) fd(slot int) int {
	if slot < 0 || h.fds[slot] < 0 {
		return unix.AT_FDCWD
	}
	return h.fds[slot]
}

func (h *host) open(slot, dir int, name string, flags, mode uint32) result {
	return h.do(func() error {
		// O_NONBLOCK is for FIFOs only: nobody opens the other end.
		fd, err := unix.Openat(h.fd(dir), name, int(flags)|unix.O_CLOEXEC|unix.O_NONBLOCK, mode)
		if err != nil {
			return err
		}
		if h.fds[slot] >= 0 {
			unix.Close(h.fds[slot])
		}
		h.fds[slot] = fd
		return nil
	})
}

func (h *host) close(slot int) result {
	return h.do(func() error {
		fd := h.fds[slot]
		h.fds[slot] = -1
		return unix.Close(fd)
	})
}

func (h *host) read(slot int, off int64, n int) result {
	return h.run(func() (string, error) {
		p := make([]byte, n)
		n, err := unix.Pread(h.fds[slot], p, off)
		if err != nil {
			// As the guest's adapter: the errno counts.
			return "", err
		}
		return digest(p[:n]), nil
	})
}

func (h *host) write(slot int, off int64, p []byte) result {
	return h.run(func() (string, error) {
		if off < 0 {
			n, err := unix.Pwritev2(h.fds[slot], [][]byte{p}, -1, unix.RWF_APPEND)
			return fmt.Sprint(n), err
		}
		n, err := unix.Pwrite(h.fds[slot], p, off)
		return fmt.Sprint(n), err
	})
}

func (h *host) ftruncate(slot int, size int64) result {
	return h.do(func() error { return unix.Ftruncate(h.fds[slot], size) })
}

func (h *host) allocate(slot int, mode uint32, off, n int64) result {
	return h.do(func() error { return unix.Fallocate(h.fds[slot], mode, off, n) })
}

func (h *host) seek(slot int, off int64, whence int) result {
	return h.run(func() (string, error) {
		var s unix.Stat_t
		if err := unix.Fstat(h.fds[slot], &s); err == nil && s.Mode&unix.S_IFMT != unix.S_IFREG {
			if _, err := unix.FcntlInt(uintptr(h.fds[slot]), unix.F_GETFL, 0); err != nil {
				return "", err
			}
			if fl, _ := unix.FcntlInt(uintptr(h.fds[slot]), unix.F_GETFL, 0); fl&unix.O_PATH == 0 {
				return "not asked", nil
			}
		}
		n, err := unix.Seek(h.fds[slot], off, whence)
		return fmt.Sprint(n), err
	})
}

func (h *host) list(slot int) result {
	return h.run(func() (string, error) {
		fd := h.fds[slot]
		names := []string{}
		buf := make([]byte, 4096)
		if _, err := unix.Seek(fd, 0, 0); err == unix.EBADF {
			return "", err
		}
		for {
			n, err := unix.Getdents(fd, buf)
			if err != nil {
				return "", err
			}
			if n == 0 {
				break
			}
			for p := buf[:n]; len(p) > 0; p = p[binary.LittleEndian.Uint16(p[16:]):] {
				name := p[19:binary.LittleEndian.Uint16(p[16:])]
				names = append(names, fmt.Sprint(string(name[:bytes.IndexByte(name, 0)]), ":", p[18]))
			}
		}
		sort.Strings(names)
		return strings.Join(names, " "), nil
	})
}

func (h *host) stat(dir int, name string, flags uint32) result {
	return h.run(func() (string, error) {
		var s unix.Stat_t
		if err := unix.Fstatat(h.fd(dir), name, &s, int(flags)); err != nil {
			return "", err
		}
		return describe(&linux.Stat{
			Ino: s.Ino, Nlink: s.Nlink, Mode: s.Mode, UID: s.Uid, GID: s.Gid, Rdev: s.Rdev,
			Size: s.Size, Blocks: s.Blocks,
			Atim: linux.Timespec{Sec: s.Atim.Sec, Nsec: s.Atim.Nsec},
			Mtim: linux.Timespec{Sec: s.Mtim.Sec, Nsec: s.Mtim.Nsec},
		}), nil
	})
}

func (h *host) access(dir int, name string, mode, flags uint32) result {
	return h.do(func() error { return unix.Faccessat2(h.fd(dir), name, mode, int(flags)) })
}

func (h *host) mkdir(dir int, name string, mode uint32) result {
	return h.do(func() error { return unix.Mkdirat(h.fd(dir), name, mode) })
}

func (h *host) mknod(dir int, name string, mode uint32) result {
	return h.do(func() error { return unix.Mknodat(h.fd(dir), name, mode, 0) })
}

func (h *host) unlink(dir int, name string, flags uint32) result {
	return h.do(func() error { return unix.Unlinkat(h.fd(dir), name, int(flags)) })
}

func (h *host) rename(dir int, name string, toDir int, to string, flags uint32) result {
	return h.do(func() error { return unix.Renameat2(h.fd(dir), name, h.fd(toDir), to, uint(flags)) })
}

func (h *host) link(dir int, name string, toDir int, to string, flags uint32) result {
	return h.do(func() error { return unix.Linkat(h.fd(dir), name, h.fd(toDir), to, int(flags)) })
}

func (h *host) symlink(target string, dir int, name string) result {
	return h.do(func() error { return unix.Symlinkat(target, h.fd(dir), name) })
}

func (h *host) readlink(dir int, name string) result {
	return h.run(func() (string, error) {
		p := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(h.fd(dir), name, p)
		if err != nil {
			return "", err
		}
		return string(p[:n]), nil
	})
}

func (h *host) chmod(dir int, name string, mode uint32) result {
	return h.do(func() error { return unix.Fchmodat(h.fd(dir), name, mode, 0) })
}

func (h *host) chown(dir int, name string, uid, gid uint32, flags uint32) result {
	return h.do(func() error { return unix.Fchownat(h.fd(dir), name, int(int32(uid)), int(int32(gid)), int(flags)) })
}

func (h *host) utimens(dir int, name string, times [2]linux.Timespec, flags uint32) result {
	return h.do(func() error {
		ts := []unix.Timespec{{Sec: times[0].Sec, Nsec: times[0].Nsec}, {Sec: times[1].Sec, Nsec: times[1].Nsec}}
		return unix.UtimesNanoAt(h.fd(dir), name, ts, int(flags))
	})
}

func (h *host) truncate(name string, size int64) result {
	return h.do(func() error { return unix.Truncate(name, size) })
}

func (h *host) chdir(dir int, name string) result {
	return h.do(func() error {
		if name == "" && dir >= 0 {
			return unix.Fchdir(h.fds[dir])
		}
		return unix.Chdir(name)
	})
}

func (h *host) getcwd() result {
	return h.run(func() (string, error) {
		p := make([]byte, unix.PathMax)
		n, err := unix.Getcwd(p)
		if err != nil {
			return "", err
		}
		return string(p[:n-1]), nil
	})
}

func (h *host) umask(mask uint32) result {
	return h.run(func() (string, error) { return fmt.Sprintf("%o", unix.Umask(int(mask))), nil })
}

func (h *host) user(uid uint32) result {
	if !h.users {
		return result{}
	}
	h.closeAll()
	return h.do(func() error {
		unix.SetfsgidRetGid(int(uid))
		_, err := unix.SetfsuidRetUid(int(uid))
		return err
	})
}

func (h *host) closeAll() {
	for i := range h.fds {
		h.close(i)
	}
}

func (h *host) end() {
	h.closeAll()
	close(h.work)
}
