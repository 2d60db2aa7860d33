package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Errors about names.
var (
	ErrTaken   = errors.New("a container of that name runs")
	ErrUnknown = errors.New("no container of that name runs")
)

// names are those that a container can have: they are names of files, and read well in a list. Most processes ask
// about none.
var names = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`) })

// CheckName tells why a container cannot be called so.
func CheckName(name string) error {
	if names().MatchString(name) {
		return nil
	}
	return fmt.Errorf("%q is no name for a container: expected letters, digits, _ . and -, at most 64, beginning with a letter or a digit", name)
}

// Dir is the runtime directory of this user.
func Dir() (string, error) {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", fmt.Errorf("XDG_RUNTIME_DIR is %q: expected an absolute path", dir)
		}
		return filepath.Join(dir, "vkernel"), nil
	}
	if os.Geteuid() == 0 {
		return "/run/vkernel", nil
	}
	dir := "/run/user/" + strconv.Itoa(os.Geteuid())
	if st, err := os.Stat(dir); err == nil && st.IsDir() {
		return filepath.Join(dir, "vkernel"), nil
	}
	return "", errors.New("there is no runtime directory for named containers: set XDG_RUNTIME_DIR to a directory of yours that nobody else can enter")
}

// directory is the runtime directory, opened.
type directory struct {
	file *os.File
	path string
}

// openDir opens the runtime directory, which is made if it is missing. It has to be the user's own.
func openDir() (*directory, error) {
	path, err := Dir()
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("runtime directory: %w", err)
	}
	fd, err := unix.Open(path, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("runtime directory %s: %w", path, err)
	}
	d := &directory{os.NewFile(uintptr(fd), path), path}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil {
		switch {
		case int(st.Uid) != os.Geteuid():
			err = errors.New("it belongs to another user")
		case st.Mode&0o077 != 0:
			err = fmt.Errorf("others can enter it (mode %o): expected 700", st.Mode&0o777)
		}
	}
	if err != nil {
		d.file.Close()
		return nil, fmt.Errorf("runtime directory %s: %w", path, err)
	}
	return d, nil
}

// at is a name in the directory for calls that take a path: however long the directory's own is, it fits a socket's
// address.
func (d *directory) at(name string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", d.file.Fd(), name)
}

// containers lists the names that there are, of live containers and of what was killed.
func (d *directory) containers() (list []string, err error) {
	entries, err := os.ReadDir(d.at("."))
	if err != nil {
		return nil, fmt.Errorf("runtime directory %s: %w", d.path, err)
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), lockSuffix); ok && names().MatchString(name) {
			list = append(list, name)
		}
	}
	return list, nil
}

const (
	lockSuffix   = ".lock"
	socketSuffix = ".sock"
)

// lock opens the file of a name and locks it. nil: somebody holds it. With create, it is made if it is missing.
func (d *directory) lock(name string, create bool) (*os.File, error) {
	flags := unix.O_RDWR | unix.O_NOFOLLOW | unix.O_CLOEXEC
	if create {
		flags |= unix.O_CREAT
	}
	for {
		fd, err := unix.Openat(int(d.file.Fd()), name+lockSuffix, flags, 0o600)
		if err != nil {
			return nil, err
		}
		f := os.NewFile(uintptr(fd), name)
		held, err := exclusive(fd)
		if err != nil || held {
			f.Close()
			return nil, err
		}
		if d.is(name+lockSuffix, fd) {
			return f, nil
		}
		f.Close() // its owner has removed it meanwhile
	}
}

// exclusive locks a file. Who only looks whether it is locked holds it shared, for a moment; an owner for long.
func exclusive(fd int) (held bool, err error) {
	for {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return false, err
		}
		if err := unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB); err != nil {
			return errors.Is(err, unix.EWOULDBLOCK), ignore(err, unix.EWOULDBLOCK)
		}
		if err := unix.Flock(fd, unix.LOCK_UN); err != nil {
			return false, err
		}
		time.Sleep(time.Millisecond)
	}
}

func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}

// is reports whether a name is that of an open file.
func (d *directory) is(name string, fd int) bool {
	var here, open unix.Stat_t
	return unix.Fstatat(int(d.file.Fd()), name, &here, unix.AT_SYMLINK_NOFOLLOW) == nil && unix.Fstat(fd, &open) == nil &&
		here.Ino == open.Ino && here.Dev == open.Dev
}

// alive reports whether somebody holds a name. What is left of one who was killed is removed.
func (d *directory) alive(name string) bool {
	fd, err := unix.Openat(int(d.file.Fd()), name+lockSuffix, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB) != nil {
		return true
	}
	unix.Flock(fd, unix.LOCK_UN) //nolint:errcheck // the file is closed soon
	f, err := d.lock(name, false)
	if err != nil || f == nil {
		return err == nil
	}
	defer f.Close()
	d.remove(name)
	return false
}

// remove takes away the files of a name, whose lock the caller holds.
func (d *directory) remove(name string) {
	unix.Unlinkat(int(d.file.Fd()), name+socketSuffix, 0) //nolint:errcheck // it may be missing
	unix.Unlinkat(int(d.file.Fd()), name+lockSuffix, 0)   //nolint:errcheck // see above
}

// Name is the name of a container to be, or that runs.
type Name struct {
	name string
	dir  *directory
	lock *os.File
}

// Reserve takes a name. ErrTaken: a container has it.
func Reserve(name string) (*Name, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	d, err := openDir()
	if err != nil {
		return nil, err
	}
	f, err := d.lock(name, true)
	if err == nil && f == nil {
		err = ErrTaken
	}
	if err != nil {
		d.file.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Name{name, d, f}, nil
}

// String is the name itself.
func (n *Name) String() string { return n.name }

// Close gives the name back.
func (n *Name) Close() {
	n.dir.remove(n.name)
	n.lock.Close()
	n.dir.file.Close()
}

// listen opens the socket of the name.
func (n *Name) listen() (*net.UnixListener, error) {
	unix.Unlinkat(int(n.dir.file.Fd()), n.name+socketSuffix, 0) //nolint:errcheck // of one who was killed
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Net: "unixpacket", Name: n.dir.at(n.name + socketSuffix)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.name, err)
	}
	l.SetUnlinkOnClose(false) // Close removes it while it has the name
	return l, nil
}
