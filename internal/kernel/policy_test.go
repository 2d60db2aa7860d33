package kernel

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vkernel/internal/imports"
	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/policy"
)

// entries are the guests as a builder would write them; edit narrows them.
func entries(t testing.TB, edit func(e map[string]*manifest.Entry)) *policy.Set {
	t.Helper()
	code, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	m := &manifest.Manifest{Entries: make([]manifest.Entry, len(available()))}
	byName := map[string]*manifest.Entry{}
	for i, g := range available() {
		e := &m.Entries[i]
		*e = manifest.Entry{ID: g.name, Name: g.name, Module: i, Export: "_start", Syscalls: []string{}}
		for _, im := range code.Programs()[i].Meta.Imports {
			if call := imports.Syscall(im.Module, im.Name); call != "" && !slices.Contains(e.Syscalls, call) {
				e.Syscalls = append(e.Syscalls, call)
			}
		}
		slices.Sort(e.Syscalls)
		byName[g.name] = e
	}
	edit(byName)
	s, err := policy.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func withhold(e *manifest.Entry, calls ...string) {
	policy.Withhold(e, func(call string) bool { return slices.Contains(calls, call) })
}

// heldContainer is a container with narrowed entries.
func heldContainer(t testing.TB, edit func(e map[string]*manifest.Entry)) *container {
	t.Helper()
	c := newContainer(t, func(c *Config) { c.Policies = entries(t, edit) })
	for sum, e := range c.routes {
		e.ID = e.Name
		c.routes[sum] = e
	}
	return c
}

// TestPolicy: what a narrowed entry cannot do, and what it still can.
func TestPolicy(t *testing.T) {
	busybox := func(edit func(e *manifest.Entry)) func(map[string]*manifest.Entry) {
		return func(e map[string]*manifest.Entry) { edit(e["busybox"]) }
	}
	for _, tt := range []struct {
		name   string
		edit   func(e map[string]*manifest.Entry)
		script string // of busybox sh
		out    string
		logged string
	}{
		{"as built", func(map[string]*manifest.Entry) {}, "mkdir /x && echo made; /bin/hello", "made\nhello, world\n", ""},
		{
			"a denied call", busybox(func(e *manifest.Entry) { withhold(e, "mkdir") }),
			"mkdir /x; echo $?; mkdir /x; cat /etc/motd", "mkdir: can't create directory '/x': Operation not permitted\n1\n" +
				"mkdir: can't create directory '/x': Operation not permitted\nwelcome\n", "call=mkdir",
		},
		{
			"a deadly call", busybox(func(e *manifest.Entry) { withhold(e, "mkdir"); e.Denied = manifest.DeniedKill }),
			"trap '' SYS; mkdir /x; echo $?; ls -d /x; echo end", "Bad system call\n159\nls: /x: No such file or directory\nend\n", "killed=true",
		},
		{
			"values of an argument", busybox(func(e *manifest.Entry) {
				e.Rules = []manifest.Rule{{Syscall: "kill", Arg: 1, Allow: []uint64{0, uint64(linux.SIGTERM)}}}
			}),
			"kill -KILL $$ || echo no; kill -0 $$ && echo yes; kill -TERM $$; echo not reached", "sh: can't kill pid 1: Operation not permitted\nno\nyes\n", "call=kill",
		},
		{
			"paths", busybox(func(e *manifest.Entry) {
				e.Rules = []manifest.Rule{{Paths: []string{"/bin", "/etc", "/tmp"}}, {Paths: []string{"/tmp/w", "/dev/null"}, Write: true}}
			}),
			`cat /etc/motd; cat /root/../etc/motd; cat /root/s /proc/self/root/root/s; ls / >/dev/null; echo x >/tmp/f; echo x >/etc/motd
			mkdir -p /tmp/w/d; echo in >/tmp/w/d/f; ln -s /root/s /tmp/w/l; cat /tmp/w/d/f /tmp/w/l; mv /tmp/w/d/f /tmp/; ln /etc/motd /tmp/w/m; chmod 600 /etc/motd; cat /nowhere`,
			"welcome\nwelcome\ncat: can't open '/root/s': Permission denied\ncat: can't open '/proc/self/root/root/s': Permission denied\n" +
				"ls: can't open '/': Permission denied\nsh: can't create /tmp/f: Permission denied\nsh: can't create /etc/motd: Permission denied\n" +
				"in\ncat: can't open '/tmp/w/l': Permission denied\nmv: can't rename '/tmp/w/d/f': Permission denied\nln: /tmp/w/m: Permission denied\n" +
				"chmod: /etc/motd: Permission denied\ncat: can't open '/nowhere': Permission denied\n", "",
		},
		{
			"starts", busybox(func(e *manifest.Entry) { e.Starts = []string{"hello"} }),
			"/bin/hello; /bin/true; echo $?; ls; /s", "hello, world\nsh: /bin/true: Permission denied\n126\nsh: ls: Permission denied\nsh: /s: Permission denied\n", "may not be started by entry busybox",
		},
		{"starts nothing", busybox(func(e *manifest.Entry) { e.Starts = []string{} }), "/bin/hello; echo $?", "sh: /bin/hello: Permission denied\n126\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := heldContainer(t, tt.edit)
			c.file("/s", "#!/bin/sh\necho script\n", script("/bin/sh"))
			c.file("/root/s", "secret\n", script("/bin/sh"))
			_, out := c.run("/bin/busybox", "sh", "-c", tt.script)
			if out != tt.out {
				t.Errorf("output\n%s\nwant\n%s", out, tt.out)
			}
			if log := c.log.String(); !strings.Contains(log, tt.logged) {
				t.Errorf("log %q does not say %q", log, tt.logged)
			}
		})
	}
}

