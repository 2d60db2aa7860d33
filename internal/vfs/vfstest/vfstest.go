// Package vfstest is the test kit of file systems: what every one must pass.
//
// Run is a conformance test by cases. Against is a differential one: it applies random
// operations to a file system and, through system calls in a directory that a thread of
// the test has as its root, to the host's Linux, and compares every result and, again and
// again, the whole trees. It needs root, for chroot(2) and setfsuid(2), and is skipped
// without.
package vfstest

import (
	"vkernel/internal/linux"
)

// result is what an operation gave.
type result struct {
	errno linux.Errno
	text  string // whatever else can be compared
}

// world is a system under test: Linux, or a vfs.Context. Descriptors are slots of a small
// table; dir -1 is the working directory.
type world interface {
	open(slot, dir int, name string, flags, mode uint32) result
	close(slot int) result
	read(slot int, off int64, n int) result
	write(slot int, off int64, p []byte) result // off -1: append
	ftruncate(slot int, size int64) result
	allocate(slot int, mode uint32, off, n int64) result
	seek(slot int, off int64, whence int) result
	list(slot int) result
	stat(dir int, name string, flags uint32) result
	access(dir int, name string, mode, flags uint32) result
	mkdir(dir int, name string, mode uint32) result
	mknod(dir int, name string, mode uint32) result
	unlink(dir int, name string, flags uint32) result
	rename(dir int, name string, toDir int, to string, flags uint32) result
	link(dir int, name string, toDir int, to string, flags uint32) result
	symlink(target string, dir int, name string) result
	readlink(dir int, name string) result
	chmod(dir int, name string, mode uint32) result
	chown(dir int, name string, uid, gid uint32, flags uint32) result
	utimens(dir int, name string, times [2]linux.Timespec, flags uint32) result
	truncate(name string, size int64) result
	chdir(dir int, name string) result
	getcwd() result
	umask(mask uint32) result
	user(uid uint32) result // become a user, or root again
	end()
}

// slots is the size of the table of descriptors.
const slots = 6
