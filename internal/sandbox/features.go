package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Feature is something of the host that holds sandbox processes.
type Feature struct {
	Name     string
	Has      bool
	Detail   string // what it is used for, or why it is not there
	Cost     string // of its absence
	Required bool   // nothing runs without it
}

// Features looks at what the host has.
func Features() []Feature {
	list := []Feature{
		feature("seccomp", seccompError(), "system calls of a sandbox process are an allowlist, on all threads", "guests are not run"),
		feature("no_new_privs", unix.Prctl(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), "no program could give a sandbox process more rights", "guests are not run"),
		feature("namespaces", namespaceError(), "a sandbox process has users, processes, mounts and a network of its own, and sees an empty root directory",
			"a sandbox process shares the host's, and its user's files are kept from it by Landlock alone"),
		feature("Landlock", landlockError(), landlockDetail(), "files beside the container's are kept from a sandbox process by its empty root and its own mounts alone"),
		feature("MDWE", mdweError(), "Linux refuses to make memory executable, beside seccomp", "seccomp alone refuses it (Linux before 6.3)"),
	}
	list[0].Required, list[1].Required = true, true
	return list
}

func feature(name string, err error, detail, cost string) Feature {
	f := Feature{Name: name, Has: err == nil, Detail: detail, Cost: cost}
	if err != nil {
		f.Detail = err.Error()
	}
	return f
}

// seccompError asks whether the host can end a process that makes a forbidden call.
func seccompError() error {
	action := uint32(kill)
	const available = 2 // SECCOMP_GET_ACTION_AVAIL
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, available, 0, uintptr(unsafe.Pointer(&action))); e != 0 {
		return e
	}
	return nil
}

func mdweError() error {
	const get = 66 // PR_GET_MDWE
	return unix.Prctl(get, 0, 0, 0, 0)
}

// landlockVersion is the version of the interface, 0 if there is none.
func landlockVersion() (int, error) {
	n, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, 1)
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

func landlockError() error {
	_, err := landlockVersion()
	switch {
	case errors.Is(err, unix.ENOSYS):
		return errors.New("not there: Linux before 5.13, or built without it")
	case errors.Is(err, unix.EOPNOTSUPP):
		return errors.New("switched off: it is not in the list of lsm= on Linux's command line")
	}
	return err
}

func landlockDetail() string {
	n, _ := landlockVersion()
	return fmt.Sprintf("version %d: a sandbox process reaches its container's contents and mounts only", n)
}

// namespaceError tries to start a process in namespaces of its own.
func namespaceError() error {
	ns := namespaces(false)[0]
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{"vkernel", probe}, SysProcAttr: ns.attr()}
	if err := cmd.Start(); err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return fmt.Errorf("clone: %w: see user.max_user_namespaces, kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns", err)
	}
	var status *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &status) {
		return fmt.Errorf("namespaces can be made, but not used: mount: %w", syscall.Errno(status.ExitCode()))
	}
	return nil
}
