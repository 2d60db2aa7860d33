package wasi

import (
	"fmt"
	"strings"

	"vkernel/internal/syscalls"
)

// CheckImport is the builder's check of one import, as that of package syscalls: a function
// that the kernel does not know answers ENOSYS.
func CheckImport(module, name, sig string) (known bool, err error) {
	im := syscalls.Shown(module, name)
	c, known := Lookup(module, name)
	switch {
	case !known && module != Module:
		return false, fmt.Errorf("import %s: unknown function", im)
	case !known && !strings.HasSuffix(sig, ":i"):
		return false, fmt.Errorf("import %s: type %s: a call of WASI returns i32", im, sig)
	case known && c.Sig != sig:
		return false, fmt.Errorf("import %s: type %s, want %s", im, sig, c.Sig)
	}
	return known, nil
}
