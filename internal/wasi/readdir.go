package wasi

import (
	"encoding/binary"
	"math"

	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// sizeofDirent is the header of an entry: next cookie 8, inode 8, length of the name 4,
// type 1, padding 3.
const sizeofDirent = 24

// fdReaddir fills the buffer with entries after the cookie. The last one is cut where the
// buffer ends: a buffer that is not full means that there are no more.
func fdReaddir(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	d, _, e := open(t, a.Int(0), rightReaddir)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	dir, ok := d.File().(vfs.DirReader)
	switch {
	case !ok:
		return 0, linux.ENOTDIR
	case !d.Readable():
		return 0, linux.EBADF
	case a[3] > math.MaxInt64:
		return 0, linux.EINVAL
	}
	used := 0
	e = t.Mem().View(a.Addr(1), int(a.Size(2)), func(p []byte) linux.Errno {
		if len(p) == 0 {
			return 0
		}
		return dir.ReadDir(t.FS(), a.Long(3), func(ent *linux.Dirent) bool {
			used += putDirent(p[used:], ent)
			return used < len(p)
		})
	})
	if e != 0 {
		return 0, e
	}
	return putSize(t, a.Addr(4), int64(used), 0)
}

// putDirent writes as much of an entry as fits.
func putDirent(p []byte, ent *linux.Dirent) int {
	var h [sizeofDirent]byte
	binary.LittleEndian.PutUint64(h[:], uint64(ent.Off))
	binary.LittleEndian.PutUint64(h[8:], ent.Ino)
	binary.LittleEndian.PutUint32(h[16:], uint32(len(ent.Name)))
	h[20] = fileType(uint32(ent.Type) << 12)
	n := copy(p, h[:])
	return n + copy(p[n:], ent.Name)
}
