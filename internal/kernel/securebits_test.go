package kernel

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"vkernel/internal/audit"
	"vkernel/internal/manifest"
	"vkernel/internal/router"
	"vkernel/internal/vfs"
)

// interpreter is one way to have code interpreted.
type interpreter struct {
	command  string // by a shell that is not held
	restrict bool   // refused with exec-restrict-file
	deny     bool   // refused with exec-deny-interactive
}

// interpreters are ways to have code interpreted that no manifest lists, and where they are refused: by
// bits that a manifest sets for the entry. evil is a file that says evil when it is interpreted.
var interpreters = []interpreter{
	{"@ /evil.sh", true, false},
	{"@ -c 'echo evil'", false, true},
	{"@ </evil.sh", false, true},
	{"echo 'echo evil' | @", false, true},
	{"@ -s </evil.sh", false, true},
	{"@ /dev/stdin </evil.sh", true, false},
	{"cat /evil.sh | @ /dev/stdin", true, true},
	{"@ /dot.sh", true, false},
	{"ENV=/evil.sh @ -i /listed.sh", true, false},
	{"HOME=/home @ -l /listed.sh", true, false},
	{"PS4='$(echo evil >&2)' @ -x /listed.sh", false, true},
	{"/bin/lua /evil.lua", true, false},
	{"/bin/lua -e 'print(\"evil\")'", false, true},
	{"/bin/lua - </evil.lua", false, true},
	{"cat /evil.lua | /bin/lua", false, true},
	{"/bin/lua -i </evil.lua", false, true},
	{"LUA_INIT='print(\"evil\")' /bin/lua /listed.lua", false, true},
	{"LUA_INIT=@/evil.lua /bin/lua /listed.lua", true, false},
	{"LUA_PATH='/?.lua' /bin/lua -l evil /listed.lua", true, false},
	{"/bin/lua /require.lua", true, false},
	{"/bin/lua /dofile.lua", true, false},
	{"/bin/lua /loadfile.lua", true, false},
	{"/bin/lua /load.lua", false, true},
	{"/bin/awk -f /evil.awk", true, false},
	{"/bin/awk 'BEGIN { print \"evil\" }'", false, true},
	{"echo | /bin/sed -f /evil.sed", true, false},
	{"echo | /bin/sed -e s/^/evil/", false, true},
	{"echo | /bin/sed s/^/evil/", false, true},
	{"printf 'a\\nevil\\n.\\np\\nQ\\n' | /bin/ed", false, true},
	{"echo 'print \"evil\\n\"' | /bin/bc", false, true},
	{"/bin/bc /evil.bc </dev/null", true, false},
	{"/bin/dc -e '[evil]p'", false, true},
	{"/bin/dc /evil.dc", true, false},
	{"ENV='$(echo evil >&2)/x' @ -i /listed.sh", false, true},
	{"PS1='$(echo evil >&2)' @ -i </listed.sh", false, true},
	{"PS2='$(echo evil >&2)' @ -i </lines.sh", false, true},
	{"/bin/awk -f - </evil.awk", false, true},
	{"cat /evil.awk | /bin/awk -f -", false, true},
	{"/bin/awk -f /dev/stdin </evil.awk", true, false},
	{"/bin/awk -e 'BEGIN { print \"evil\" }'", false, true},
	{"/bin/awk -f /listed.awk -e 'BEGIN { print \"evil\" }'", false, true},
	{"echo | /bin/sed -f /evil.sed -e p", true, true},
	{"echo | /bin/sed --expression=s/^/evil/", false, true},
	{"/bin/bc </evil.bc", false, true},
	{"/bin/dc </evil.dc", false, true},
	{"/bin/dc -f /evil.dc", true, false},
	{"/bin/ed </evil.ed", false, true},
	{"@ -ec 'echo evil'", false, true},
	{"@ -i </evil.sh", false, true},
	{"@ -- /evil.sh", true, false},
	{"@ -e +x /evil.sh", true, false},
	{"cd / && @ evil.sh", true, false},
	{"@ /dev/fd/7 7</evil.sh", true, false},
	{"@ /proc/self/fd/7 7</evil.sh", true, false},
	{"/bin/lua -- /evil.lua", true, false},
	{"/bin/lua /dev/stdin </evil.lua", true, false},
	{"LUA_INIT_5_4='print(\"evil\")' /bin/lua /listed.lua", false, true},
	{"LUA_PATH_5_4='/?.lua' /bin/lua -levil /listed.lua", true, false},
	{"/bin/lua -lx=evil /listed.lua", true, false},
	{"cat /evil.vi | /bin/vi /listed.sh", false, true},
	{"/bin/vi /listed.sh </evil.vi", false, true},
	{"EXINIT='!echo evil' /bin/vi /listed.sh </listed.vi", false, true},
	{"HOME=/home /bin/vi /listed.sh </listed.vi", true, true},
	{"/bin/vi -c '!echo evil' /listed.sh </listed.vi", false, true},
}

