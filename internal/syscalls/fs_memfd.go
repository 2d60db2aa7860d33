package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// Flags of memfd_create(2).
const (
	mfdCloexec      = 1
	mfdAllowSealing = 2
	mfdNoexecSeal   = 8
	mfdExec         = 16
)

// memfdName is the longest name of a memfd.
const memfdName = 249

// memfdCreate makes a file that never has a name. Its content is memory of the file system
// of such files, which has a limit.
func memfdCreate(t *proc.Thread, a Args) (int64, linux.Errno) {
	flags := a.Uint(1)
	if flags&^(mfdCloexec|mfdAllowSealing|mfdNoexecSeal|mfdExec) != 0 || flags&mfdNoexecSeal != 0 && flags&mfdExec != 0 {
		return 0, linux.EINVAL
	}
	name, e := t.Mem().String(a.Addr(0), memfdName+1, linux.EINVAL)
	if e != 0 {
		return 0, e
	}
	root := t.Table().Anonymous().Root()
	cred := t.FS().Cred()
	mode := uint32(linux.S_IFREG | 0o777)
	if flags&mfdNoexecSeal != 0 {
		mode = linux.S_IFREG | 0o666
	}
	node, e := root.Node().(vfs.DirWriter).Tmpfile(root, &vfs.NewNode{
		Mode: mode, UID: cred.FSUID, GID: cred.FSGID, Excl: true, NoExec: flags&mfdNoexecSeal != 0,
		Sealable: flags&(mfdAllowSealing|mfdNoexecSeal) != 0,
	})
	if e != 0 {
		return 0, e
	}
	file, e := node.Open(t.FS(), linux.O_RDWR)
	if e != 0 {
		return 0, e
	}
	if u, ok := file.(vfs.Uncounted); ok {
		u.Uncounted() // as on Linux: it may be executed through this very descriptor
	}
	at := vfs.Anonymous("/memfd:"+name+" (deleted)", node)
	n, e := t.Files().Install(fd.New(file, at, linux.O_RDWR|linux.O_LARGEFILE), 0, flags&mfdCloexec != 0, t.Limit(linux.RLIMIT_NOFILE))
	return int64(n), e
}
