package linux

// Bits of st_mode.
const (
	S_IFMT   = 0o170000
	S_IFSOCK = 0o140000
	S_IFLNK  = 0o120000
	S_IFREG  = 0o100000
	S_IFBLK  = 0o060000
	S_IFDIR  = 0o040000
	S_IFCHR  = 0o020000
	S_IFIFO  = 0o010000

	S_ISUID = 0o4000
	S_ISGID = 0o2000
	S_ISVTX = 0o1000

	S_IRWXU = 0o700
	S_IRWXG = 0o070
	S_IRWXO = 0o007
	S_IXGRP = 0o010

	S_IALLUGO = 0o7777 // what chmod may set
	S_IRWXUGO = 0o777
	S_IXUGO   = 0o111
)

// Special values of Nsec for utimensat(2).
const (
	UTIME_NOW  = 0x3fffffff
	UTIME_OMIT = 0x3ffffffe
)

// Stat is struct stat, 144 bytes.
type Stat struct {
	Dev     uint64
	Ino     uint64
	Nlink   uint64
	Mode    uint32
	UID     uint32
	GID     uint32
	_       uint32
	Rdev    uint64
	Size    int64
	Blksize int64
	Blocks  int64 // of 512 bytes
	Atim    Timespec
	Mtim    Timespec
	Ctim    Timespec
	_       [3]int64
}

// Makedev is the dev_t of a device number.
func Makedev(major, minor uint32) uint64 {
	return uint64(minor&0xff) | uint64(major&0xfff)<<8 | uint64(minor&^0xff)<<12 | uint64(major&^0xfff)<<32
}

// Major is the major number of a dev_t.
func Major(dev uint64) uint32 { return uint32(dev>>8)&0xfff | uint32(dev>>32)&^0xfff }

// Minor is the minor number of a dev_t.
func Minor(dev uint64) uint32 { return uint32(dev)&0xff | uint32(dev>>12)&^0xff }
