package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/bundle"
)

// script does a little of everything that the engine and the kernel need the host for.
const script = `
seq 1 2000 | wc -l
for i in 1 2 3 4 5 6 7 8; do (echo $i; exit $i) & done | sort >/dev/null 2>&1; wait
x=$(seq 1 20000); y=$(echo "$x" | wc -l); echo $y
mkdir -p /tmp/d; echo hello >/tmp/d/f; cat /tmp/d/f; rm -r /tmp/d
sleep 5 & kill $! && wait $! 2>/dev/null; echo $?
kill -9 $$`

const printed = "2000\n20000\nhello\n143"

// hostLacks are the hosts that a sandbox runs on as well, by what they lack.
var hostLacks = map[string]lacks{
	"nothing":             {},
	"namespaces":          {namespaces: true},
	"pivot_root":          {emptyRoot: true},
	"open_tree":           {ownMounts: true},
	"Landlock":            {landlock: true},
	"open_tree, Landlock": {ownMounts: true, landlock: true}, // Debian 11
	"MDWE, PAGEMAP_SCAN":  {mdwe: true, scan: true},          // Debian 12
	"all":                 {namespaces: true, emptyRoot: true, ownMounts: true, landlock: true, mdwe: true, scan: true},
}

// A container runs the same on a host that lacks what can be done without, and the sandbox says
// what holds it.
func TestFallbacks(t *testing.T) {
	b := guestBundle(t)
	for name, lack := range hostLacks {
		t.Run(name, func(t *testing.T) {
			s := start(t, Config{Bundle: b, Processes: 100, without: lack})
			held, err := s.Wait()
			must(t, err)
			if lack.namespaces && held.Namespaces || lack.emptyRoot && held.EmptyRoot || lack.ownMounts && held.OwnMounts ||
				lack.landlock && held.Landlock != 0 || lack.mdwe && held.MDWE || lack.scan && held.Scan {
				t.Errorf("held by %+v", held)
			}
			out, st := shell(t, s, script)
			out = warned(t, out, held)
			if strings.ReplaceAll(out, "Terminated\n", "") != printed || st.Signal != 9 {
				t.Errorf("printed %q, ended %+v", out, st)
			}
		})
	}
}

// warned takes the line off that says what the host lacks. It is there if the host's files are
// not kept from the sandbox, and only then.
func warned(t *testing.T, out string, held Confinements) string {
	t.Helper()
	first, rest, _ := strings.Cut(out, "\n")
	there := strings.HasPrefix(first, "level=WARN msg=\"the sandbox lacks ")
	if there == (held.EmptyRoot && held.OwnMounts || held.Landlock != 0) {
		t.Errorf("%+v: the first line is %q", held, first)
	}
	if !there {
		return out
	}
	return rest
}

// What the host offers is used: on the hosts of CI that is everything.
func TestAllOfIt(t *testing.T) {
	s := start(t, Config{Bundle: guestBundle(t), Processes: 10})
	held, err := s.Wait()
	must(t, err)
	needAll(t)
	if !held.Namespaces || !held.EmptyRoot || !held.OwnMounts || held.Landlock < 1 || !held.MDWE || !held.Scan {
		t.Errorf("held by %+v", held)
	}
}

// needAll skips a test on a host that lacks something.
func needAll(t *testing.T) {
	t.Helper()
	for _, f := range Features() {
		if !f.Has {
			t.Skipf("this host lacks %s", f.Name)
		}
	}
}

