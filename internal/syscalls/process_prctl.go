package syscalls

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/proc"
)

// prctl serves the options that programs use; others are EINVAL, as an older kernel says.
func prctl(t *proc.Thread, a Args) (int64, linux.Errno) {
	p, arg := t.Process(), a.Uint(1)
	switch a.Int(0) {
	case linux.PR_SET_PDEATHSIG:
		if arg > linux.NSIG {
			return 0, linux.EINVAL
		}
		p.DeathSignal().Store(int32(arg))
		return 0, 0
	case linux.PR_GET_PDEATHSIG:
		sig := p.DeathSignal().Load()
		return 0, guest.Put(t.Mem(), a.Addr(1), &sig)
	case linux.PR_SET_NAME:
		return setName(t, a.Addr(1))
	case linux.PR_GET_NAME:
		var name [16]byte
		copy(name[:15], t.Name())
		return 0, t.Mem().Write(a.Addr(1), name[:])
	case linux.PR_GET_DUMPABLE:
		return int64(p.Dumpable().Load()), 0
	case linux.PR_SET_DUMPABLE:
		return setFlag(arg, func(v int32) { p.Dumpable().Store(v) })
	case linux.PR_GET_KEEPCAPS:
		return truth(p.Securebits().Get()&linux.SECBIT_KEEP_CAPS != 0), 0
	case linux.PR_SET_KEEPCAPS:
		if arg > 1 {
			return 0, linux.EINVAL
		}
		return 0, p.Securebits().KeepCaps(arg != 0)
	case linux.PR_CAPBSET_READ:
		if arg > linux.CAP_LAST_CAP {
			return 0, linux.EINVAL
		}
		return 1, 0
	case linux.PR_CAPBSET_DROP:
		if !t.Cred().Super() {
			return 0, linux.EPERM
		}
		return 0, 0
	case linux.PR_GET_SECUREBITS:
		return int64(p.Securebits().Get()), 0
	case linux.PR_SET_SECUREBITS:
		return 0, p.Securebits().Set(arg, t.Cred().Super())
	case linux.PR_SET_TIMERSLACK:
		p.TimerSlack().Store(a.Long(1))
		return 0, 0
	case linux.PR_GET_TIMERSLACK:
		return p.TimerSlack().Load(), 0
	case linux.PR_SET_CHILD_SUBREAPER:
		p.Subreaper().Store(arg != 0)
		return 0, 0
	case linux.PR_GET_CHILD_SUBREAPER:
		v := int32(truth(p.Subreaper().Load()))
		return 0, guest.Put(t.Mem(), a.Addr(1), &v)
	case linux.PR_SET_NO_NEW_PRIVS:
		if arg != 1 {
			return 0, linux.EINVAL
		}
		p.NoNewPrivs().Store(true)
		return 0, 0
	case linux.PR_GET_NO_NEW_PRIVS:
		return truth(p.NoNewPrivs().Load()), 0
	}
	return 0, linux.EINVAL
}

// setName sets the thread's name; one without an end in 15 bytes is cut. Each byte is read
// once, and none beyond the end.
func setName(t *proc.Thread, at guest.Addr) (int64, linux.Errno) {
	var name []byte
	for len(name) < 15 {
		c, e := guest.Get[byte](t.Mem(), at+uint32(len(name)))
		if e != 0 {
			return 0, e
		}
		if c == 0 {
			break
		}
		name = append(name, c)
	}
	t.SetName(string(name))
	return 0, 0
}

func setFlag(v uint32, set func(int32)) (int64, linux.Errno) {
	if v > 1 {
		return 0, linux.EINVAL
	}
	set(int32(v))
	return 0, 0
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// personality keeps what Linux would keep; only PER_LINUX is served, and memory never becomes
// executable.
func personality(t *proc.Thread, a Args) (int64, linux.Errno) {
	p := t.Process().Personality()
	if v := a.Uint(0); v != 0xffffffff {
		switch {
		case v&0xff != 0:
			return 0, linux.EINVAL
		case v&linux.READ_IMPLIES_EXEC != 0 && !mutant.Off("exec.personality"):
			return 0, linux.EPERM
		}
		return int64(p.Swap(v)), 0
	}
	return int64(p.Load()), 0
}

// ptrace refuses: no process here sees or changes another's memory or registers.
func ptrace(*proc.Thread, Args) (int64, linux.Errno) { return 0, linux.EPERM }

// processVM is process_vm_readv and process_vm_writev: refused for every process.
func processVM(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a[5] != 0 {
		return 0, linux.EINVAL
	}
	if _, ok := t.Table().Find(int(a.Int(0))); !ok {
		return 0, linux.ESRCH
	}
	return 0, linux.EPERM
}
