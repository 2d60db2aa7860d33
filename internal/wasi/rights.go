package wasi

import (
	"vkernel/internal/fd"
	"vkernel/internal/linux"
)

// Rights of a descriptor, in the order of the specification.
const (
	rightDatasync = 1 << iota
	rightRead
	rightSeek
	rightSetFlags
	rightSync
	rightTell
	rightWrite
	rightAdvise
	rightAllocate
	rightCreateDirectory
	rightCreateFile
	rightLinkSource
	rightLinkTarget
	rightOpen
	rightReaddir
	rightReadlink
	rightRenameSource
	rightRenameTarget
	rightPathFilestat
	rightPathSetSize
	rightPathSetTimes
	rightFilestat
	rightSetSize
	rightSetTimes
	rightSymlink
	rightRemoveDirectory
	rightUnlink
	rightPoll
	rightShutdown
	rightAccept

	rightsAll = 1<<30 - 1
)

// Rights that make sense for a kind of file.
const (
	rightsAny    = rightSetFlags | rightSync | rightFilestat | rightPoll
	rightsStream = rightsAny | rightRead | rightWrite
	rightsDevice = rightsStream | rightSeek | rightTell
	rightsFile   = rightsDevice | rightDatasync | rightAdvise | rightAllocate | rightSetSize | rightSetTimes
	rightsDir    = rightsAny | rightCreateDirectory | rightCreateFile | rightLinkSource | rightLinkTarget |
		rightOpen | rightReaddir | rightReadlink | rightRenameSource | rightRenameTarget | rightPathFilestat |
		rightPathSetSize | rightPathSetTimes | rightSetTimes | rightSymlink | rightRemoveDirectory | rightUnlink

	rightsWriting = rightWrite | rightAllocate | rightSetSize
)

// File types.
const (
	typeUnknown = iota
	typeBlock
	typeCharacter
	typeDirectory
	typeRegular
	typeDgram
	typeStream
	typeSymlink
)

// fileType is the type of a mode.
func fileType(mode uint32) uint8 {
	switch mode & linux.S_IFMT {
	case linux.S_IFBLK:
		return typeBlock
	case linux.S_IFCHR:
		return typeCharacter
	case linux.S_IFDIR:
		return typeDirectory
	case linux.S_IFREG:
		return typeRegular
	case linux.S_IFSOCK:
		return typeStream
	case linux.S_IFLNK:
		return typeSymlink
	}
	return typeUnknown // a pipe, too
}

// rightsOf are the rights that can be used on an open file: by its type and how it is open.
// A terminal has no rightSeek: that is how wasi-libc knows it.
func rightsOf(d *fd.Description, mode uint32) uint64 {
	r := uint64(rightsStream)
	switch {
	case mode&linux.S_IFMT == linux.S_IFDIR:
		r = rightsDir
	case mode&linux.S_IFMT == linux.S_IFREG:
		r = rightsFile
	case mode&linux.S_IFMT == linux.S_IFSOCK:
		r = rightsStream | rightShutdown | rightAccept
	case !d.Stream():
		r = rightsDevice
	}
	if !d.Readable() {
		r &^= rightRead | rightReaddir
	}
	if !d.Writable() {
		r &^= rightsWriting
	}
	return r
}