// Landlock, an own mount and an empty root each keep the process from files beside those that
// it was given.
func TestWhatKeepsFiles(t *testing.T) {
	needAll(t)
	b := guestBundle(t)
	const up, absolute = "openat2 out of the root", "openat2 /etc/passwd"
	for _, test := range []struct {
		lacks   lacks
		attempt string
		want    string
	}{
		{lacks{landlock: true}, up, "ENOENT"},
		{lacks{ownMounts: true}, "openat2 to write content", "EACCES"},
		{lacks{landlock: true}, absolute, "ENOENT"},
		{lacks{ownMounts: true}, up, "EACCES"},
		{lacks{emptyRoot: true}, absolute, "EACCES"},
		{lacks{namespaces: true}, absolute, "EACCES"},
		{lacks{namespaces: true, landlock: true}, absolute, "done"}, // so the others are what keeps them
		{lacks{namespaces: true, landlock: true}, up, "done"},
		{lacks{ownMounts: true, landlock: true}, up, "done"}, // the empty root alone does not: run warns
	} {
		if got := outcome(t, Config{Bundle: b, Processes: 10, without: test.lacks}, test.attempt, true); got != test.want {
			t.Errorf("without %+v: %s: %s, want %s", test.lacks, test.attempt, got, test.want)
		}
	}
}

// mountOf opens a directory of the host.
func mountOf(t *testing.T, dir, target string, readOnly bool) Mount {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	f := os.NewFile(uintptr(fd), dir)
	t.Cleanup(func() { f.Close() })
	return Mount{Dir: f, MountPoint: MountPoint{Target: target, ReadOnly: readOnly}}
}

const useMount = `cd /m && echo one >a && chmod 640 a && mkdir d && mv a d/b && ln d/b c && ln -s c e && cat e
echo two >>c; cat d/b; touch -t 200001010000 c; sync; rm -r d e; ls; echo x >/r/x; cat /r/f`

// Host mounts work, read-only ones are, whatever else the host lacks.
func TestMounts(t *testing.T) {
	b := guestBundle(t)
	for name, lack := range hostLacks {
		t.Run(name, func(t *testing.T) {
			dir, fixed := t.TempDir(), t.TempDir()
			must(t, os.WriteFile(filepath.Join(fixed, "f"), []byte("fixed\n"), 0o644))
			s := start(t, Config{Bundle: b, Processes: 100, without: lack, Mounts: []Mount{
				mountOf(t, dir, "/m", false), mountOf(t, fixed, "/r", true),
			}})
			held, err := s.Wait()
			must(t, err)
			out, _ := shell(t, s, useMount)
			out = warned(t, out, held)
			if !strings.HasPrefix(out, "one\none\ntwo\nc\n") || !strings.HasSuffix(out, "/r/x: Read-only file system\nfixed") {
				t.Errorf("printed %q", out)
			}
			st, err := os.Stat(filepath.Join(dir, "c"))
			must(t, err)
			if st.Mode() != 0o640 || st.ModTime().Year() != 2000 && st.ModTime().Year() != 1999 {
				t.Errorf("the host's file: %v %v", st.Mode(), st.ModTime())
			}
		})
	}
}

// All of that holds for a user who is not root.
func TestOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the other tests run as one already")
	}
	b := guestBundle(t)
	tmp := t.TempDir()
	must(t, os.Chmod(tmp, 0o777))
	must(t, os.Chmod(filepath.Dir(tmp), 0o755))
	out := again(t, "(TestFallbacks|TestAllOfIt|TestMounts|TestForbidden)", func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "SANDBOX_BUNDLE="+b.Dir, "TMPDIR="+tmp, "HOME="+tmp)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: false}}
	})
	for _, name := range []string{"TestFallbacks", "TestMounts", "TestForbidden"} {
		if !strings.Contains(out, fmt.Sprintf("--- PASS: %s ", name)) {
			t.Errorf("%s did not run:\n%s", name, out)
		}
	}
}

// Root runs a bundle whose files only another user may read.
func TestOthersBundle(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root")
	}
	b := guestBundle(t)
	dir := filepath.Join(t.TempDir(), "others.vk")
	must(t, os.CopyFS(dir, os.DirFS(b.Dir)))
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			err = errors.Join(os.Chown(path, 65534, 65534), os.Chmod(path, 0o600))
		}
		return err
	}))
	others, err := bundle.Open(dir, policyOf(t, b.Dir))
	must(t, err)
	defer others.Close()
	if out, _ := shell(t, start(t, Config{Bundle: others, Processes: 10}), "echo it runs"); out != "it runs" {
		t.Errorf("printed %q", out)
	}
}
