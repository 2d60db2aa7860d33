package kernel

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vkernel/internal/manifest"
	"vkernel/internal/vfs"
)

// pythons are ways to have code interpreted by CPython, if it is installed.
var pythons = []interpreter{
	{"/bin/python /evil.py", true, false},
	{"/bin/python -I /evil.py", true, false},
	{"cd / && /bin/python evil.py", true, false},
	{"/bin/python /dev/stdin </evil.py", true, false},
	{"cat /evil.py | /bin/python /dev/stdin", true, true},
	{"/bin/python /dev/fd/7 7</evil.py", true, false},
	{"/bin/python -c 'print(\"evil\")'", false, true},
	{"/bin/python </evil.py", false, true},
	{"/bin/python - </evil.py", false, true},
	{"cat /evil.py | /bin/python", false, true},
	{"cat /evil.py | /bin/python -i", false, true},
	{"cat /evil.py | /bin/python -i /listed.py", false, true},
	{"cat /evil.py | PYTHONINSPECT=1 /bin/python -i /listed.py", false, true},
	{"PYTHONSTARTUP=/evil.py /bin/python -i </listed.py", true, false},
	{"PYTHONPATH=/ /bin/python -m evil", true, true},
	{"/bin/python /import.py", true, false},
	{"PYTHONPATH=/evil.d /bin/python /listed.py", true, false},
	{"/bin/python /evil.d", true, false},
	{"PYTHONHOME=/home /bin/python /listed.py", true, false},
	{"/bin/python /evil.d/__main__.py", true, false},
	{"/bin/python /code.d", true, false},
	{"/bin/python /code.d/__main__.pyc", true, false},
	{"/bin/python /archive.zip", true, false},
	{"/bin/python /listed.py | /bin/busybox sed s/listed/evil/", false, false}, // what is listed runs
}

// pythonFiles are what they are pointed at.
var pythonFiles = []struct {
	name, content string
	listed        bool
}{
	{"/evil.py", "print('evil')\n", false},
	{"/evil.d/__main__.py", "#\nprint('evil')\n", false},
	{"/evil.d/sitecustomize.py", "##\nprint('evil')\n", false},
	{"/home/lib/python3.11/encodings/__init__.py", "import sys; sys.stdout = sys.stderr = None\nimport posix; posix.write(1, b'evil\\n'); posix._exit(0)\n", false},
	{"/listed.py", "print('listed')\n", true},
	{"/import.py", "import sys; sys.path.insert(0, '/')\nimport evil #\n", true},
}

// pythonCode writes the compiled and archived forms of a script, which no manifest lists.
const pythonCode = `
import _frozen_importlib_external as importlib, _struct as struct, marshal, os, zlib
code = marshal.dumps(compile("print('evil')", "x", "exec"))
os.mkdir("/code.d")
with open("/code.d/__main__.pyc", "wb") as f:
    f.write(importlib.MAGIC_NUMBER + bytes(12) + code)
data, name = b"print('evil')\n", b"__main__.py"
common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
local = b"PK\3\4" + common + name + data
central = b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
with open("/archive.zip", "wb") as f:
    f.write(local + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0))
`

// addPython installs CPython's library, as much of it as a start needs, listed as its scripts.
func (c *container) addPython() {
	const lib = "/usr/lib/python3.11"
	for _, d := range []string{"/usr", "/usr/lib", lib, lib + "/encodings", lib + "/importlib", lib + "/collections", lib + "/lib-dynload", "/evil.d", "/home/lib", "/home/lib/python3.11", "/home/lib/python3.11/encodings"} {
		c.context.Mkdir(vfs.Path{}, d, 0o755)
	}
	for _, name := range []string{
		"os.py", "encodings/__init__.py", "encodings/aliases.py", "encodings/utf_8.py", "runpy.py", "pkgutil.py", "types.py", "warnings.py", "contextlib.py",
		"collections/__init__.py", "functools.py", "keyword.py", "operator.py", "reprlib.py", "importlib/__init__.py", "importlib/_abc.py", "importlib/util.py", "importlib/machinery.py", "importlib/_bootstrap.py", "importlib/_bootstrap_external.py",
	} {
		data, err := os.ReadFile(filepath.Join(os.Getenv("VKERNEL_GUESTS"), lib, name))
		if err != nil {
			c.t.Fatal(err)
		}
		c.file(lib+"/"+name, string(data), script("/bin/python"))
	}
	c.context.Rename(vfs.Path{}, "/bin/python", vfs.Path{}, "/bin/python.plain", 0)
	c.context.Symlink("/held/python", vfs.Path{}, "/bin/python")
	for _, h := range pythonFiles {
		c.file(h.name, h.content, script("/bin/python"))
		if !h.listed {
			delete(c.routes, sum(h.content))
		}
	}
	c.file("/make.py", pythonCode, script("/bin/python"))
}

// TestSecurebitsOfPython is TestSecurebits for CPython.
func TestSecurebitsOfPython(t *testing.T) {
	if !slices.ContainsFunc(available(), func(g guest) bool { return g.name == "python" }) {
		t.Skip("no python is built")
	}
	const restrict, deny = manifest.SecureRestrictFile, manifest.SecureDenyInteractive
	for _, bits := range [][]string{nil, {restrict}, {deny}, {restrict, deny}} {
		t.Run(strings.Join(bits, " "), func(t *testing.T) {
			restrict, deny := slices.Contains(bits, restrict), slices.Contains(bits, deny)
			for _, x := range pythons {
				c := secureContainer(t, bits...)
				c.addPython()
				_, out := c.run("/bin/sh", "-c", "/bin/python.plain /make.py && chmod 755 /archive.zip /code.d/__main__.pyc; "+x.command)
				if ran := strings.Contains(out, "evil\n"); ran == (x.restrict && restrict || x.deny && deny) {
					t.Errorf("%s: interpreted %v\n%s", x.command, ran, out)
				}
			}
		})
	}
}