// otherInterpreters are those that are tried if they are installed.
var otherInterpreters = []interpreter{
	{"/bin/gawk -f /evil.awk", true, false},
	{"/bin/gawk -i /evil.awk -f /listed.awk", true, false},
	{"/bin/gawk -E /evil.awk", true, false},
	{"/bin/gawk -f /include.awk", true, false},
	{"/bin/gawk 'BEGIN { print \"evil\" }'", false, true},
	{"/bin/gawk -e 'BEGIN { print \"evil\" }'", false, true},
	{"/bin/gawk -f /listed.awk -e 'BEGIN { print \"evil\" }'", false, true},
	{"/bin/gawk -f - </evil.awk", false, true},
	{"cat /evil.awk | /bin/gawk -f -", false, true},
	{"cat /evil.awk | /bin/gawk -f /dev/stdin", true, true},
	{"echo 'eval \"print \\\"evil\\\"\"' | /bin/gawk -D -f /listed.awk", true, true},
	{"/bin/sqlite3 :memory: \"select 'evil'\"", false, true},
	{"/bin/sqlite3 -cmd \"select 'evil'\" :memory: </listed.sql", false, true},
	{"echo \"select 'evil';\" | /bin/sqlite3", false, true},
	{"/bin/sqlite3 </evil.sql", false, true},
	{"/bin/sqlite3 -init /evil.sql :memory: </listed.sql", true, false},
	{"HOME=/home /bin/sqlite3 :memory: </listed.sql", true, false},
	{"/bin/sqlite3 </read.sql", true, false},
	{"/bin/sqlite3 </pipe.sql", true, true},
}

// held are files that the interpreters above are pointed at: name, content, and whether it is listed.
var held = []struct {
	name, content string
	listed        bool
}{
	{"/evil.sh", "echo evil\n", false},
	{"/home/.profile", "echo evil\n", false},
	{"/evil.lua", "print('evil')\n", false},
	{"/evil.awk", "BEGIN { print \"evil\" }\n", false},
	{"/evil.sed", "s/^/evil/\n", false},
	{"/evil.bc", "print \"evil\\n\"\n", false},
	{"/evil.dc", "[evil]p\n", false},
	{"/evil.ed", "a\nevil\n.\np\nQ\n", false},
	{"/evil.vi", "\n:!echo evil\n\n:q!\n", false},
	{"/home/.exrc", "!echo evil\n", false},
	{"/listed.vi", "\n:q!\n", true},
	{"/evil.sql", "select 'evil';\n", false},
	{"/home/.sqliterc", "select 'evil';\n", false},
	{"/listed.sql", "select 'listed';\n", true},
	{"/read.sql", ".read /evil.sql\n", true},
	{"/pipe.sql", ".read '|cat /evil.sql'\n", true},
	{"/listed.awk", "BEGIN { print \"listed\" }\n", true},
	{"/include.awk", "@include \"/evil.awk\"\nBEGIN { print \"listed\" }\n", true},
	{"/listed.sh", "#!/bin/sh\necho listed\n", true},
	{"/lines.sh", "echo \\\nlisted\n", true},
	{"/dot.sh", "#!/bin/sh\necho listed\n. /evil.sh\n", true},
	{"/listed.lua", "#!/bin/lua\nprint('listed')\n", true},
	{"/require.lua", "package.path = '/?.lua' require 'evil'\n", true},
	{"/dofile.lua", "dofile '/evil.lua'\n", true},
	{"/loadfile.lua", "local f = loadfile '/evil.lua' if f then f() end\n", true},
	{"/load.lua", "local f = load 'print(\"evil\")' if f then f() end\n", true},
}

func sum(content string) [32]byte { return sha256.Sum256([]byte(content)) }

// secureContainer has the interpreters with bits that their entries set. The shell that runs the
// command is another entry, which sets none.
func secureContainer(t *testing.T, bits ...string) *container {
	return auditedContainer(t, nil, bits...)
}