// TestInherit: a narrow program cannot start a wide one to act for it, by whatever way.
func TestInherit(t *testing.T) {
	const denied = "mkdir: can't create directory '/x': Operation not permitted\n"
	for _, tt := range []struct{ name, script, out string }{
		{"exec", "exec /bin/mkdir /x", denied},
		{"fork and exec", "/bin/mkdir /x; echo $?", denied + "1\n"},
		{"vfork", "/bin/busybox xargs mkdir </tmp/name", denied},
		{"a shell between", `/bin/busybox sh -c "mkdir /x; echo $?"`, denied + "0\n"},
		{"two shells, subshells and a pipe", `/bin/busybox sh -c "(echo /x | (sh -c 'xargs mkdir'))"`, denied},
		{"in the background", "/bin/busybox sh -c 'mkdir /x & wait'", denied},
		{"back to the entry itself", `/bin/busybox sh -c "/bin/dash -c 'exec /bin/mkdir /x'"`, denied},
		{"a script", "/s", denied},
		{"a program that does not ask", "/bin/hello", "hello, world\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, inherit := range []bool{true, false} {
				c := heldContainer(t, func(e map[string]*manifest.Entry) {
					withhold(e["dash"], "mkdir")
					e["dash"].Inherit = inherit
					if !slices.Contains(e["dash"].Syscalls, "mkdir") {
						e["dash"].Withheld = []string{"mkdir"}
					}
				})
				c.file("/s", "#!/bin/sh\nmkdir /x\n", script("/bin/sh"))
				c.file("/tmp-name", "", script("/bin/sh"))
				_, out := c.run("/bin/dash", "-c", "echo /x >/tmp/name; "+tt.script)
				want := tt.out
				if !inherit {
					want = strings.ReplaceAll(strings.ReplaceAll(want, denied, ""), "1\n", "0\n")
				}
				if out != want {
					t.Errorf("inherit %v: output\n%s\nwant\n%s", inherit, out, want)
				}
			}
		})
	}
}

// TestLimitsOfEntries: they hold against the container's root, too.
func TestLimitsOfEntries(t *testing.T) {
	c := heldContainer(t, func(e map[string]*manifest.Entry) {
		e["lua"].Limits.Memory = 64 << 20
		e["dash"].Limits = manifest.Limits{Memory: 100 << 20, CPU: 2}
		e["dash"].Inherit = true
	})
	_, out := c.run("/bin/busybox", "sh", "-c", `/bin/lua -e 'print(pcall(string.rep, "x", 30000000) and "fits"); print(select(2, pcall(string.rep, "x", 80000000)))'
		/bin/dash -c 'ulimit -v; ulimit -t; ulimit -v 200000; ulimit -t 100; ulimit -t'
		/bin/dash -c '/bin/busybox sh -c "ulimit -v unlimited; ulimit -v"'
		/bin/busybox sh -c 'ulimit -t'`)
	want := "fits\nnot enough memory\n102400\n2\n"
	if !strings.HasPrefix(out, want) || !strings.HasSuffix(out, "102400\nunlimited\n") {
		t.Errorf("output\n%s", out)
	}
	c = heldContainer(t, func(e map[string]*manifest.Entry) { e["hello"].Limits.Memory = 65536 })
	if _, out := c.run("/bin/busybox", "sh", "-c", "/bin/hello; echo $?"); !strings.Contains(out, "126") || strings.Contains(out, "hello, world") {
		t.Errorf("a program that does not fit into its limit: %q", out)
	}
	c = heldContainer(t, func(e map[string]*manifest.Entry) { e["lua"].Limits.CPU = 1 })
	start := time.Now()
	if status, out := c.run("/bin/lua", "-e", "while true do end"); status.Signal != linux.SIGKILL && status.Signal != linux.SIGXCPU {
		t.Errorf("status %+v after %v, output %q", status, time.Since(start), out)
	}
}

