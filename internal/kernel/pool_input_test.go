package kernel

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// inputPool makes a pool of a program that has read its first lines from its standard input. wait waits before it is asked for.
func inputPool(t *testing.T, wait time.Duration, first string, argv ...string) (*container, *Pool) {
	t.Helper()
	in, hold := io.Pipe()
	c := newContainer(t, func(config *Config) { config.Stdin = in })
	ended := make(chan error, 1)
	go func() {
		_, err := c.kernel.Run(context.Background(), argv, c.env, "/")
		ended <- err
	}()
	t.Cleanup(func() {
		hold.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for c.kernel.table.Init() == nil {
		time.Sleep(time.Millisecond)
	}
	if first != "" {
		if _, err := io.WriteString(hold, first); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(wait)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	pool, err := c.kernel.NewPool(ctx, c.kernel.table.Init().PID(), PoolLimits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return c, pool
}

// TestPoolInput: a program that has read a part of its standard input goes on in each copy with the copy's own, whether it
// waits for it when it is frozen or comes to it later. What one copy makes of it no other finds.
func TestPoolInput(t *testing.T) {
	programs := map[string]struct {
		argv        []string
		first, task string
		want        string
	}{
		"dash":    {[]string{"/bin/dash"}, "x=7; f() { x=$((x*$1)); echo $x $$ >/dev/null; echo $x; }\n", "f %d; f 2; cd /etc && pwd; cat </etc/motd\n", "%d\n%d\n/etc\nwelcome\n"},
		"ash":     {[]string{"/bin/sh"}, "x=7; f() { x=$((x*$1)); echo $x; }\n", "f %d; f 2; cd /etc && pwd; cat </etc/motd\n", "%d\n%d\n/etc\nwelcome\n"},
		"lua":     {[]string{"/bin/lua", "-"}, "", "x=7*%d print(x) print(2*x) print('/etc') print(io.open('/etc/motd'):read())\n", "%d\n%d\n/etc\nwelcome\n"},
		"awk":     {[]string{"/bin/awk", "BEGIN { x=7 } { x=x*$1; print x; print 2*x; print \"/etc\"; print \"welcome\" }"}, "", "%d\n", "%d\n%d\n/etc\nwelcome\n"},
		"sqlite3": {[]string{"/bin/sqlite3"}, "", "create table t(x); insert into t values(7*%d); select x from t; select 2*x from t; select '/etc'; select 'welcome';\n", "%d\n%d\n/etc\nwelcome\n"},
	}
	for name, p := range programs {
		for _, wait := range []time.Duration{0, 50 * time.Millisecond} {
			t.Run(fmt.Sprint(name, wait), func(t *testing.T) {
				c, pool := inputPool(t, wait, p.first, p.argv...)
				c.overwrite("/etc/motd", "welcome\n")
				for n := 1; n <= 5; n++ {
					task := p.task
					if strings.Contains(task, "%d") {
						task = fmt.Sprintf(task, n)
					}
					if wait == 0 { // it may have been frozen before it had read anything
						task = p.first + task
					}
					got := copyOf(t, pool, Job{Argv: p.argv, Env: c.env, Stdin: strings.NewReader(task)})
					if want := fmt.Sprintf(p.want, 7*n, 14*n); got != want {
						t.Fatalf("copy %d says %q, want %q", n, got, want)
					}
				}
			})
		}
	}
}

// TestPoolInputLater: the process itself goes on after it was frozen, and a pool can be made of it once more.
func TestPoolInputLater(t *testing.T) {
	c, first := inputPool(t, 20*time.Millisecond, "x=1\n", "/bin/dash")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	second, err := c.kernel.NewPool(ctx, 1, PoolLimits{})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	for _, pool := range []*Pool{first, second} {
		if got := copyOf(t, pool, Job{Argv: []string{"sh"}, Stdin: strings.NewReader("echo $x\n")}); got != "1\n" {
			t.Errorf("%q", got)
		}
	}
	// A copy that reads nothing ends; one that waits is one of the container's processes.
	var out bytes.Buffer
	waits, err := second.Start(Job{Argv: []string{"sh"}, Stdin: strings.NewReader("sleep 30 & echo $!; kill $!\n"), Stdout: &out}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := waits.Wait(ctx); err != nil || s.Code != 0 || out.Len() == 0 {
		t.Errorf("%+v, %v, %q", s, err, out.String())
	}
}
