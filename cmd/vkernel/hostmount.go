package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

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
		MountPoint: sandbox.MountPoint{Target: m.guest, ReadOnly: m.readOnly},
	}, nil
}
