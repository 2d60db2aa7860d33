package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Of prctl(2) and seccomp(2).
const (
	prSetMDWE        = 65
	mdweRefuseExec   = 1
	setModeFilter    = 1
	filterFlagTSync  = 1
	maxInstructions  = 4096 // of a filter, for Linux
	statusNoNewPrivs = "NoNewPrivs:\t1\n"
	statusSeccomp    = "Seccomp:\t2\n"
	statusReadAtOnce = 8192
)

// seal closes the door behind what was loaded: from here on no thread of the process can make
// memory executable, execute, fork, or open a path. Without seccomp and no_new_privs it fails.
func seal(spec *Spec, network bool) (Confinements, error) {
	held := constructed()
	held.Scan = !spec.NoScan && hasScan()
	if !spec.NoMDWE {
		held.MDWE = unix.Prctl(prSetMDWE, mdweRefuseExec, 0, 0, 0) == nil
	}
	filter, err := program(os.Getpid(), len(spec.Mounts) > 0, network)
	if err != nil {
		return held, err
	}
	if err := install(filter); err != nil {
		return held, fmt.Errorf("seccomp: %w: vkernel does not run guests without it", err)
	}
	return held, checkSealed()
}

// install puts a filter over every thread of the process.
func install(filter []bpf.Instruction) error {
	raw, err := bpf.Assemble(filter)
	if err != nil {
		return err
	}
	if len(raw) > maxInstructions {
		return fmt.Errorf("%d instructions, at most %d", len(raw), maxInstructions)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	r, _, e := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, filterFlagTSync, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return e
	}
	if r != 0 {
		return fmt.Errorf("thread %d could not be sealed", r)
	}
	return nil
}

// checkSealed asks Linux, rather than believing that all went well.
func checkSealed() error {
	var buf [statusReadAtOnce]byte
	n, err := unix.Pread(fdStatus, buf[:], 0)
	if err != nil {
		return fmt.Errorf("reading the status of the process: %w", err)
	}
	for _, line := range []string{statusNoNewPrivs, statusSeccomp} {
		if !bytes.Contains(buf[:n], []byte(line)) {
			return errors.New("the process is not sealed: its status does not say " + line[:len(line)-1])
		}
	}
	return nil
}

// hasScan tells whether the host has PAGEMAP_SCAN. Asked with no structure, one that has it says
// EINVAL or EFAULT, another ENOTTY.
func hasScan() bool {
	err := unix.IoctlSetInt(fdPagemap, pagemapScan, 0)
	return !errors.Is(err, unix.ENOTTY) && !errors.Is(err, unix.EPERM)
}
