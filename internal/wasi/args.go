package wasi

import (
	"encoding/binary"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

func argsGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	return putStrings(t, t.Process().Image().Argv, a.Addr(0), a.Addr(1))
}

func argsSizesGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	return putSizes(t, t.Process().Image().Argv, a.Addr(0), a.Addr(1))
}

func environGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	return putStrings(t, environ(t), a.Addr(0), a.Addr(1))
}

func environSizesGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	return putSizes(t, environ(t), a.Addr(0), a.Addr(1))
}

// putSizes stores how many strings there are and the bytes that they take with their NULs.
func putSizes(t *proc.Thread, list []string, count, bytes guest.Addr) (int64, linux.Errno) {
	n, size := uint32(len(list)), uint32(0)
	for _, s := range list {
		size += uint32(len(s)) + 1
	}
	if e := guest.Put(t.Mem(), count, &n); e != 0 {
		return 0, e
	}
	return 0, guest.Put(t.Mem(), bytes, &size)
}

// putStrings stores the strings one after the other at buf, and a pointer to each in the
// array at to.
func putStrings(t *proc.Thread, list []string, to, buf guest.Addr) (int64, linux.Errno) {
	size := 0
	for _, s := range list {
		size += len(s) + 1
	}
	pointers, text := make([]byte, 0, 4*len(list)), make([]byte, 0, size)
	for _, s := range list {
		pointers = binary.LittleEndian.AppendUint32(pointers, buf+uint32(len(text)))
		text = append(append(text, s...), 0)
	}
	if e := t.Mem().Write(buf, text); e != 0 {
		return 0, e
	}
	return 0, t.Mem().Write(to, pointers)
}
