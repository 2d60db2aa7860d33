package syscalls

import (
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// OwnModule is the import module of what only this kernel has: calls that are no system calls, and
// need no permission, since they give a program nothing that it has not.
const OwnModule = "vkernel"

// ownCalls are its imports: type, as in Call.Sig, and handler.
var ownCalls = map[string]struct {
	sig     string
	handler Handler
}{
	"ready": {":i", ready},
}

// OwnHandler finds the handler of an import of OwnModule, nil if there is none.
func OwnHandler(name string) Handler { return ownCalls[name].handler }

// ready says that the program is ready to take its arguments. It returns 0, or 1 in a process that starts
// here: one that execve has made from an image of another that came here before.
func ready(t *proc.Thread, _ Args) (int64, linux.Errno) {
	t.Ready()
	return 0, 0
}
