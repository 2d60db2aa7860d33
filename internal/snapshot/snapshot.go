// Package snapshot keeps what a container is in files, and makes containers of such files.
//
// # Model
//
// A Store is a directory of chunks: contents under their SHA-256 digest, compressed, each written
// beside its place and renamed, so that a name never stands for a part of its content, and
// never written twice. The graph of the kernel's objects (package state) is one stream of bytes, which refers
// to chunks for what is large.
//
// testdata/types.txt is the list of what is not saved yet, and of what never has to be; TestTypes holds it.
package snapshot
