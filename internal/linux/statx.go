package linux

// Bits of stx_mask.
const (
	STATX_TYPE        = 0x0001
	STATX_MODE        = 0x0002
	STATX_NLINK       = 0x0004
	STATX_UID         = 0x0008
	STATX_GID         = 0x0010
	STATX_ATIME       = 0x0020
	STATX_MTIME       = 0x0040
	STATX_CTIME       = 0x0080
	STATX_INO         = 0x0100
	STATX_SIZE        = 0x0200
	STATX_BLOCKS      = 0x0400
	STATX_BASIC_STATS = 0x07ff
	STATX_BTIME       = 0x0800
	STATX_MNT_ID      = 0x1000
	STATX__RESERVED   = 0x80000000
)

// Bits of stx_attributes.
const STATX_ATTR_MOUNT_ROOT = 0x2000

// StatxTimestamp is struct statx_timestamp.
type StatxTimestamp struct {
	Sec  int64
	Nsec uint32
	_    int32
}

// Statx is struct statx, 256 bytes.
type Statx struct {
	Mask           uint32
	Blksize        uint32
	Attributes     uint64
	Nlink          uint32
	UID            uint32
	GID            uint32
	Mode           uint16
	_              uint16
	Ino            uint64
	Size           uint64
	Blocks         uint64
	AttributesMask uint64
	Atime          StatxTimestamp
	Btime          StatxTimestamp
	Ctime          StatxTimestamp
	Mtime          StatxTimestamp
	RdevMajor      uint32
	RdevMinor      uint32
	DevMajor       uint32
	DevMinor       uint32
	MntID          uint64
	_              [13]uint64
}

// Statx converts s: the basic fields, without birth time and mount.
func (s *Stat) Statx() Statx {
	stamp := func(t Timespec) StatxTimestamp { return StatxTimestamp{Sec: t.Sec, Nsec: uint32(t.Nsec)} }
	return Statx{
		Mask: STATX_BASIC_STATS, Blksize: uint32(s.Blksize), Nlink: uint32(s.Nlink),
		UID: s.UID, GID: s.GID, Mode: uint16(s.Mode), Ino: s.Ino,
		Size: uint64(s.Size), Blocks: uint64(s.Blocks),
		Atime: stamp(s.Atim), Mtime: stamp(s.Mtim), Ctime: stamp(s.Ctim),
		RdevMajor: Major(s.Rdev), RdevMinor: Minor(s.Rdev),
		DevMajor: Major(s.Dev), DevMinor: Minor(s.Dev),
	}
}
