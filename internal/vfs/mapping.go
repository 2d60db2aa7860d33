package vfs

import (
	"vkernel/internal/futex"
	"vkernel/internal/linux"
)

// Mapper is a File that mmap(2) can map: its content is memory of the host, or becomes so.
type Mapper interface {
	File
	// Mapping gives the content as memory, held once for the caller. writes tells whether it is for a
	// shared mapping of a description that is open for writing, which so may be, or become, writable.
	Mapping(writes bool) (Mapping, linux.Errno)
}

// Mapping is the content of a file as memory of the host, while somebody holds it. It keeps the file's
// content alive, and, if it writes, keeps the file from being executed.
type Mapping interface {
	FD() int             // of the host; open while the mapping is held
	Writes() bool        // it may write: it was asked for, and no seal forbids it
	Futexes() *futex.Set // of words in the file, by offset: one for all its mappings
	Sync() linux.Errno   // writes changes to where the file lasts
	Users() int          // how often the file's mappings are held
	Cached() bool        // the pages are the host's cache of a file of its own
	Hold()
	Release()
}

// Verified is a File of a tree that never changes, of which the SHA-256 of the content is known.
type Verified interface {
	SHA256() [32]byte
}
