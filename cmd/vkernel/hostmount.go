package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
	"vkernel/internal/sandbox"
)

// open opens the directory of a mount. It was resolved and checked by parseMount; a symbolic
// link that has taken its place since is refused.
func (m mount) open() (sandbox.Mount, error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, m.host, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return sandbox.Mount{}, fmt.Errorf("-v %s: %w", m.host, err)
	}
	if err := notTheHostsOwn(fd); err != nil {
		unix.Close(fd)
		return sandbox.Mount{}, fmt.Errorf("-v %s: %w", m.host, err)
	}
	return sandbox.Mount{
		Dir:        os.NewFile(uintptr(fd), m.host),
		MountPoint: sandbox.MountPoint{Target: m.guest, ReadOnly: m.readOnly, NoExec: m.noExec},
	}, nil
}

// notTheHostsOwn refuses file systems whose files are the host's kernel: with a procfs a process
// writes to the memory of others, and to its own code.
func notTheHostsOwn(fd int) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return err
	}
	name, ok := map[int64]string{
		unix.PROC_SUPER_MAGIC: "proc", unix.SYSFS_MAGIC: "sysfs", unix.CGROUP_SUPER_MAGIC: "cgroup", unix.CGROUP2_SUPER_MAGIC: "cgroup2",
		unix.DEBUGFS_MAGIC: "debugfs", unix.TRACEFS_MAGIC: "tracefs", unix.SECURITYFS_MAGIC: "securityfs", unix.BPF_FS_MAGIC: "bpf",
		unix.DEVPTS_SUPER_MAGIC: "devpts", unix.EFIVARFS_MAGIC: "efivarfs", unix.SELINUX_MAGIC: "selinuxfs", unix.SMACK_MAGIC: "smackfs",
	}[int64(st.Type)]
	if ok {
		return fmt.Errorf("it is a file system of the host's kernel (%s), which no container may reach", name)
	}
	return nil
}

// allow asks the manifest about a mount: where it may be, whether it may be written to, and
// whether what is on it may be executed.
func (m *mount) allow(b *manifest.Manifest) error {
	rule, ok := b.MayMount(m.guest)
	if !ok && !mutant.Off("mount.place") {
		return fmt.Errorf("-v %s:%s: the manifest allows no mount there", m.host, m.guest)
	}
	if !rule.Write && !m.readOnly && !mutant.Off("mount.write") {
		return fmt.Errorf("-v %s:%s: the manifest allows no mount there that can be written to: add :ro", m.host, m.guest)
	}
	m.noExec = !rule.Exec && !mutant.Off("mount.exec")
	return nil
}