// auditedContainer is a secureContainer that tells a sink.
func auditedContainer(t *testing.T, sink audit.Sink, bits ...string) *container {
	c := newContainer(t, func(k *Config) { k.Audit = sink })
	c.context.Mkdir(vfs.Path{}, "/home", 0o755)
	for i, g := range available() {
		if g.name == "true" || g.name == "hello" {
			continue
		}
		e := router.Entry{ID: "held " + g.name, Name: g.name, Program: i, Export: "_start", Securebits: bits}
		c.context.Mkdir(vfs.Path{}, "/held", 0o755)
		c.file("/held/"+g.name, "held "+g.name+"\n", e)
	}
	for _, name := range []string{"awk", "sed", "ed", "bc", "dc", "vi"} {
		c.context.Unlink(vfs.Path{}, "/bin/"+name, 0)
		c.context.Symlink("/held/busybox", vfs.Path{}, "/bin/"+name)
	}
	c.context.Symlink("/held/busybox", vfs.Path{}, "/held/ash")
	for _, name := range []string{"lua", "gawk", "sqlite3"} {
		c.context.Unlink(vfs.Path{}, "/bin/"+name, 0)
		c.context.Symlink("/held/"+name, vfs.Path{}, "/bin/"+name)
	}
	for _, h := range held {
		c.file(h.name, h.content, script("/bin/sh"))
	}
	for _, h := range held {
		if !h.listed {
			delete(c.routes, sum(h.content))
		}
	}
	return c
}

// TestSecurebits: what the bits forbid is not interpreted, by any interpreter; what they do not forbid is,
// and so is what is listed.
func TestSecurebits(t *testing.T) {
	ways := interpreters
	if slices.ContainsFunc(available(), func(g guest) bool { return g.name == "gawk" }) {
		ways = slices.Concat(ways, otherInterpreters)
	}
	const restrict, deny = manifest.SecureRestrictFile, manifest.SecureDenyInteractive
	for _, tt := range []struct {
		name string
		bits []string
	}{{"none", nil}, {"restrict", []string{restrict}}, {"deny", []string{deny}}, {"both", []string{restrict, deny}}} {
		t.Run(tt.name, func(t *testing.T) {
			restrict, deny := slices.Contains(tt.bits, restrict), slices.Contains(tt.bits, deny)
			for _, x := range ways {
				shells := []string{""}
				if strings.Contains(x.command, "@") && !strings.Contains(x.command, "=@") {
					shells = []string{"/held/dash", "/held/ash"}
				}
				for _, shell := range shells {
					command := x.command
					if shell != "" {
						command = strings.ReplaceAll(command, "@", shell)
					}
					c := secureContainer(t, tt.bits...)
					_, out := c.run("/bin/sh", "-c", command)
					if ran := strings.Contains(out, "evil\n"); ran == (x.restrict && restrict || x.deny && deny) {
						t.Errorf("%s: interpreted %v\n%s", command, ran, out)
					}
				}
			}
		})
	}
}

// TestSecurebitsAreInherited: what a held program starts is held too, and a script that is listed runs.
func TestSecurebitsAreInherited(t *testing.T) {
	c := secureContainer(t, manifest.SecureRestrictFile, manifest.SecureDenyInteractive)
	c.file("/outer.sh", "#!/held/dash\n/listed.sh\n/bin/sh /evil.sh\n/bin/sh -c 'echo evil'\n/listed.lua\n", script("/held/dash"))
	c.routes[sum("#!/bin/lua\nprint('listed')\n")] = script("/bin/lua")
	if _, out := c.run("/outer.sh"); strings.Contains(out, "\nevil") || strings.Count(out, "listed\n") != 2 {
		t.Errorf("printed %q", out)
	}
}

// TestChecksAreAudited: an interpreter's question is a decision, too.
func TestChecksAreAudited(t *testing.T) {
	var r records
	c := auditedContainer(t, &r, manifest.SecureRestrictFile)
	c.run("/bin/sh", "-c", "/held/dash /listed.sh; /held/dash /evil.sh")
	got := r.text()
	for _, want := range []string{"check /listed.sh: script of /bin/sh\n", "check /evil.sh: not in the manifest\n", "exec /held/dash: entry held dash\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestCheckedDescriptorIsPinned: what AT_EXECVE_CHECK has found in a file is what is read from then on.
func TestCheckedDescriptorIsPinned(t *testing.T) {
	c := secureContainer(t, manifest.SecureRestrictFile)
	c.file("/self.sh", "#!/held/dash\necho 'echo evil' >>/self.sh\necho end\n", script("/held/dash"))
	if _, out := c.run("/bin/sh", "-c", "/held/dash /self.sh"); out != "end\n" {
		t.Errorf("printed %q", out)
	}
}
