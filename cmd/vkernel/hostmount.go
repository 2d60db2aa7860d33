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
	return sandbox.Mount{
		Dir:        os.NewFile(uintptr(fd), m.host),
		MountPoint: sandbox.MountPoint{Target: m.guest, ReadOnly: m.readOnly, NoExec: m.noExec},
	}, nil
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
