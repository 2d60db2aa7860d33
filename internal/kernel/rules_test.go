package kernel

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/router"
	"vkernel/internal/trace"
	"vkernel/internal/vfs"
)

func script(interpreter string) router.Entry {
	return router.Entry{Name: "script", Script: true, Interpreter: interpreter}
}

// TestExecution is the hash rule: what may run, as what, and what is said about the rest.
func TestExecution(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(c *container)
		command string
		out     string // of sh -c command; exit status 126 is "cannot execute"
		logged  string
	}{
		{"script", func(c *container) {
			c.file("/s", "#!/bin/sh -e\necho $0 $1\n", script("/bin/sh"))
		}, "/s arg", "/s arg\n", ""},
		{"script of a script", func(c *container) {
			c.file("/a", "#!/b x y\n", script("/b"))
			c.file("/b", "#!/bin/echo\n", script("/bin/echo"))
		}, "/a end", "/b x y /a end\n", ""},
		{"not in the manifest", func(c *container) {
			c.file("/s", "#!/bin/sh\necho hi\n", script("/bin/sh"))
			clear(c.routes)
			c.addGuests()
		}, "/s; echo $?", "sh: /s: Permission denied\n126\n", "path=/s"},
		{"changed after the build", func(c *container) {
			c.file("/s", "#!/bin/sh\necho hi\n", script("/bin/sh"))
		}, "/s; echo '#' >> /s; /s; echo $?", "hi\nsh: /s: Permission denied\n126\n", "not in the manifest"},
		{"another interpreter", func(c *container) {
			c.file("/s", "#!/bin/dash\n", script("/bin/sh"))
		}, "/s; echo $?", "sh: /s: Permission denied\n126\n", "names another interpreter"},
		{"script without a first line", func(c *container) {
			c.file("/s", "echo by the shell\n", script("/bin/sh"))
		}, "/s", "by the shell\n", ""}, // ENOEXEC: the shell reads it itself
		{"a loop of scripts", func(c *container) {
			c.file("/s", "#!/s\n", script("/s"))
		}, "/s; echo $?", "sh: /s: Symbolic link loop\n127\n", ""},
		{
			"no right to execute", func(c *container) {}, "cp /bin/busybox /b; chmod 644 /b; /b; echo $?",
			"sh: /b: Permission denied\n126\n", "",
		},
		{"a copy", func(c *container) {}, "cp /bin/hello /tmp/renamed; /tmp/renamed", "hello, world\n", ""},
		{"a directory", func(c *container) {}, "/bin; echo $?", "sh: /bin: Permission denied\n126\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newContainer(t, nil)
			tt.prepare(c)
			_, out := c.run("sh", "-c", tt.command)
			if out != tt.out {
				t.Errorf("output %q, want %q", out, tt.out)
			}
			if log := c.log.String(); !strings.Contains(log, tt.logged) {
				t.Errorf("log %q does not say %q", log, tt.logged)
			}
		})
	}
}

// TestProcessLimit asks for more processes than there may be.
func TestProcessLimit(t *testing.T) {
	c := newContainer(t, func(c *Config) { c.Limits.Processes = 20 })
	status, out := c.run("sh", "-c", "i=0; while [ $i -lt 100000 ]; do sleep 100 & i=$((i+1)); done")
	if !strings.Contains(out, "can't fork: Resource temporarily unavailable") || status.Code == 0 {
		t.Errorf("status %+v, output %q", status, out)
	}
}

// TestTwoKernels runs two containers at once: they share nothing.
func TestTwoKernels(t *testing.T) {
	a, b := newContainer(t, nil), newContainer(t, nil)
	done := make(chan string)
	for _, c := range []*container{a, b} {
		go func() {
			_, out := c.run("sh", "-c", "echo $$ > /tmp/f; sleep 0.1; ls /tmp; cat /tmp/f")
			done <- out
		}()
	}
	for range 2 {
		if out := <-done; out != "f\n1\n" {
			t.Errorf("output %q", out)
		}
	}
}

