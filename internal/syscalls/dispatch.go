package syscalls

import (
	"log/slog"
	"strings"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// Bind gives the handler of each import of a program, so that a call is one indirect call.
// An import that the kernel does not know answers ENOSYS and is named in the log, once
// for each program.
func Bind(program *layout.Program, log *slog.Logger) []Handler {
	bound := make([]Handler, len(program.Imports))
	var unknown []string
	for i, im := range program.Imports {
		bound[i] = handlerOf(im.Module, im.Name)
		if bound[i] == nil {
			bound[i] = unimplemented
			unknown = append(unknown, im.Module+"."+im.Name)
		}
	}
	if len(unknown) > 0 {
		log.Info("imports that answer ENOSYS", "program", program.Name, "imports", unknown)
	}
	return bound
}

// handlerOf finds the handler of an import, nil if there is none.
func handlerOf(module, name string) Handler {
	if module != Module {
		return nil
	}
	if h, ok := helperHandlers[name]; ok {
		return h
	}
	if call, ok := strings.CutPrefix(name, prefix); ok {
		if c, ok := Lookup(call); ok {
			return c.Handler
		}
	}
	return nil
}

func unimplemented(*proc.Thread, Args) (int64, linux.Errno) { return 0, linux.ENOSYS }
