package linux

import "encoding/binary"

// Types of directory entries: (st_mode & S_IFMT) >> 12.
const (
	DT_UNKNOWN = 0
	DT_FIFO    = 1
	DT_CHR     = 2
	DT_DIR     = 4
	DT_BLK     = 6
	DT_REG     = 8
	DT_LNK     = 10
	DT_SOCK    = 12
)

// DirentType is the d_type of a file mode.
func DirentType(mode uint32) uint8 { return uint8(mode & S_IFMT >> 12) }

// Dirent is one entry of a directory, as getdents64(2) gives it. Off is the position
// after the entry.
type Dirent struct {
	Ino  uint64
	Off  int64
	Type uint8
	Name string
}

const direntHeader = 8 + 8 + 2 + 1

// Put64 writes d at the start of p as struct linux_dirent64 and gives its length, or 0 if
// p is too short.
func (d *Dirent) Put64(p []byte) int {
	n := (direntHeader + len(d.Name) + 1 + 7) &^ 7
	if n > len(p) {
		return 0
	}
	binary.LittleEndian.PutUint64(p, d.Ino)
	binary.LittleEndian.PutUint64(p[8:], uint64(d.Off))
	binary.LittleEndian.PutUint16(p[16:], uint16(n))
	p[18] = d.Type
	clear(p[direntHeader+copy(p[direntHeader:], d.Name) : n])
	return n
}

// Put writes d at the start of p as the struct linux_dirent of getdents(2) (type in the
// last byte) and gives its length, or 0 if p is too short.
func (d *Dirent) Put(p []byte) int {
	n := (8 + 8 + 2 + len(d.Name) + 2 + 7) &^ 7
	if n > len(p) {
		return 0
	}
	binary.LittleEndian.PutUint64(p, d.Ino)
	binary.LittleEndian.PutUint64(p[8:], uint64(d.Off))
	binary.LittleEndian.PutUint16(p[16:], uint16(n))
	clear(p[18+copy(p[18:], d.Name) : n])
	p[n-1] = d.Type
	return n
}
