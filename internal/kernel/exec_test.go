package kernel

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"vkernel/internal/audit"
	"vkernel/internal/linux"
	"vkernel/internal/router"
	"vkernel/internal/vfs"
)

// list makes the content listed as a script, without a file.
func (c *container) list(content, interpreter string) {
	c.routes[sha256.Sum256([]byte(content))] = script(interpreter)
}

// records is an audit.Sink for tests.
type records struct {
	mu  sync.Mutex
	all []audit.Record
}

func (r *records) Decided(x audit.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, x)
}

// text is the records without what differs from run to run.
func (r *records) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, x := range r.all {
		fmt.Fprintf(&b, "%s %s:", x.Action, x.Path)
		switch {
		case x.Reason != "":
			fmt.Fprintf(&b, " %s", x.Reason)
		case x.Interpreter != "":
			fmt.Fprintf(&b, " script of %s", x.Interpreter)
		default:
			fmt.Fprintf(&b, " entry %s", x.Entry)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestWhatWasHashedRuns swaps a script between its hash and its interpreter's open, in each way there
// is: the audit's call stands between the two.
func TestWhatWasHashedRuns(t *testing.T) {
	const good, evil = "#!/bin/sh\necho good\n", "#!/bin/sh\necho evil\n"
	for _, tt := range []struct {
		name, run string
		swap      func(c *container) linux.Errno
	}{
		{"written to", "/s", func(c *container) linux.Errno { return c.overwrite("/s", evil) }},
		{"renamed over", "/s", func(c *container) linux.Errno { return c.context.Rename(vfs.Path{}, "/e", vfs.Path{}, "/s", 0) }},
		{"exchanged", "/s", func(c *container) linux.Errno {
			return c.context.Rename(vfs.Path{}, "/e", vfs.Path{}, "/s", linux.RENAME_EXCHANGE)
		}},
		{"removed", "/s", func(c *container) linux.Errno { return c.context.Unlink(vfs.Path{}, "/s", 0) }},
		{"link turned", "/l", func(c *container) linux.Errno {
			c.context.Unlink(vfs.Path{}, "/l", 0)
			return c.context.Symlink("e", vfs.Path{}, "/l")
		}},
		{"directory renamed", "/d/s", func(c *container) linux.Errno {
			return c.context.Rename(vfs.Path{}, "/d2", vfs.Path{}, "/d", linux.RENAME_EXCHANGE)
		}},
		{"relative name", "cd /; ./s", func(c *container) linux.Errno { return c.overwrite("/s", evil) }},
		{"by a descriptor", "exec 3</s; /proc/self/fd/3", func(c *container) linux.Errno { return c.overwrite("/s", evil) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			done := waiting
			var c *container
			c = newContainer(t, func(k *Config) { k.Audit = &swapper{&c, "/bin/busybox", good, tt.swap, &done} })
			c.context.Mkdir(vfs.Path{}, "/d", 0o755)
			c.context.Mkdir(vfs.Path{}, "/d2", 0o755)
			for _, name := range []string{"/s", "/d/s"} {
				c.file(name, good, script("/bin/sh"))
			}
			for _, name := range []string{"/e", "/d2/s"} {
				c.file(name, evil, router.Entry{})
			}
			c.context.Symlink("s", vfs.Path{}, "/l")
			delete(c.routes, sha256.Sum256([]byte(evil)))
			_, out := c.run("sh", "-c", tt.run+"; echo $?")
			if done != 0 {
				t.Fatalf("the swap did not happen: %v", done)
			}
			if out != "good\n0\n" {
				t.Errorf("printed %q\n%s", out, c.log.String())
			}
		})
	}
}

// overwrite writes to a file, as a process of the container would.
func (c *container) overwrite(name, content string) linux.Errno {
	f, _, e := c.context.Open(vfs.Path{}, name, vfs.OpenHow{Flags: linux.O_WRONLY | linux.O_TRUNC})
	if e != 0 {
		return e
	}
	defer f.Close()
	_, e = f.Write([]byte(content), 0)
	return e
}

// How far a swapper is, before it has a result.
const (
	waiting linux.Errno = 0xfff0 + iota
	hashed
)

// swapper is a sink that swaps a script when its interpreter has been decided about, which is after the
// script was hashed and before anybody opens it.
type swapper struct {
	c           **container
	interpreter string
	after       string // content of the script
	swap        func(c *container) linux.Errno
	done        *linux.Errno
}

func (s *swapper) Decided(r audit.Record) {
	sum := sha256.Sum256([]byte(s.after))
	switch {
	case r.SHA256 == fmt.Sprintf("%x", sum):
		*s.done = hashed
	case *s.done == hashed && r.Path == s.interpreter:
		*s.done = s.swap(*s.c)
	}
}

// TestScriptRace swaps a listed script and an unlisted one as fast as it can while both are executed by
// their name: no run of the other one happens, and runs of the listed one do.
func TestScriptRace(t *testing.T) {
	const good, evil = "#!/bin/sh\necho good\n", "#!/bin/sh\necho evil\n"
	for _, how := range []string{"mv -f", "cp"} {
		t.Run(how, func(t *testing.T) {
			c := newContainer(t, nil)
			c.file("/good", good, script("/bin/sh"))
			c.file("/evil", evil, router.Entry{})
			delete(c.routes, sha256.Sum256([]byte(evil)))
			_, out := c.run("sh", "-c", `
				cp -p /good /s
				while [ ! -e /stop ]; do
					cp -p /evil /e; cp -p /good /g
					`+how+` /e /s; `+how+` /g /s
				done 2>/dev/null &
				i=0; while [ $i -lt 300 ]; do /s 2>/dev/null; i=$((i+1)); done
				: >/stop; wait`)
			if strings.Contains(out, "evil") {
				t.Error("unlisted bytes were interpreted")
			}
			if n := strings.Count(out, "good\n"); n == 0 {
				t.Errorf("the listed script never ran: the test is void\n%s", c.log.String())
			}
		})
	}
}

// TestScriptIsReadOnce: only the first open gives what was hashed; a script that changes itself and reads
// itself sees the change, and others see it at once.
func TestScriptIsReadOnce(t *testing.T) {
	c := newContainer(t, nil)
	c.file("/s", "#!/bin/sh\necho '# more' >>/s\ncat /s | tail -n 1\ntail -n 1 /s\ntail -n 1 <$0\n", script("/bin/sh"))
	if _, out := c.run("sh", "-c", "/s; tail -n 1 /s"); out != strings.Repeat("# more\n", 4) {
		t.Errorf("printed %q", out)
	}
}

// TestScriptThroughEnv: a program that stands between a script and its interpreter passes the name on,
// and the bytes with it.
func TestScriptThroughEnv(t *testing.T) {
	const good, evil = "#!/bin/env sh\necho good\n", "#!/bin/sh\necho evil\n"
	done := waiting
	var c *container
	c = newContainer(t, func(k *Config) {
		k.Audit = &swapper{&c, "/bin/busybox", good, func(c *container) linux.Errno { return c.overwrite("/s", evil) }, &done}
	})
	c.file("/s", good, script("/bin/env"))
	if _, out := c.run("sh", "-c", "/s"); out != "good\n" || done != 0 {
		t.Errorf("swapped %v, printed %q", done, out)
	}
}

// TestUnreadableScript: who may execute a script but not read it cannot have it interpreted.
func TestUnreadableScript(t *testing.T) {
	c := newContainer(t, func(k *Config) { k.Cred.UID, k.Cred.EUID, k.Cred.FSUID = 1000, 1000, 1000 })
	c.file("/s", "#!/bin/sh\necho hi\n", script("/bin/sh"))
	c.context.Chmod(vfs.Path{}, "/s", 0o711, 0)
	if _, out := c.run("sh", "-c", "/s"); !strings.Contains(out, "/s': Permission denied") {
		t.Errorf("printed %q", out)
	}
}

// sinkFunc is a sink of one function.
type sinkFunc func(r audit.Record)

func (f sinkFunc) Decided(r audit.Record) { f(r) }

// TestRevokedWhileRunning: what is revoked starts nothing from then on; what runs goes on.
func TestRevokedWhileRunning(t *testing.T) {
	var revoked atomic.Bool
	sum, runs := sha256.Sum256([]byte("program hello\n")), 0
	c := newContainer(t, func(k *Config) {
		k.Revoked = func(d [32]byte) bool { return d == sum && revoked.Load() }
		k.Audit = sinkFunc(func(r audit.Record) {
			if r.Entry == "hello" {
				if runs++; runs == 3 {
					revoked.Store(true)
				}
			}
		})
	})
	_, out := c.run("sh", "-c", "while /bin/hello >/dev/null; do echo ran; done; echo refused; cp /bin/hello /tmp/h; /tmp/h; echo $?")
	if out != "ran\nran\nran\nsh: /bin/hello: Permission denied\nrefused\nsh: /tmp/h: Permission denied\n126\n" || !strings.Contains(c.log.String(), "reason=revoked") {
		t.Errorf("printed %q\n%s", out, c.log.String())
	}
}

// TestAudit: one record for each link of a chain, and for what was refused before it was read.
func TestAudit(t *testing.T) {
	var r records
	c := newContainer(t, func(k *Config) { k.Audit = &r })
	c.file("/s", "#!/bin/sh\n:\n", script("/bin/sh"))
	c.file("/evil", "evil", router.Entry{})
	delete(c.routes, sha256.Sum256([]byte("evil")))
	c.run("sh", "-c", "/s; /evil; /nowhere; chmod 644 /s; /s; /bin/hello")
	want := `exec /bin/busybox: entry busybox
exec /s: script of /bin/sh
exec /bin/busybox: entry busybox
exec /evil: not in the manifest
exec /bin/busybox: entry busybox
exec /s: permission denied
exec /bin/hello: entry hello
`
	if got := r.text(); got != want {
		t.Errorf("recorded\n%s", got)
	}
	for i, x := range r.all {
		if x.PID == 0 || x.Time.IsZero() || (x.SHA256 == "") != (x.Reason == "permission denied") || (x.From == "") != (i == 0) {
			t.Errorf("record %d: %+v", i, x)
		}
	}
}

// TestLogIsPaced: a guest that executes an unlisted file without end does not fill the log.
func TestLogIsPaced(t *testing.T) {
	c := newContainer(t, nil)
	c.file("/evil", "evil", router.Entry{})
	delete(c.routes, sha256.Sum256([]byte("evil")))
	c.run("sh", "-c", "i=0; while [ $i -lt 1000 ]; do /evil 2>/dev/null; i=$((i+1)); done")
	if n := strings.Count(c.log.String(), "execve refused"); n < 100 || n > 600 {
		t.Errorf("%d lines for 1000 refusals", n)
	}
}

// TestTextBusy: what runs cannot be written to, by any name, and can again once it has ended.
func TestTextBusy(t *testing.T) {
	c := newContainer(t, nil)
	_, out := c.run("sh", "-c", `
		cp /bin/busybox /tmp/sleep; ln /tmp/sleep /tmp/hard
		/tmp/sleep 100 & sleep 0.2
		for f in /tmp/sleep /tmp/hard /proc/$!/exe; do (echo x >>$f) 2>&1 | sed 's/.*: //'; done
		mv /tmp/sleep /tmp/renamed; (echo x >>/tmp/renamed) 2>&1 | sed 's/.*: //'
		kill $!; wait; echo x >>/tmp/renamed && echo written
		exec 3>>/tmp/true; cat /bin/busybox >&3; chmod +x /tmp/true; /tmp/true; exec 3>&-; /tmp/true && echo ran`)
	want := strings.Repeat("Text file busy\n", 4) + "written\nsh: /tmp/true: Text file busy\nran\n"
	if out != want {
		t.Errorf("printed\n%s", out)
	}
}
