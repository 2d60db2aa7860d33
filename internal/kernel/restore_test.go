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

	"vkernel/internal/engine"
	"vkernel/internal/proc"
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

const restoreIn = "VKERNEL_RESTORE" // a file that says what the test's process is to restore

// task is what the other process is to do. Descriptor 3 is the code.
type task struct {
	Dir    string // of the snapshot
	Answer string // file for the answer
	Routes map[string]router.Entry
	Input  string // for its standard input
}

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
	name := os.Getenv(restoreIn)
	if name == "" {
		t.Skip("for the other tests here")
	}
	var todo task
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, &todo)
	}
	if err != nil {
		t.Fatal(err)
	}
	var r restored
	if err := r.run(t, &todo); err != nil {
		r.Error = err.Error()
	}
	if text, err = json.Marshal(&r); err == nil {
		err = os.WriteFile(todo.Answer, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (r *restored) run(t *testing.T, todo *task) error {
	code, err := engine.Load(os.NewFile(3, "code"))
	if err != nil {
		return err
	}
	root, err := os.ReadFile(filepath.Join(todo.Dir, "root"))
	if err != nil {
		return err
	}
	known := routes{}
	for digest, e := range todo.Routes {
		b, err := hex.DecodeString(digest)
		if err != nil {
			return err
		}
		known[[32]byte(b)] = e
	}
	out, log := &buffer{}, &buffer{}
	defer func() { r.Out, r.Log = out.String(), log.String() }()
	began := time.Now()
	k, err := Restore(Config{
		Code: code, Router: known, Sched: sched.New(slots), Stdin: strings.NewReader(todo.Input), Stdout: out, Stderr: out,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, root, store(todo.Dir))
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

// restore restores a snapshot in another process, with the same code and routes.
func (c *container) restore(dir string, code *os.File, input string) (r restored) {
	t := c.t
	t.Helper()
	to := t.TempDir()
	todo := task{Dir: dir, Answer: filepath.Join(to, "answer"), Routes: map[string]router.Entry{}, Input: input}
	for digest, e := range c.routes {
		todo.Routes[hex.EncodeToString(digest[:])] = e
	}
	text, err := json.Marshal(&todo)
	if err == nil {
		err = os.WriteFile(filepath.Join(to, "task"), text, 0o600)
	}
	if err == nil {
		_, err = code.Seek(0, io.SeekStart)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestRestoreChild$", "-test.timeout", "2m")
	cmd.Env = append(os.Environ(), restoreIn+"="+filepath.Join(to, "task"))
	cmd.ExtraFiles = []*os.File{code}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the other process: %v\n%s", err, tail(string(out)))
	}
	if text, err = os.ReadFile(todo.Answer); err == nil {
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

// cutAt runs a workload, pauses it when so much time has passed, and saves it; false if it had ended by then. Then what it
// prints in the end, whether here or restored, is compared.
func cutAt(t *testing.T, after time.Duration, code *os.File, edit func(*Config), want string, argv ...string) bool {
	t.Helper()
	out := &buffer{}
	c := newContainer(t, func(config *Config) {
		config.Stdout, config.Stderr = out, out
		if edit != nil {
			edit(config)
		}
	})
	c.routes = c.kernel.config.Router.(routes)
	end := c.background(out, argv...)
	for c.kernel.table.Init() == nil {
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(after)
	began := time.Now()
	if err := c.kernel.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	paused := time.Since(began)
	if c.kernel.table.Init().State() >= proc.Zombie {
		c.kernel.Resume()
		<-end
		return false
	}
	dir, before := keep(t, c.kernel, out)
	c.kernel.Resume()
	for range 2 {
		r := c.restore(dir, code, "")
		if got := before + r.Out; got != want || r.Status != (Status{}) {
			t.Errorf("restored: status %+v, output %q and then %q, want %q\n%s", r.Status, before, r.Out, want, tail(r.Log))
		}
		t.Logf("cut after %v within %v, restored in %v", after, paused, r.Took)
	}
	if status := <-end; out.String() != want || status != (Status{}) {
		t.Errorf("the original: status %+v, output %q, want %q\n%s", status, out.String(), want, tail(c.log.String()))
	}
	return true
}

// TestRestore saves workloads at a random moment. The process that saved them runs on to the same end as another that restores
// them, and they come to that end as often as they are restored.
func TestRestore(t *testing.T) {
	newContainer(t, nil) // there is a compiledFile then
	for _, tt := range workloads {
		t.Run(tt.name, func(t *testing.T) {
			for most := int64(200 * time.Millisecond); ; most /= 2 {
				if cutAt(t, time.Duration(rand.Int64N(most)), compiledFile, nil, tt.out, "sh", "-c", tt.script) {
					break
				}
			}
		})
	}
}

// TestRestoreThreads does so with 64 threads that compute, sleep, and wait for words.
func TestRestoreThreads(t *testing.T) {
	code, file := buildWatFile(t, manyThreads)
	edit := func(config *Config) {
		config.Code = code
		config.Router = routes{sha256.Sum256([]byte("program true\n")): router.Entry{ID: "true", Name: "true", Export: "_start"}}
	}
	for most := int64(100 * time.Millisecond); ; most /= 2 {
		if cutAt(t, time.Duration(rand.Int64N(most)), file, edit, "ok\n", "/bin/true") {
			break
		}
	}
}
