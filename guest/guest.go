// Package guest holds what is compiled to WebAssembly: the port of the C library, what the
// C++ library needs, recipes for upstream programs, and small programs of our own. The tools carry it with them.
package guest

import "embed"

// FS is this folder.
//
//go:embed all:musl all:recipes all:cxx
var FS embed.FS