// TestUnlistedImport: a program whose code refers to a call that its entry does not list does not
// start, and nor does an entry of a program that there is not.
func TestUnlistedImport(t *testing.T) {
	if os.Getenv("VKERNEL_GUESTS") == "" {
		t.Skip("VKERNEL_GUESTS is not set")
	}
	if _, err := compiled(); err != nil {
		t.Fatal(err)
	}
	code, _ := compiled()
	for name, tt := range map[string]struct {
		edit func(e map[string]*manifest.Entry)
		want string
	}{
		"call": {func(e map[string]*manifest.Entry) {
			e["dash"].Syscalls = slices.DeleteFunc(e["dash"].Syscalls, func(s string) bool { return s == "execve" })
		}, "program dash: import wali.SYS_execve: entry dash lists execve neither"},
		"module": {func(e map[string]*manifest.Entry) { e["lua"].Module = 17 }, "entry lua: module 17, there are "},
	} {
		_, err := New(Config{Code: code, Router: routes{}, Policies: entries(t, tt.edit)})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestAllowedIsDirect: a call that a narrowed entry may make without conditions is bound to the
// very handler that it is bound to without a policy, so that the policy costs it nothing.
func TestAllowedIsDirect(t *testing.T) {
	free := newContainer(t, nil).kernel.code
	narrowed := heldContainer(t, func(e map[string]*manifest.Entry) {
		withhold(e["busybox"], "mkdir", "fork")
		e["busybox"].Rules = []manifest.Rule{{Syscall: "kill", Arg: 1, Allow: []uint64{0}}}
	}).kernel.code
	plain := free.bound[2]
	held := narrowed.link(narrowed.policies.Entry("busybox"), 2)
	changed := []string{}
	for i, im := range plain.Code.Meta.Imports {
		if fmt.Sprintf("%p", plain.Calls[i]) != fmt.Sprintf("%p", held.Calls[i]) {
			changed = append(changed, im.Name)
		}
	}
	slices.Sort(changed)
	if want := []string{"SYS_fork", "SYS_kill", "SYS_mkdir"}; !slices.Equal(changed, want) {
		t.Errorf("bound to other handlers: %v, want %v", changed, want)
	}
}

// TestInheritProfile: a shell with the profile "shell" and inherit holds all tools by it, and they
// work; what the profile lacks they cannot do, although their own entries allow it.
func TestInheritProfile(t *testing.T) {
	shell, err := policy.FindProfile("shell")
	if err != nil {
		t.Fatal(err)
	}
	c := heldContainer(t, func(e map[string]*manifest.Entry) {
		e["dash"].Inherit = true
		shell.Apply(e["dash"], slices.Clone(e["dash"].Syscalls), nil)
	})
	_, out := c.run("/bin/dash", "-c", `mkdir /w; cd /w; echo b >f; echo a >>f; sort f | tee g; ls; find . -name g; /bin/lua -e 'os.execute("chmod 600 f; stat -c %a f")'
		/bin/busybox chroot / /bin/true; hostname other; hostname; /bin/busybox sh -c 'exec hostname other'`)
	want := "a\nb\nf\ng\n./g\n600\nchroot: can't change root directory to '/': Operation not permitted\n" +
		"hostname: sethostname: Operation not permitted\nvkernel\nhostname: sethostname: Operation not permitted\n"
	if out != want {
		t.Errorf("output\n%s\nwant\n%s\n%s", out, want, c.log.String())
	}
}

// TestNoPolicyNoProgram: an entry without a policy is not executed, by the first process either, where
// nobody holds it.
func TestNoPolicyNoProgram(t *testing.T) {
	c := heldContainer(t, func(map[string]*manifest.Entry) {})
	for sum, e := range c.routes {
		if e.Name == "hello" {
			e.ID = "another"
			c.routes[sum] = e
		}
	}
	if _, err := c.kernel.Run(t.Context(), []string{"/bin/hello"}, c.env, "/"); err == nil || c.out.Len() > 0 {
		t.Errorf("error %v, output %q", err, c.out.String())
	}
	if !strings.Contains(c.log.String(), reasonNoPolicy) {
		t.Errorf("logged %q", c.log.String())
	}
}
