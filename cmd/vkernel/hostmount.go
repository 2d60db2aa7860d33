package main

import (
	"fmt"

	"golang.org/x/sys/unix"

	"vkernel/internal/kernel"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/hostfs"
)

// addMount adds a directory of the host to a container. It was resolved and checked by
// parseMount; a symbolic link that has taken its place since is refused.
func addMount(c *kernel.Config, m mount, dev uint64) error {
	fd, err := unix.Openat2(unix.AT_FDCWD, m.host, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return fmt.Errorf("-v %s: %w", m.host, err)
	}
	fs, err := hostfs.New(fd, hostfs.Options{Dev: dev, ReadOnly: m.readOnly})
	if err != nil {
		return fmt.Errorf("-v %s: %w", m.host, err)
	}
	flags := vfs.NoSUID | vfs.NoDev
	if m.readOnly {
		flags |= vfs.ReadOnly
	}
	c.Mounts = append(c.Mounts, kernel.Mount{Target: m.guest, FS: fs, Source: "host", Flags: flags}) // where on the host is not the guest's business
	return nil
}
