package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/vfs"
)

// newPool makes a container whose first process becomes a pool, and ends when the test does.
func newPool(t *testing.T, limits PoolLimits, edit func(*Config)) (*container, *Pool) {
	t.Helper()
	return newPoolOf(t, "warm idle", func(*container) {}, limits, edit)
}

// newPoolOf is newPool of a command, in a container that has been furnished for it.
func newPoolOf(t *testing.T, command string, furnish func(*container), limits PoolLimits, edit func(*Config)) (*container, *Pool) {
	t.Helper()
	in, hold := io.Pipe()
	c := newWarm(t, nil, func(config *Config) {
		config.Stdin = in
		if edit != nil {
			edit(config)
		}
	})
	furnish(c)
	ended := make(chan error, 1)
	go func() {
		_, err := c.kernel.Run(context.Background(), []string{"/bin/dash", "-c", "until [ -e /root/go ]; do sleep 0.01; done; exec " + command}, c.env, "/")
		ended <- err
	}()
	t.Cleanup(func() {
		hold.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := c.kernel.config.Code.LayerBytes(); n != 0 {
			t.Errorf("%d bytes of layers are left", n)
		}
	})
	for c.kernel.table.Init() == nil {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() {
		for c.kernel.pools.waiting.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		if f, _, e := c.context.Open(vfs.Path{}, "/root/go", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY, Mode: 0o600}); e == 0 {
			f.Close()
		}
	}()
	pool, err := c.kernel.NewPool(ctx, c.kernel.table.Init().PID(), limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return c, pool
}

// copyOf runs a copy to its end and gives what it has said.
func copyOf(t *testing.T, p *Pool, j Job) string {
	t.Helper()
	var out bytes.Buffer
	j.Stdout, j.Stderr = &out, &out
	c, err := p.Start(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if s, err := c.Wait(ctx); err != nil || s != (Status{}) {
		t.Fatalf("%+v, %v, %q", s, err, out.String())
	}
	return out.String()
}

func TestPool(t *testing.T) {
	_, pool := newPool(t, PoolLimits{}, nil)
	for n := range 20 {
		arg := fmt.Sprint("number ", n)
		out := copyOf(t, pool, Job{Argv: []string{"me", arg}, Env: []string{"N=" + arg}, Dir: "/etc"})
		for _, want := range []string{"arg me\narg " + arg + "\n", "env N=" + arg + "\n", "cwd /etc umask 22\n", "tid 1 ", "clean 1\n"} {
			if !strings.Contains(out, want) {
				t.Fatalf("copy %d says %.300q, want %q", n, out, want)
			}
		}
		if strings.Count(out, "fd ") != 3 || strings.Contains(out, "PATH") {
			t.Fatalf("copy %d says %.300q", n, out)
		}
	}
	if s := pool.State(); s.Started != 20 || s.Live != 0 || s.Refused != 0 || s.Program != "warm" || s.Bytes < 2<<20 {
		t.Errorf("%+v", s)
	}
	pool.Close()
	if _, err := pool.Start(Job{Argv: []string{"x"}}, nil); !errors.Is(err, ErrPoolEnded) {
		t.Errorf("start after its end: %v", err)
	}
}

func TestPoolLimits(t *testing.T) {
	_, pool := newPool(t, PoolLimits{Copies: 2, Idle: 50 * time.Millisecond}, nil)
	var ends []*io.PipeWriter
	var copies []*Copy
	for range 2 {
		in, end := io.Pipe()
		c, err := pool.Start(Job{Argv: []string{"warm", "idle"}, Stdin: in}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ends, copies = append(ends, end), append(copies, c)
	}
	if _, err := pool.Start(Job{Argv: []string{"warm", "nothing"}}, nil); !errors.Is(err, ErrPoolLimit) {
		t.Errorf("a third of two: %v", err)
	}
	time.Sleep(120 * time.Millisecond)
	if s := pool.State(); s.Live != 2 || s.Refused != 1 || s.Ended {
		t.Errorf("%+v", s)
	}
	for k, c := range copies {
		ends[k].Close()
		if _, err := c.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); !pool.State().Ended; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the idle pool does not end")
		}
	}
}

// TestPoolHashRule: each start is decided anew.
func TestPoolHashRule(t *testing.T) {
	var revoked atomic.Bool
	c, pool := newPool(t, PoolLimits{}, func(config *Config) {
		config.Revoked = func([32]byte) bool { return revoked.Load() }
	})
	copyOf(t, pool, Job{Argv: []string{"warm", "nothing"}})
	refused := func(what string) {
		t.Helper()
		if _, err := pool.Start(Job{Argv: []string{"warm", "nothing"}}, nil); !errors.Is(err, linux.EACCES) {
			t.Errorf("%s: %v, want EACCES", what, err)
		}
	}
	revoked.Store(true)
	refused("revoked")
	revoked.Store(false)
	copyOf(t, pool, Job{Argv: []string{"warm", "nothing"}})

	// The file is another one of the same entry, or another program, or nobody's.
	if e := c.context.Rename(vfs.Path{}, "/bin/warm", vfs.Path{}, "/bin/old", 0); e != 0 {
		t.Fatal(e)
	}
	for _, content := range []string{"program hello\n", "nobody's\n"} {
		f, _, e := c.context.Open(vfs.Path{}, "/bin/warm", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_TRUNC | linux.O_WRONLY, Mode: 0o755})
		if e != 0 {
			t.Fatal(e)
		}
		f.Write([]byte(content), 0)
		f.Close()
		refused(content)
	}
	if s := pool.State(); s.Refused != 3 || s.Started != 2 {
		t.Errorf("%+v", s)
	}
}

// TestPoolRefuses what cannot be frozen.
func TestPoolRefuses(t *testing.T) {
	c := newWarm(t, &manifest.Warm{}, nil)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.kernel.Run(context.Background(), []string{"/bin/dash", "-c", "until [ -e /root/go ]; do sleep 0.01; done; exec 5</etc/motd; exec warm nothing"}, c.env, "/")
	}()
	for c.kernel.table.Init() == nil {
		time.Sleep(time.Millisecond)
	}
	if _, err := c.kernel.NewPool(t.Context(), 4711, PoolLimits{}); err == nil {
		t.Error("a pool of no process")
	}
	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.kernel.NewPool(brief, 1, PoolLimits{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a pool of a process that is not ready: %v", err)
	}
	go func() {
		for c.kernel.pools.waiting.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		if f, _, e := c.context.Open(vfs.Path{}, "/root/go", vfs.OpenHow{Flags: linux.O_CREAT | linux.O_WRONLY, Mode: 0o600}); e == 0 {
			f.Close()
		}
	}()
	if _, err := c.kernel.NewPool(t.Context(), 1, PoolLimits{}); err == nil || !strings.Contains(err.Error(), "other files") {
		t.Errorf("a pool of a process with an open file: %v", err)
	}
	<-ended
}
