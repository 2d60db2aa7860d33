package proc

import (
	"vkernel/internal/audit"
	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/vfs"
)

// CheckExec is execveat(2) with AT_EXECVE_CHECK: might the file be executed? It asks what execve asks,
// and starts nothing. If the file is what the description d refers to, d shows from then on the very
// bytes that were hashed: whoever checks a descriptor and then reads from it reads what passed.
func (t *Thread) CheckExec(f ExecFile, d *fd.Description) linux.Errno {
	pin := d != nil && d.Readable() // of an O_PATH descriptor nothing is read
	x, e := t.examine(f, audit.Check, pin)
	if e != 0 {
		return e
	}
	defer vfs.AllowWrite(x.place)
	if pin && x.text != nil && !mutant.Off("exec.pin") {
		d.Seal(vfs.NewSealed(x.text, x.stat))
	}
	return 0
}
