package linux

// Statfs is struct statfs, 120 bytes.
type Statfs struct {
	Type    int64
	Bsize   int64
	Blocks  uint64
	Bfree   uint64
	Bavail  uint64
	Files   uint64
	Ffree   uint64
	Fsid    [2]int32
	Namelen int64
	Frsize  int64
	Flags   int64
	_       [4]int64
}

// File system types, linux/magic.h.
const (
	TMPFS_MAGIC           = 0x01021994
	PROC_SUPER_MAGIC      = 0x9fa0
	OVERLAYFS_SUPER_MAGIC = 0x794c7630
	DEVPTS_SUPER_MAGIC    = 0x1cd1
	PIPEFS_MAGIC          = 0x50495045
	SOCKFS_MAGIC          = 0x534f434b
	ANON_INODE_FS_MAGIC   = 0x09041934
	V9FS_MAGIC            = 0x01021997
)

// Mount flags in Statfs.Flags.
const (
	ST_RDONLY   = 0x1
	ST_NOSUID   = 0x2
	ST_NODEV    = 0x4
	ST_NOEXEC   = 0x8
	ST_VALID    = 0x20
	ST_RELATIME = 0x1000
)
