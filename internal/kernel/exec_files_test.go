package kernel

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/router"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/hostfs"
)

// mountHost mounts a directory of the host at /host.
func mountHost(t *testing.T, c *Config, dir string) {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	fs, err := hostfs.New(fd, hostfs.Options{Dev: 0x30})
	if err != nil {
		t.Fatal(err)
	}
	c.Mounts = append(c.Mounts, Mount{Target: "/host", FS: fs, Source: "host"})
}

// TestHostFileChanges: a script on a host mount is swapped by a program of the host between its hash and
// its interpreter's open, and then between two executions.
func TestHostFileChanges(t *testing.T) {
	const good, evil = "#!/bin/sh\necho good\n", "#!/bin/sh\necho evil\n"
	for _, how := range []string{"write", "rename"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "s")
			put := func(name, content string) {
				if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			put(file, good)
			done := waiting
			var c *container
			c = newContainer(t, func(k *Config) {
				mountHost(t, k, dir)
				k.Audit = &swapper{&c, "/bin/busybox", good, func(*container) linux.Errno {
					if how == "rename" {
						put(file+".new", evil)
						if err := os.Rename(file+".new", file); err != nil {
							return linux.EIO
						}
						return 0
					}
					put(file, evil)
					return 0
				}, &done}
			})
			c.list(good, "/bin/sh")
			_, out := c.run("sh", "-c", "/host/s; /host/s; echo $?")
			if out != "good\nsh: /host/s: Permission denied\n126\n" || done != 0 {
				t.Errorf("swapped %v, printed %q", done, out)
			}
		})
	}
}

// TestSpecialFiles: what is empty, huge or full of holes is refused, soon or until the process is killed,
// and the kernel reads no more of it than a bound.
func TestSpecialFiles(t *testing.T) {
	for _, tt := range []struct{ name, command, out string }{
		{"empty", ": >/tmp/f", "sh: /tmp/f: Permission denied\n126\n"},
		{"sparse", "truncate -s 64M /tmp/f", "sh: /tmp/f: Permission denied\n126\n"},
		{"beyond the limit", "truncate -s 100G /tmp/f", "sh: /tmp/f: Permission denied\n126\n"},
		{"killed while it is hashed", "truncate -s 1000M /tmp/f; (sleep 0.1; kill -9 $$) &", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newContainer(t, nil)
			for _, applet := range []string{"truncate"} {
				c.context.Symlink("busybox", vfs.Path{}, "/bin/"+applet)
			}
			start := time.Now()
			_, out := c.run("sh", "-c", tt.command+"\nchmod +x /tmp/f; /tmp/f; echo $?")
			if out != tt.out {
				t.Errorf("printed %q", out)
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestInterpreterNames: a script is listed for the very name of its interpreter; another name of the same
// program is another name.
func TestInterpreterNames(t *testing.T) {
	c := newContainer(t, nil)
	c.context.Mkdir(vfs.Path{}, "/usr", 0o755)
	c.context.Symlink("/bin", vfs.Path{}, "/usr/bin")
	c.file("/a", "#!/bin/sh\necho a\n", script("/bin/sh"))
	c.file("/b", "#!/usr/bin/sh\necho b\n", script("/usr/bin/sh"))
	c.file("/c", "#!/usr/bin/sh\necho c\n", script("/bin/sh"))
	c.file("/d", "#!/bin/../bin/sh\necho d\n", script("/bin/sh"))
	c.file("/e", "#!/proc/self/exe\n", script("/proc/self/exe"))
	c.file("/f", "#!/unlisted\necho f\n", script("/unlisted"))
	c.file("/unlisted", "unlisted", router.Entry{})
	delete(c.routes, sha256.Sum256([]byte("unlisted")))
	_, out := c.run("sh", "-c", "for f in a b c d f; do /$f 2>&1; done")
	denied := func(name string) string { return "sh: /" + name + ": Permission denied\n" }
	if want := "a\nb\n" + denied("c") + denied("d") + denied("f"); out != want {
		t.Errorf("printed %q", out)
	}
}

// TestSameContentElsewhere: the digest decides, not the place: links, copies and mounts.
func TestSameContentElsewhere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "h"), []byte("program hello\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := newContainer(t, func(k *Config) { mountHost(t, k, dir) })
	_, out := c.run("sh", "-c", `cd /tmp; ln -s /bin/hello soft; cp /bin/hello copy; ln copy hard; mkdir d; mv copy d/moved
		for f in ./soft ./hard d/moved /host/h /proc/self/root/bin/hello /proc/self/cwd/hard; do $f; done
		exec 3</bin/hello; /proc/self/fd/3; rm -f hard d/moved; echo x >>/host/h; /host/h`)
	if n := strings.Count(out, "hello, world\n"); n != 7 || !strings.HasSuffix(out, "sh: /host/h: Permission denied\n") {
		t.Errorf("printed %q", out)
	}
}
