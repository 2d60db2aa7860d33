package kernel

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/devfs"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/vfs/tty"
)

// Device numbers (st_dev) of the file systems that every container has.
const (
	devProc = 0x10 + iota
	devDev
	devPts
	devTmp
	devAnonymous
	devShm
)

// consoleDevice is the device number of /dev/console.
var consoleDevice = linux.Makedev(5, 1)

// buildTree mounts the container's file systems.
func (k *Kernel) buildTree() error {
	k.ns = vfs.NewNamespace(k.config.Root, "root", 0)
	if c := k.config.Console; c != nil {
		k.console = tty.New(k.table, consoleDevice, "/dev/console")
		k.Resize(c.Rows, c.Columns)
	}
	k.pts = devfs.NewPTS(devPts, k.table)
	k.generation = devfs.NewGeneration()
	k.register()

	dev, e := devfs.New(devDev, k.console != nil)
	if e != 0 {
		return fmt.Errorf("kernel: /dev: %w", e)
	}
	tmp, e := memfs.New(memfs.Options{Dev: devTmp, Bytes: k.config.Limits.TmpBytes, Mode: 0o1777})
	if e != 0 {
		return fmt.Errorf("kernel: /tmp: %w", e)
	}
	shm, e := memfs.New(memfs.Options{Dev: devShm, Bytes: k.config.Limits.TmpBytes, Mode: 0o1777})
	if e != 0 {
		return fmt.Errorf("kernel: /dev/shm: %w", e)
	}
	mounts := []Mount{
		{"/proc", k.procfs(), "proc", vfs.NoSUID | vfs.NoDev | vfs.NoExec},
		{"/dev", dev, "dev", vfs.NoSUID | vfs.NoExec},
		{"/dev/pts", k.pts, "devpts", vfs.NoSUID | vfs.NoExec},
		{"/dev/shm", shm, "shm", vfs.NoSUID | vfs.NoDev | vfs.NoExec},
		{"/tmp", tmp, "tmpfs", vfs.NoSUID | vfs.NoDev},
	}
	for _, m := range append(mounts, k.config.Mounts...) {
		if err := k.mount(m); err != nil {
			return err
		}
	}
	return nil
}

// register says what the device numbers of the tree open.
func (k *Kernel) register() {
	devfs.Register(k.ns, k.console, k.pts)
	k.generation.Register(k.ns)
	k.ns.Register(linux.S_IFIFO, 0, 0, pipe.Opener(k.pipes))
}

// mount mounts a file system and makes the directory for it if there is none.
func (k *Kernel) mount(m Mount) error {
	c := vfs.NewContext(k.ns, vfs.Root(), nil)
	c.SetUmask(0o022)
	at := ""
	for _, name := range strings.Split(strings.Trim(m.Target, "/"), "/") {
		at += "/" + name
		if e := c.Mkdir(vfs.Path{}, at, 0o755); e != 0 && e != linux.EEXIST {
			return fmt.Errorf("kernel: mount on %s: make %s: %w", m.Target, at, e)
		}
	}
	p, e := c.Lookup(vfs.Path{}, at, 0)
	if e == 0 {
		_, e = k.ns.Mount(p, m.FS, m.Source, m.Flags)
	}
	if e != 0 {
		return fmt.Errorf("kernel: mount on %s: %w", m.Target, e)
	}
	return nil
}

// memory is what guests are told of memory: the container's limit, or what the host has.
func (k *Kernel) memory() (total, free uint64) {
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) == nil {
		total, free = s.Totalram*uint64(s.Unit), s.Freeram*uint64(s.Unit)
	}
	if limit := k.config.Limits.Memory; limit < total {
		free = min(free, limit-min(limit, k.reaper().used()))
		total = limit
	}
	return total, free
}

// searchPath is the PATH of an environment, or a usual one.
func searchPath(env []string) []string {
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, v := range env {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			path = p
		}
	}
	return strings.Split(path, ":")
}