// TestPanicEndsTheContainer: an error of the kernel's own is told, by the call's name, and
// ends one container only.
func TestPanicEndsTheContainer(t *testing.T) {
	bad, good := newContainer(t, nil), newContainer(t, nil)
	for _, p := range bad.kernel.code.bound {
		for i, im := range p.Code.Meta.Imports {
			if im.Name == "SYS_getcwd" {
				p.Calls[i] = func(*proc.Thread, proc.Args) (int64, linux.Errno) { panic("a mistake") }
			}
		}
	}
	_, err := bad.kernel.Run(context.Background(), []string{"/bin/sh", "-c", "sleep 100 & pwd -P; /bin/pwd; sleep 100"}, nil, "/")
	if err == nil || !strings.Contains(err.Error(), "wali.SYS_getcwd") || !strings.Contains(err.Error(), "a mistake") {
		t.Errorf("error %v", err)
	}
	if _, out := good.run("/bin/pwd"); out != "/\n" {
		t.Errorf("the other container: %q", out)
	}
}

// TestCancel kills a container that does not end, whatever it does.
func TestCancel(t *testing.T) {
	for _, command := range []string{"sleep 100", "while :; do :; done", "trap '' TERM INT; (sleep 100 | sleep 100) & kill -STOP $$"} {
		c := newContainer(t, nil)
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		status, err := c.kernel.Run(ctx, []string{"/bin/sh", "-c", command}, []string{"PATH=/bin"}, "/")
		cancel()
		if err != nil || status.Signal != linux.SIGKILL {
			t.Errorf("%q: %+v, %v", command, status, err)
		}
	}
}

// TestStandardStreams: input from the host, two outputs, and what happens when the host
// takes no more.
func TestStandardStreams(t *testing.T) {
	var out, errors bytes.Buffer
	c := newContainer(t, func(c *Config) {
		c.Stdin, c.Stdout, c.Stderr = strings.NewReader("b\na\n"), &out, &errors
	})
	c.run("sh", "-c", "sort; echo oops >&2")
	if out.String() != "a\nb\n" || errors.String() != "oops\n" {
		t.Errorf("stdout %q, stderr %q", out.String(), errors.String())
	}
	c = newContainer(t, func(c *Config) { c.Stdout = failing{} })
	if status, _ := c.run("yes"); status.Signal != linux.SIGPIPE {
		t.Errorf("yes into a closed stream: %+v, want SIGPIPE", status)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, linux.EPIPE }

// TestTrace: the trace of a small program is a golden text.
func TestTrace(t *testing.T) {
	var r trace.Recorder
	c := newContainer(t, func(c *Config) { c.Trace = &r })
	c.run("/bin/busybox", "cat", "/nowhere", "/etc/motd")
	want := []string{
		`[1] open("/nowhere", O_RDONLY|O_LARGEFILE) = -1 ENOENT (No such file or directory)`,
		`[1] open("/etc/motd", O_RDONLY|O_LARGEFILE) = 3`,
		`[1] sendfile(1, 3, NULL, 16777216) = 8`,
		`[1] exit_group(1) = ?`,
		`[1] +++ exited with 1 +++`,
	}
	lines := r.Lines()
	for _, w := range want {
		if !slices.Contains(lines, w) {
			t.Errorf("no line %s in\n%s", w, strings.Join(lines, "\n"))
		}
	}
}

// TestUnlistedCommand: the first program obeys the rule too.
func TestUnlistedCommand(t *testing.T) {
	c := newContainer(t, nil)
	f, _, e := c.context.Open(vfs.Path{}, "/evil", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY, Mode: 0o755})
	if e != 0 {
		t.Fatal(e)
	}
	f.Write([]byte("evil"), 0)
	f.Close()
	for argv, want := range map[string]string{"/evil": "/evil: permission denied", "missing": "missing: no such file"} {
		_, err := newContainerLike(t, c).kernel.Run(context.Background(), []string{argv}, nil, "/")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", argv, err, want)
		}
	}
}
