package kernel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vkernel/internal/aot"
	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
	"vkernel/internal/imports"
	"vkernel/internal/linux"
	"vkernel/internal/router"
	"vkernel/internal/sched"
	"vkernel/internal/trace"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
)

// guests are the programs that the tests here run, and where vkport installs them.
// VKERNEL_GUESTS names the root directory (make test sets it); without it these tests are
// skipped.
var guests = []guest{
	{"true", "usr/libexec/vkernel/true"},
	{"hello", "usr/bin/hello"},
	{"busybox", "bin/busybox"},
	{"dash", "bin/dash"},
	{"lua", "usr/bin/lua5.4"},
	{"gawk", "usr/bin/gawk"},
	{"sqlite3", "usr/bin/sqlite3"},
	{"warm", "usr/libexec/vkernel/warm"},
	{"python", "usr/bin/python3.11"},
}

// available are the guests that are installed: the last ones, of which only some tests make use, may
// be missing from a root directory that was built for another purpose.
var available = sync.OnceValue(func() []guest {
	return slices.DeleteFunc(slices.Clone(guests), func(g guest) bool {
		_, err := os.Stat(filepath.Join(os.Getenv("VKERNEL_GUESTS"), g.path))
		return err != nil && slices.Contains([]string{"gawk", "sqlite3", "warm", "python"}, g.name)
	})
})

type guest struct{ name, path string }

// compiled is the native code of the guests, built once.
var compiled = sync.OnceValues(func() (*engine.Code, error) {
	dir := os.Getenv("VKERNEL_GUESTS")
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	var inputs []aot.Input
	for _, g := range available() {
		wasm, err := os.ReadFile(filepath.Join(dir, g.path))
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, aot.Input{Name: g.name, Wasm: wasm})
	}
	out := filepath.Join(os.TempDir(), fmt.Sprintf("vkernel-test-%d.aot", os.Getpid()))
	defer os.Remove(out)
	_, err = aot.Build(context.Background(), inputs, aot.Options{
		OutAOT: out, CacheDir: filepath.Join(cache, "vkernel", "aot"),
		CheckImport: func(program string, im layout.Import) error { _, err := imports.Check(im); return err },
	})
	if err != nil {
		return nil, err
	}
	f, err := os.Open(out)
	if err != nil {
		return nil, err
	}
	compiledFile = f // stays open, for TestRestore
	return engine.Load(f)
})

// compiledFile is what compiled has loaded.
var compiledFile *os.File

// routes is a router for tests: a content is executed as the guest that it names.
type routes map[[32]byte]router.Entry

func (r routes) Lookup(sum [32]byte) (router.Entry, bool) {
	e, ok := r[sum]
	return e, ok
}

// container is one test container.
type container struct {
	t       testing.TB
	kernel  *Kernel
	out     bytes.Buffer
	log     bytes.Buffer
	routes  routes
	root    vfs.FS
	context *vfs.Context
	env     []string
}

