package syscalls

import (
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

func getpid(t *proc.Thread, _ Args) (int64, linux.Errno) { return int64(t.Process().PID()), 0 }

func gettid(t *proc.Thread, _ Args) (int64, linux.Errno) { return int64(t.TID()), 0 }

func getppid(t *proc.Thread, _ Args) (int64, linux.Errno) { return int64(t.Process().Parent()), 0 }

func getpgrp(t *proc.Thread, _ Args) (int64, linux.Errno) { return int64(t.Process().Group()), 0 }

// target finds the process that an id names, 0 being the caller. The id of any thread does.
func target(t *proc.Thread, pid int32) (*proc.Process, linux.Errno) {
	if pid == 0 || int(pid) == t.Process().PID() {
		return t.Process(), 0
	}
	if p, ok := t.Table().Find(int(pid)); ok {
		return p, 0
	}
	to, e := targetThread(t, pid)
	if e != 0 {
		return nil, e
	}
	return to.Process(), 0
}

func getpgid(t *proc.Thread, a Args) (int64, linux.Errno) {
	p, e := target(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	return int64(p.Group()), 0
}

func getsid(t *proc.Thread, a Args) (int64, linux.Errno) {
	p, e := target(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	return int64(p.Session()), 0
}

func setpgid(t *proc.Thread, a Args) (int64, linux.Errno) {
	return 0, t.Process().SetGroup(int(a.Int(0)), int(a.Int(1)))
}

func setsid(t *proc.Thread, _ Args) (int64, linux.Errno) {
	if e := t.Process().SetSession(); e != 0 {
		return 0, e
	}
	return int64(t.Process().PID()), 0
}
