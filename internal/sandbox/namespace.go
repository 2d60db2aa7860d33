package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// attr starts a process in it.
func (ns namespace) attr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setsid:     true, // the host's terminal sends it no signals
		Cloneflags: ns.flags, UidMappings: ns.uids, GidMappings: ns.gids, AmbientCaps: ns.caps,
	}
}

// namespace is a set of namespaces to start a process in.
type namespace struct {
	flags      uintptr
	uids, gids []syscall.SysProcIDMap
	caps       []uintptr // that the constructor needs, and a user who is not root would lose at execve
}

const (
	ownNamespaces = unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	userNamespace = unix.CLONE_NEWUSER
)

// namespaces are the sets that can be tried, the best first, none last. Root can do without a
// user namespace where the host has none; others cannot.
func namespaces(none bool) []namespace {
	if none {
		return []namespace{{}}
	}
	all := namespace{flags: userNamespace | ownNamespaces}
	if os.Geteuid() != 0 {
		// One user and one group: what is others' seems to belong to nobody.
		all.uids = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		all.gids = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
		all.caps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_CHROOT, unix.CAP_SETPCAP}
		return []namespace{all, {}}
	}
	all.uids, all.gids = identity("/proc/self/uid_map"), identity("/proc/self/gid_map")
	return []namespace{all, {flags: ownNamespaces}, {}}
}

// identity maps all ids that this process's user namespace has to themselves.
func identity(file string) (maps []syscall.SysProcIDMap) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var inside, outside, size int
		if _, err := fmt.Sscan(lines.Text(), &inside, &outside, &size); err == nil {
			maps = append(maps, syscall.SysProcIDMap{ContainerID: inside, HostID: inside, Size: size})
		}
	}
	return maps
}
