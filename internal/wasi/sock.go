package wasi

import (
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// notSocket answers for a descriptor that is no socket: there are none yet.
func notSocket(t *proc.Thread, n int32) (int64, linux.Errno) {
	d, e := t.Files().Get(n)
	if e != 0 {
		return 0, e
	}
	d.Unref()
	return 0, linux.ENOTSOCK
}

func sockAccept(t *proc.Thread, a proc.Args) (int64, linux.Errno) { return notSocket(t, a.Int(0)) }

func sockRecv(t *proc.Thread, a proc.Args) (int64, linux.Errno) { return notSocket(t, a.Int(0)) }

func sockSend(t *proc.Thread, a proc.Args) (int64, linux.Errno) { return notSocket(t, a.Int(0)) }

func sockShutdown(t *proc.Thread, a proc.Args) (int64, linux.Errno) { return notSocket(t, a.Int(0)) }
