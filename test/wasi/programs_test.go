package wasi_test

import (
	"strings"
	"testing"
	"time"
)

// scripts are lines for the shell in the container, whose working directory is /work, and
// what they print.
var scripts = []struct{ name, script, out, err string }{
	// Each by itself
	{"go", `gotool hello a "b c"`, "hello from Go in /work, [\"a\" \"b c\"], GREETING=hi\n", ""},
	{"rust", `rtool hello a "b c"`, "hello from Rust, [\"a\", \"b c\"], GREETING=hi\n", ""},
	{"c", `ctool hello a "b c"`, "hello from C, 2 arguments, GREETING=hi\n", ""},
	{"exit codes", `gotool exit 3; echo $?; rtool exit 4; echo $?; ctool exit 5; echo $?; ctool exit 256; echo $?`, "3\n4\n5\n0\n", ""},
	{
		"abort", `ctool abort; echo $?; rtool panic 2>/dev/null; echo $?; rtool error; echo $?`,
		"132\n132\n1\n", "Illegal instruction\nError: Custom { kind: Other, error: \"on purpose\" }\n",
	},
	{"go panic", `gotool panic 2>&1 | grep '^panic'; gotool panic 2>/dev/null; echo $?`, "panic: on purpose\n2\n", ""},
	{"go files", `gotool write /tmp; gotool write .; ls`, "\"te\" 2 -rw------- true\n\"te\" 2 -rw------- true\n", ""},
	{"rust files", `rtool write; ls`, "text 4\nSome(NotFound)\n", ""},
	{"timers", `gotool timer; ctool sleep`, "2 1 0\nslept\n", ""},
	{"garbage collection", `gotool sort`, "5000\n", ""},
	{"terminal", `ctool isatty; echo $?`, "1\n", ""},
	{"threads", `threads; echo $?`, "16 threads\n7\n", ""},
	{"both ABIs", `both`, "child: read Bad file descriptor\nparent: child exited with 3, offset 5\nusleep: 0, signal 14\n", ""},
	{"published WALI", `convention x y; echo $?`, "initialised by the start function\nx\ny\nGREETING=hi\nthread\n9\n", ""},

	// Together
	{"pipes", `echo mixed | gotool upper | tr M m | rtool upper | sed s/X/x/ | ctool upper`, "MIXED\n", ""},
	{"compression", `seq 1 20000 >a; gotool gzip <a | gunzip | cmp - a && gzip -c a | gotool gunzip | cmp - a; echo $?; rm a`, "0\n", ""},
	{
		"walk", `mkdir -p t/u; echo 12345 >t/u/f; ln -s u t/l; gotool walk t; gotool walk /work/t; rm -r t`,
		`[{"path":"t/l","size":1},{"path":"t/u/f","size":6}]` + "\n" + `[{"path":"/work/t/l","size":1},{"path":"/work/t/u/f","size":6}]` + "\n", "",
	},
	{"sigpipe", `(gotool gzip </dev/zero; echo $? >s) | head -c 1 >/dev/null; cat s; rm s`, "141\n", ""},
	{"closed output", `ctool hello >&-; echo $?`, "0\n", ""},
	{"descriptors from 3 on", `echo three >f; ctool hello 3<f; exec 3<f; rtool cat f; cat <&3; rm f`, "hello from C, 0 arguments, GREETING=hi\nthree\nthree\n", ""},
	{"flags stay the process's", `(gotool upper; cat) <<.
text
.`, "TEXT\n", ""},

	// Paths
	{
		"relative and absolute", `echo here >f; mkdir d; echo d >d/f; for p in ctool rtool; do $p cat f; $p cat ./f; $p cat d/f; $p cat /work/f; $p cat /work/d/../f; done; cd d; ctool cat ../f; rtool cat ../f; gotool hello; cd ..; rm -r f d`,
		"here\nhere\nd\nhere\nhere\nhere\nhere\nd\nhere\nhere\nhere\nhere\nhello from Go in /work/d, [], GREETING=hi\n", "",
	},
	{"absolute links", `echo text >/tmp/f; ln -s /tmp/f l; ctool cat l; rtool cat l; rm l /tmp/f`, "text\ntext\n", ""},
	{"list", `mkdir d; touch d/b d/a; rtool list d; rtool list /work; rm -r d`, "a b\nd\n", ""},
	{"without PWD", `cd /tmp; env -u PWD gotool hello`, "hello from Go in /tmp, [], GREETING=hi\n", ""},
	{"a wrong PWD", `PWD=/nowhere gotool hello`, "hello from Go in /work, [], GREETING=hi\n", ""},

	{"hostile", `hostile 1000000`, "ok\n", ""},
}

func TestPrograms(t *testing.T) {
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := vkernel(t, time.Minute, []string{"-w", "/work", "-e", "GREETING=hi"}, "wasi.vk", "/bin/sh", "-c", s.script)
			if r.out != s.out || r.err != s.err {
				t.Errorf("%s\n%q\n%q, want\n%q\n%q", s.script, r.out, r.err, s.out, s.err)
			}
		})
	}
}

// TestTrace: a call shows as the system call that it is charged to.
func TestTrace(t *testing.T) {
	r := vkernel(t, time.Minute, []string{"-w", "/work", "--strace"}, "wasi.vk", "/bin/sh", "-c", "echo text >f; ctool cat f; ctool cat none; exec ctool exit 7")
	for _, want := range []string{
		`openat(4, "f", O_RDONLY) = `, `, [{"text\n"..., 1024}], 1) = 5`, `fcntl(1, F_GETFL) = 1`,
		`writev(1, [{"text", 4}, {"\n", 1}], 2) = 5`, `openat(4, "none", O_RDONLY) = -1 ENOENT`, "exit_group(7) = ?",
	} {
		if !strings.Contains(r.err, want) {
			t.Errorf("no %q in the trace", want)
		}
	}
	if t.Failed() {
		t.Log(tail(r.err))
	}
}
