package kernel

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vkernel/internal/proc"
	"vkernel/internal/sched"
	"vkernel/internal/vfs/hostfs"
)

// fileWorkloads are scripts about files, and what they print.
var fileWorkloads = []struct{ name, script, out string }{
	{"a file without a name", `cd /tmp; exec 5>f 6<f; rm f; i=0; while [ $i -lt 3000 ]; do echo $i >&5; i=$((i+1)); done
		md5sum <&6; seq 0 2999 | md5sum; ls -A | wc -l`, "f9c7b5d8e8a1c2d3"},
	{"a tree", `mkdir /tmp/t; cd /tmp/t; for i in $(seq 1 150); do mkdir -p $((i%10)); echo $i > $((i%10))/$i; ln -s $i l$i; ln $((i%10))/$i h$i; mv h$i m$i; done
		find . | wc -l; cat m* | sort -n | uniq | wc -l; cat 7/* | sort -n | tail -n 1; stat -c %h m150`, "461\n150\n147\n2\n"},
	{"a working directory that is gone", `mkdir /tmp/w; cd /tmp/w; rm -r /tmp/w; sleep 0.2; ls -A | wc -l; echo x 2>/dev/null > f || echo none; cd /; pwd`, "0\nnone\n/\n"},
	{"an archive", `cd /tmp; mkdir a b; for i in $(seq 1 60); do seq 1 $((i*40)) > a/$i; done; tar -cf - a | gzip | (sleep 0.1; gzip -d) | tar -xf - -C b; diff -r a b/a && echo same`, "same\n"},
	{"sqlite", `sqlite3 /tmp/db 'create table t(a integer primary key, b text); create index i on t(b);'
		for i in 1 2 3 4; do sqlite3 /tmp/db "pragma busy_timeout=20000; with recursive n(x) as (select 1 union all select x+1 from n where x<300) insert into t(b) select 'row '||x||' of $i' from n;" & done >/dev/null; wait
		sqlite3 /tmp/db 'select count(*), count(distinct b) from t; pragma integrity_check;'`, "1200|1200\nok\n"},
	{
		"proc", `exec 7</proc/self/status; read a <&7; sleep 0.2; read b <&7; echo $a; [ "$b" ] && echo more; cat /proc/mounts | wc -l; readlink /proc/self/fd/7 | sed s/[0-9][0-9]*/N/`,
		"Name: dash\nmore\n6\n/proc/N/status\n",
	},
}

func init() {
	// The first ends with the digests of two equal files.
	fileWorkloads[0].out = fmt.Sprintf("%[1]s  -\n%[1]s  -\n0\n", md5of0to2999)
}

const md5of0to2999 = "43795e53c3e37d8457c383ee4db918af"

// restoreHere runs a workload, cuts it when so much time has passed, ends it, and restores it in another kernel of this
// process. It gives all that was printed; false if the workload had ended before the cut.
func restoreHere(t *testing.T, after time.Duration, edit func(*Config), argv ...string) (string, bool) {
	t.Helper()
	out := &buffer{}
	c := newContainer(t, func(config *Config) {
		config.Stdout, config.Stderr = out, out
		edit(config)
	})
	end := c.background(out, argv...)
	for c.kernel.table.Init() == nil {
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(after)
	if err := c.kernel.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.kernel.table.Init().State() >= proc.Zombie {
		c.kernel.Resume()
		<-end
		return out.String(), false
	}
	m := memory{}
	began := time.Now()
	root, err := c.kernel.Save(m)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	c.kernel.Settle()
	before := out.String()
	c.kernel.table.Kill()
	c.kernel.Resume()
	<-end
	more := &buffer{}
	config := c.like()
	config.Stdout, config.Stderr = more, more
	edit(&config)
	began = time.Now()
	k, err := Restore(config, root, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("cut after %v, %d bytes and %d chunks in %v, restored in %v", after, len(root), len(m), took, time.Since(began))
	k.Resume()
	if status, err := k.Wait(t.Context()); err != nil || status != (Status{}) {
		t.Errorf("status %+v, %v", status, err)
	}
	return before + more.String(), true
}

func TestRestoreFiles(t *testing.T) {
	for _, tt := range fileWorkloads {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "sqlite" && !slices.ContainsFunc(available(), func(g guest) bool { return g.name == "sqlite3" }) {
				t.Skip("sqlite3 is not installed")
			}
			for most := int64(250 * time.Millisecond); ; most /= 2 {
				out, cut := restoreHere(t, time.Duration(rand.Int64N(most)), func(*Config) {}, "/bin/dash", "-c", tt.script)
				if out != tt.out {
					t.Errorf("output %q, want %q", out, tt.out)
				}
				if cut {
					break
				}
			}
		})
	}
}

