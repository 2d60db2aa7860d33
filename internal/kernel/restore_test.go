package kernel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/router"
	"vkernel/internal/sched"
	"vkernel/internal/state"
)

// A container is saved by one process and restored by another, which is this test's binary, started again.

// store keeps chunks as files of a directory.
type store string

func (s store) Put(b []byte) (state.Chunk, error) {
	c := state.Chunk(sha256.Sum256(b))
	name := filepath.Join(string(s), hex.EncodeToString(c[:]))
	if _, err := os.Lstat(name); err == nil {
		return c, nil
	}
	return c, os.WriteFile(name, b, 0o600)
}

func (s store) Get(c state.Chunk, _ int) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(s), hex.EncodeToString(c[:])))
}

// buffer is what a container writes, which others read meanwhile.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

const restoreIn = "VKERNEL_RESTORE" // directory of a snapshot that the test's process is to restore

// restored is what the other process says of the container.
type restored struct {
	Out    string
	Status Status
	Error  string
	Took   time.Duration
	Log    string
}

// TestRestoreChild is the other process.
func TestRestoreChild(t *testing.T) {
	dir := os.Getenv(restoreIn)
	if dir == "" {
		t.Skip("for the other tests here")
	}
	var r restored
	if err := r.run(t, dir); err != nil {
		r.Error = err.Error()
	}
	text, err := json.Marshal(&r)
	if err == nil {
		err = os.WriteFile(os.Getenv(restoreIn+"_OUT"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (r *restored) run(t *testing.T, dir string) error {
	code, err := compiled()
	if err != nil {
		return err
	}
	root, err := os.ReadFile(filepath.Join(dir, "root"))
	if err != nil {
		return err
	}
	out, log := &buffer{}, &buffer{}
	defer func() { r.Out, r.Log = out.String(), log.String() }()
	began := time.Now()
	k, err := Restore(Config{
		Code: code, Router: guestRoutes(), Sched: sched.New(slots), Stdout: out, Stderr: out,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, root, store(dir))
	if err != nil {
		return err
	}
	r.Took = time.Since(began)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	k.Resume()
	r.Status, err = k.Wait(ctx)
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return err
}

// guestRoutes are the routes of the guests alone.
func guestRoutes() routes {
	all := routes{}
	for i, g := range available() {
		all[sha256.Sum256([]byte("program "+g.name+"\n"))] = router.Entry{ID: g.name, Name: g.name, Program: i, Export: "_start"}
	}
	return all
}

// restore restores a snapshot in another process.
func restore(t *testing.T, dir string) (r restored) {
	t.Helper()
	answer := filepath.Join(t.TempDir(), "answer")
	cmd := exec.Command(os.Args[0], "-test.run", "^TestRestoreChild$", "-test.timeout", "2m")
	cmd.Env = append(os.Environ(), restoreIn+"="+dir, restoreIn+"_OUT="+answer)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the other process: %v\n%s", err, tail(string(out)))
	}
	text, err := os.ReadFile(answer)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Error != "" {
		t.Fatalf("restore: %s\n%s", r.Error, tail(r.Log))
	}
	return r
}

// keep saves a container that is paused, and gives what the host has of its output by now.
func keep(t *testing.T, k *Kernel, out fmt.Stringer) (dir, before string) {
	t.Helper()
	dir = t.TempDir()
	began := time.Now()
	root, err := k.Save(store(dir))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	k.Settle()
	before = out.String()
	if err := os.WriteFile(filepath.Join(dir, "root"), root, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("saved in %v, %d bytes beside the chunks", took, len(root))
	return dir, before
}

// background runs a container until the test ends.
func (c *container) background(out io.Writer, argv ...string) (end chan Status) {
	c.t.Helper()
	end = make(chan Status, 1)
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	c.t.Cleanup(cancel)
	go func() {
		status, err := c.kernel.Run(ctx, argv, c.env, "/")
		if err != nil {
			c.t.Error(err)
		}
		end <- status
	}()
	return end
}

// TestRestore saves workloads at a random moment. The process that saved them runs on to the same end as another that restores
// them, and they come to that end as often as they are restored.
func TestRestore(t *testing.T) {
	for _, tt := range workloads {
		t.Run(tt.name, func(t *testing.T) {
			out := &buffer{}
			c := newContainer(t, func(config *Config) { config.Stdout, config.Stderr = out, out })
			end := c.background(out, "sh", "-c", tt.script)
			time.Sleep(time.Duration(10+rand.IntN(150)) * time.Millisecond)
			if err := c.kernel.Pause(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.kernel.table.Init().State() >= 2 {
				c.kernel.Resume()
				t.Skip("it has ended")
			}
			dir, before := keep(t, c.kernel, out)
			c.kernel.Resume()
			for range 2 {
				r := restore(t, dir)
				if got := before + r.Out; got != tt.out || r.Status != (Status{}) {
					t.Errorf("restored: status %+v, output %q and then %q, want %q\n%s", r.Status, before, r.Out, tt.out, tail(r.Log))
				}
				t.Logf("restored in %v", r.Took)
			}
			if status := <-end; out.String() != tt.out || status != (Status{}) {
				t.Errorf("the original: status %+v, output %q, want %q\n%s", status, out.String(), tt.out, tail(c.log.String()))
			}
		})
	}
}

var _ = strings.Join
var _ = linux.SIGKILL
