package syscalls

import (
	"strings"

	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// HandlerOf finds the handler of an import of Module, nil if there is none.
func HandlerOf(name string) Handler {
	if h, ok := helperHandlers[name]; ok {
		return h
	}
	if call, ok := strings.CutPrefix(name, Prefix); ok {
		if c, ok := Lookup(call); ok {
			return c.Handler
		}
	}
	return nil
}

func unimplemented(*proc.Thread, Args) (int64, linux.Errno) { return 0, linux.ENOSYS }
