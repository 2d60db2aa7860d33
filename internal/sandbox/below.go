package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// hostsOwn are the file systems whose files are the host's kernel: by a procfs a process writes to its
// own code, whatever its seal says.
var hostsOwn = []string{
	"proc", "sysfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "bpf", "devtmpfs", "devpts", "efivarfs", "selinuxfs", "smackfs",
}

// nothingBelow refuses host mounts below which the host has such a file system. A mount of its own does
// not have what is mounted below; but Linux gives none to a user namespace where something is, and
// then a sandbox that was taken over could go there.
func (c *Config) nothingBelow() error {
	for _, m := range c.Mounts {
		dir, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", m.Dir.Fd()))
		if err != nil {
			return err
		}
		at, kind, err := below(dir)
		if err != nil {
			return err
		}
		if at != "" {
			return fmt.Errorf("mount at %s: below it, at %s, is a file system of the host's kernel (%s), and this host cannot leave it out: mount a directory without it", m.Target, at, kind)
		}
	}
	return nil
}

// below finds a file system of the host's kernel that is mounted below a directory.
func below(dir string) (at, kind string, err error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		mounted, source, _ := strings.Cut(lines.Text(), " - ")
		where, what := strings.Fields(mounted), strings.Fields(source)
		if len(where) < 5 || len(what) < 1 || !slices.Contains(hostsOwn, what[0]) {
			continue
		}
		at, err := strconv.Unquote(`"` + strings.ReplaceAll(where[4], `"`, `\"`) + `"`) // blanks are \040
		if err != nil || strings.HasPrefix(at, strings.TrimSuffix(dir, "/")+"/") {
			return where[4], what[0], nil
		}
	}
	return "", "", lines.Err()
}