// newContainer makes a container with the guests in /bin, and busybox's applets as links.
func newContainer(t testing.TB, edit func(*Config)) *container {
	t.Helper()
	if os.Getenv("VKERNEL_GUESTS") == "" {
		t.Skip("VKERNEL_GUESTS is not set")
	}
	code, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	c := &container{t: t, routes: routes{}, env: []string{"PATH=/bin", "HOME=/root"}}
	fs, e := memfs.New(memfs.Options{Dev: 1})
	if e != 0 {
		t.Fatal(e)
	}
	c.root = fs
	c.context = vfs.NewContext(vfs.NewNamespace(fs, "root", 0), vfs.Root(), nil)
	for _, dir := range []string{"/bin", "/etc", "/root"} {
		if e := c.context.Mkdir(vfs.Path{}, dir, 0o755); e != 0 {
			t.Fatal(dir, e)
		}
	}
	c.addGuests()
	c.file("/etc/motd", "welcome\n", router.Entry{})
	clear(c.routes)
	c.addGuests()
	for _, applet := range strings.Fields(applets) {
		if e := c.context.Symlink("busybox", vfs.Path{}, "/bin/"+applet); e != 0 {
			t.Fatal(applet, e)
		}
	}
	config := Config{
		Code: code, Router: c.routes, Sched: sched.New(slots), Root: fs, Stdout: &c.out, Stderr: &c.out,
		Log: slog.New(slog.NewTextHandler(&c.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if os.Getenv("VKERNEL_TRACE") != "" {
		config.Trace = trace.Writer(os.Stderr)
	}
	if edit != nil {
		edit(&config)
	}
	if c.kernel, err = New(config); err != nil {
		t.Fatal(err)
	}
	return c
}

const applets = `stty tty mkfifo ed sh ash ls cat wc echo head tail sort uniq grep sed awk tr cut find xargs mkdir rm cp mv ln
	touch sleep kill ps seq expr test env printf id date md5sum sha256sum tar gzip diff tee yes stat chmod basename
	dirname readlink pwd timeout nice time uname hostname df mount free dd od hexdump cmp comm false`

// addGuests makes the files of the guests.
func (c *container) addGuests() {
	for i, g := range available() {
		c.file("/bin/"+g.name, "program "+g.name+"\n", router.Entry{ID: g.name, Name: g.name, Program: i, Export: "_start"})
	}
}

// newContainerLike makes another kernel over the same root and routes.
func newContainerLike(t testing.TB, o *container) *container {
	code, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	c := &container{t: t, routes: o.routes, root: o.root, context: o.context, env: o.env}
	c.kernel, err = New(Config{
		Code: code, Router: c.routes, Root: c.root, Stdout: &c.out, Stderr: &c.out,
		Log: slog.New(slog.NewTextHandler(&c.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// file makes an executable file with an entry in the router.
func (c *container) file(name, content string, e router.Entry) {
	c.t.Helper()
	f, _, errno := c.context.Open(vfs.Path{}, name, vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY | linux.O_TRUNC, Mode: 0o755})
	if errno != 0 {
		c.t.Fatal(name, errno)
	}
	defer f.Close()
	if _, errno := f.Write([]byte(content), 0); errno != 0 {
		c.t.Fatal(name, errno)
	}
	c.routes[sha256.Sum256([]byte(content))] = e
}

// run runs a command and gives its status and output.
func (c *container) run(argv ...string) (Status, string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 60*time.Second)
	defer cancel()
	status, err := c.kernel.Run(ctx, argv, c.env, "/")
	if err != nil {
		c.t.Fatalf("%q: %v\n%s", argv, err, c.log.String())
	}
	if ctx.Err() != nil {
		c.t.Errorf("%q: timed out", argv)
	}
	return status, c.out.String()
}

func TestGuests(t *testing.T) {
	for _, tt := range []struct {
		name   string
		argv   []string
		status Status
		out    string
	}{
		{"true", []string{"/bin/true"}, Status{}, ""},
		{"hello", []string{"/bin/hello"}, Status{}, "hello, world\n"},
		{"echo", []string{"/bin/busybox", "echo", "hi"}, Status{}, "hi\n"},
		{"shell", []string{"sh", "-c", "echo hi; exit 3"}, Status{Code: 3}, "hi\n"},
		{"pipe", []string{"sh", "-c", "echo a b c | wc -w"}, Status{}, "3\n"},
		{"ls", []string{"sh", "-c", "ls / | wc -l"}, Status{}, "6\n"},
		{"killed", []string{"sh", "-c", "kill -TERM $$"}, Status{Signal: linux.SIGTERM}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newContainer(t, nil)
			status, out := c.run(tt.argv...)
			if status != tt.status || out != tt.out {
				t.Errorf("%q: status %+v output %q, want %+v %q\n%s", tt.argv, status, out, tt.status, tt.out, c.log.String())
			}
		})
	}
}

func TestDash(t *testing.T) {
	for _, tt := range []struct{ script, out string }{
		{"echo hi", "hi\n"},
		{"exec /bin/hello", "hello, world\n"},
		{"/bin/hello; /bin/hello", "hello, world\nhello, world\n"},
		{"/bin/hello | while read a; do echo got $a; done", "got hello, world\n"},
		{"x=$(/bin/hello); echo $x", "hello, world\n"},
		{"trap 'echo usr1' USR1; kill -USR1 $$; echo end", "usr1\nend\n"},
		{"for i in 1 2 3; do (echo $i; /bin/true) & wait; done", "1\n2\n3\n"},
	} {
		c := newContainer(t, nil)
		if status, out := c.run("/bin/dash", "-c", tt.script); out != tt.out {
			t.Errorf("%q: %+v %q, want %q\n%s", tt.script, status, out, tt.out, c.log.String())
		}
	}
}

func TestLua(t *testing.T) {
	c := newContainer(t, nil)
	if status, out := c.run("/bin/lua", "-e", `print(pcall(error, "x")); print(1+1)`); out != "false\tx\n2\n" {
		t.Errorf("%+v %q\n%s", status, out, c.log.String())
	}
}