// TestRestoreHostMount: a directory of the host is opened again, and what is not there any more is an error that names it.
func TestRestoreHostMount(t *testing.T) {
	dir := t.TempDir()
	withMount := func(config *Config) {
		fs, err := hostfs.Open(dir, hostfs.Options{Dev: 50})
		if err != nil {
			t.Fatal(err)
		}
		config.Mounts = append(config.Mounts, Mount{Target: "/work", FS: fs, Source: "host"})
	}
	const script = `cd /work; mkdir -p sub; cd sub; exec 5>>log 6<../input; i=0
		while [ $i -lt 2000 ]; do echo $i >&5; i=$((i+1)); done; read a <&6; sleep 0.1; read b <&6; echo $a $b; wc -l < log; pwd`
	os.WriteFile(filepath.Join(dir, "input"), []byte("one\ntwo\n"), 0o644)
	for _, after := range []time.Duration{5 * time.Millisecond, 40 * time.Millisecond} {
		os.RemoveAll(filepath.Join(dir, "sub"))
		if out, _ := restoreHere(t, after, withMount, "/bin/dash", "-c", script); out != "one two\n2000\n/work/sub\n" {
			t.Errorf("output %q", out)
		}
		log, err := os.ReadFile(filepath.Join(dir, "sub/log"))
		if err != nil || strings.Count(string(log), "\n") != 2000 {
			t.Errorf("the log has %d lines, %v", strings.Count(string(log), "\n"), err)
		}
	}
	c := newContainer(t, withMount)
	c.background(nil, "/bin/dash", "-c", "exec 6</work/input; sleep 100")
	for c.kernel.table.Init() == nil || !c.kernel.table.Init().Sleeping() {
		time.Sleep(time.Millisecond)
	}
	if err := c.kernel.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := memory{}
	root, err := c.kernel.Save(m)
	if err != nil {
		t.Fatal(err)
	}
	c.kernel.table.Kill()
	c.kernel.Resume()
	if _, err := Restore(c.like(), root, m); err == nil || !strings.Contains(err.Error(), "host directory on /work") {
		t.Errorf("without the mount: %v", err)
	}
	os.Remove(filepath.Join(dir, "input"))
	config := c.like()
	withMount(&config)
	if _, err := Restore(config, root, m); err == nil || !strings.Contains(err.Error(), `"input"`) {
		t.Errorf("without the file: %v", err)
	}
}

// TestRestoreTerminal: a shell that waits at its prompt, with half a line typed and a stopped job, goes on at
// another terminal of the host.
func TestRestoreTerminal(t *testing.T) {
	s := newScreen(t)
	c := newContainer(t, func(c *Config) { c.Console = &Console{ReadWriter: s, Rows: 24, Columns: 80} })
	c.env = append(c.env, "PS1=% ")
	end := c.background(nil, "/bin/sh")
	s.typeKeys("", "% ")
	s.typeKeys("x=kept; sh -c 'echo up; exec sleep 100'\r", "\r\nup\r\n")
	s.typeKeys("\x1a", "Stopped")
	s.typeKeys("stty -echo; cat\r", "\r\n")
	s.typeKeys("one\r", "one\r\n")
	io.WriteString(s.keys, "half a li")
	time.Sleep(50 * time.Millisecond)
	if err := c.kernel.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := memory{}
	root, err := c.kernel.Save(m)
	if err != nil {
		t.Fatal(err)
	}
	c.kernel.table.Kill()
	c.kernel.Resume()
	<-end
	for range 2 {
		s := newScreen(t)
		config := c.like()
		config.Sched, config.Console = sched.New(slots), &Console{ReadWriter: s, Rows: 30, Columns: 90}
		k, err := Restore(config, root, m)
		if err != nil {
			t.Fatal(err)
		}
		k.Resume()
		k.Resize(30, 90)
		done := make(chan Status, 1)
		go func() {
			status, err := k.Wait(t.Context())
			if err != nil {
				t.Error(err)
			}
			done <- status
		}()
		for _, step := range []struct{ keys, want string }{
			{"ne\r", "half a line\r\n"},
			{"\x03", "% "},
			{"stty echo; echo $x\r", "kept\r\n"},
			{"stty size\r", "30 90\r\n"},
			{"jobs\r", "Stopped"},
			{"kill %1; kill -CONT %1; wait; echo all $(jobs | wc -l)\r", "all 0\r\n"},
			{"tty\r", "/dev/console\r\n"},
		} {
			s.typeKeys(step.keys, step.want)
		}
		io.WriteString(s.keys, "exit 7\r")
		select {
		case status := <-done:
			if status != (Status{Code: 7}) {
				t.Errorf("status %+v, want 7", status)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("the shell does not exit; screen: %q", s.text())
		}
	}
}
