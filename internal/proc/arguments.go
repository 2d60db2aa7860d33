package proc

import (
	"sync/atomic"

	"vkernel/internal/vfs"
)

// maxArguments bounds the memory of the arguments and environments of all processes of a
// container. They are the kernel's memory, of which a guest can have much for little: an
// empty string counts one byte for execve's limit and a whole string here.
const maxArguments = 256 << 20

// Arguments is that memory: what execve reads, and what images keep.
type Arguments struct{ used atomic.Int64 }

// Take counts n bytes more, or reports that there is no room for them.
func (a *Arguments) Take(n int64) bool {
	if a.used.Add(n) > maxArguments {
		a.used.Add(-n)
		return false
	}
	return true
}

// Give gives them back.
func (a *Arguments) Give(n int64) { a.used.Add(-n) }

// StringSize is what a string of n bytes in a list of arguments costs: the list grows by doubling.
func StringSize(n int) int64 { return int64(n) + 2*16 }

// hold counts the arguments of a new image, which has one process. It reports whether there
// was room; if not, the image is dropped.
func (i *Image) hold(a *Arguments) bool {
	n := int64(0)
	for _, list := range [][]string{i.Argv, i.Env} {
		for _, s := range list {
			n += StringSize(len(s))
		}
	}
	i.users.Store(1)
	if !a.Take(n) {
		i.drop(a)
		return false
	}
	i.size = n
	return true
}

// drop ends a process's use of the image.
func (i *Image) drop(a *Arguments) {
	if i != nil && i.users.Add(-1) == 0 {
		a.Give(i.size)
		vfs.AllowWrite(i.Exe)
	}
}
