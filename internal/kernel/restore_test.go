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
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
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
	Input  string        // for its standard input
	Again  time.Duration // after so much it is saved again, in Next, and ends; 0: it runs to its end
	Next   string
}

// restored is what the other process says of the container.
type restored struct {
	Out    string
	Status Status
	Error  string
	Took   time.Duration
	Log    string
	Saved  bool // again
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
	if todo.Again != 0 {
		time.Sleep(todo.Again)
		if r.Saved, err = again(ctx, k, todo.Next); r.Saved || err != nil {
			return err
		}
	}
	r.Status, err = k.Wait(ctx)
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return err
}

// again saves a container that was restored; false: it has ended.
func again(ctx context.Context, k *Kernel, dir string) (bool, error) {
	if err := k.Pause(ctx); err != nil {
		return false, err
	}
	if k.table.Init().State() >= proc.Zombie {
		k.Resume()
		return false, nil
	}
	root, err := k.Save(store(dir))
	if err != nil {
		return false, err
	}
	k.Settle()
	return true, os.WriteFile(filepath.Join(dir, "root"), root, 0o600)
}

// restore restores a snapshot in another process, with the same code and routes, and saves it again after a while if next
// is not empty.
func (c *container) restore(dir string, code *os.File, next string, after time.Duration) (r restored) {
	t := c.t
	t.Helper()
	to := t.TempDir()
	todo := task{Dir: dir, Answer: filepath.Join(to, "answer"), Routes: map[string]router.Entry{}, Next: next, Again: after}
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

// keep saves a container that is paused, and gives what the host has of its output by now. The container has been resumed.
func keep(t *testing.T, k *Kernel, out fmt.Stringer) (dir, before string) {
	t.Helper()
	dir = t.TempDir()
	began := time.Now()
	saving, err := k.BeginSave(store(dir))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	k.Settle()
	before = out.String()
	k.Resume()
	root, err := saving.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "root"), root, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("stood for %v, %d bytes beside the chunks", took, len(root))
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
	chain := 2
	if raceEnabled {
		chain = 1
	}
	r := c.restore(dir, code, "", 0)
	if got := before + r.Out; got != want || r.Status != (Status{}) {
		t.Errorf("restored: status %+v, output %q and then %q, want %q\n%s", r.Status, before, r.Out, want, tail(r.Log))
	}
	t.Logf("cut after %v within %v, restored in %v", after, paused, r.Took)
	all := before
	for n, saved := 0, true; saved; n++ {
		next := t.TempDir()
		r := c.restore(dir, code, next, time.Duration(1+rand.IntN(40))*time.Millisecond)
		all += r.Out
		if dir, saved = next, r.Saved; !saved && (all != want || r.Status != (Status{})) {
			t.Errorf("restored, and saved again, %d times: status %+v, output %q, want %q\n%s", n, r.Status, all, want, tail(r.Log))
		} else if n == chain {
			break
		}
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
	for k, tt := range workloads {
		if raceEnabled && k%4 != 0 {
			continue
		}
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

// TestRestoreMany cuts more than 150 processes that compute, sleep, and wait for pipes and for each other.
func TestRestoreMany(t *testing.T) {
	newContainer(t, nil)
	const script = `(for i in $(seq 1 40); do
		(j=0; while [ $j -lt 3000 ]; do j=$((j+1)); done; echo c) &
		sleep 0.4 &
		(sleep 0.4; echo s) &
		(sleep 0.4; echo p | cat) &
	done; wait) | sort | uniq -c; echo end`
	const want = "     40 c\n     40 p\n     40 s\nend\n"
	if !cutAt(t, 200*time.Millisecond, compiledFile, nil, want, "sh", "-c", script) {
		t.Error("it had ended")
	}
}

// paused is a container in a pause, with a shell that sleeps.
func paused(t *testing.T, argv ...string) (c *container, root []byte, m memory) {
	t.Helper()
	return pausedWith(t, func(*container) {}, argv...)
}

// pausedWith is paused for a container that has been furnished.
func pausedWith(t *testing.T, furnish func(*container), argv ...string) (c *container, root []byte, m memory) {
	t.Helper()
	c = newContainer(t, nil)
	furnish(c)
	c.background(nil, argv...)
	sleeps := func(p *proc.Process) bool {
		i := p.Image()
		return i != nil && len(i.Argv) > 1 && i.Argv[1] == "100" && p.Sleeping()
	}
	for !slices.ContainsFunc(c.kernel.table.All(), sleeps) {
		time.Sleep(time.Millisecond)
	}
	if err := c.kernel.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.kernel.Resume()
		c.kernel.table.Kill()
	})
	m = memory{}
	root, err := c.kernel.Save(m)
	if err != nil {
		t.Fatal(err)
	}
	return c, root, m
}

// memory keeps chunks.
type memory map[state.Chunk][]byte

func (m memory) Put(b []byte) (state.Chunk, error) {
	c := state.Chunk(sha256.Sum256(b))
	m[c] = bytes.Clone(b)
	return c, nil
}

func (m memory) Get(c state.Chunk, _ int) ([]byte, error) {
	if b, ok := m[c]; ok {
		return b, nil
	}
	return nil, fmt.Errorf("no chunk %x", c)
}

// like is a configuration with which c can be restored.
func (c *container) like() Config {
	return Config{Code: c.kernel.config.Code, Router: c.routes, Sched: sched.New(slots)}
}

// TestRestoreDecides: what runs is asked for again when it is restored, by the same rule.
func TestRestoreDecides(t *testing.T) {
	c, root, m := paused(t, "/bin/dash", "-c", "/bin/sleep 100; :")
	digest := sha256.Sum256([]byte("program busybox\n"))
	for _, tt := range []struct {
		name string
		edit func(*Config)
		want string
	}{
		{"nothing has changed", func(*Config) {}, ""},
		{"revoked", func(c *Config) { c.Revoked = func(d [32]byte) bool { return d == digest } }, "entry busybox"},
		{"unlisted", func(c *Config) { c.Router = without(c.Router.(routes), digest) }, "not in the manifest"},
		{"another entry", func(c *Config) {
			r := without(c.Router.(routes), digest)
			e := c.Router.(routes)[digest]
			e.ID = "other"
			r[digest] = e
			c.Router = r
		}, "entry busybox"},
		{"another program", func(c *Config) {
			r := without(c.Router.(routes), digest)
			e := c.Router.(routes)[digest]
			e.Program = 0
			r[digest] = e
			c.Router = r
		}, "entry busybox is another program"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := c.like()
			tt.edit(&config)
			k, err := Restore(config, root, m)
			if err == nil {
				k.Resume()
				k.table.Kill()
				k.Wait(t.Context())
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func without(r routes, digest [32]byte) routes {
	r = maps.Clone(r)
	delete(r, digest)
	return r
}

// TestRestoreTime: the monotonic clock goes on where it was, timers have as much left as they had, and CPU times are kept.
func TestRestoreTime(t *testing.T) {
	c := newContainer(t, nil)
	c.background(nil, "sh", "-c", "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done; sleep 100; :")
	for c.kernel.table.Init() == nil || len(c.kernel.table.All()) < 2 {
		time.Sleep(time.Millisecond)
	}
	p := c.kernel.table.Init()
	id, e := p.NewTimer(linux.CLOCK_MONOTONIC, proc.Clock{}, linux.SIGUSR1, 7, nil)
	if e == 0 {
		_, _, e = p.SetTimer(id, 50*time.Second, time.Second)
	}
	if e != 0 {
		t.Fatal(e)
	}
	wall, e := p.NewTimer(linux.CLOCK_REALTIME, proc.Clock{}, linux.SIGUSR1, 7, nil)
	if e == 0 {
		_, _, e = p.SetTimerAt(wall, time.Duration(time.Now().Add(30*time.Second).UnixNano()), 0)
	}
	if e != 0 {
		t.Fatal(e)
	}
	set := time.Now()
	p.SetInterval(linux.ITIMER_REAL, 70*time.Second, 0)
	p.SetInterval(linux.ITIMER_PROF, 90*time.Second, 0)
	if err := c.kernel.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := memory{}
	clock, busy := c.kernel.table.Clock(linux.CLOCK_MONOTONIC), c.kernel.table.Busy()
	root, err := c.kernel.Save(m)
	if err != nil {
		t.Fatal(err)
	}
	c.kernel.Resume()
	c.kernel.table.Kill()
	time.Sleep(200 * time.Millisecond)
	passed := time.Since(set)
	k, err := Restore(c.like(), root, m)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		k.Resume()
		k.table.Kill()
		k.Wait(t.Context())
	}()
	const little = 150 * time.Millisecond
	if d := k.table.Clock(linux.CLOCK_MONOTONIC) - clock; d < 0 || d > little {
		t.Errorf("the clock has jumped by %v", d)
	}
	if now := k.table.Busy(); now != busy {
		t.Errorf("CPU time %v was %v", now, busy)
	}
	p = k.table.Init()
	left, period, e := p.Timer(id)
	if d := 50*time.Second - left; e != 0 || d < 0 || d > 10*time.Second || period != time.Second {
		t.Errorf("the timer has %v left, period %v, %v", left, period, e)
	}
	if left, _, e := p.Timer(wall); e != 0 || left > 30*time.Second-passed+time.Millisecond {
		t.Errorf("a timer of the wall clock has %v left, %v, though %v have passed of 30s", left, e, passed)
	}
	if left, _ := p.Interval(linux.ITIMER_REAL); left > 70*time.Second || left < 60*time.Second {
		t.Errorf("the interval timer has %v left", left)
	}
	if left, _ := p.Interval(linux.ITIMER_PROF); left > 90*time.Second || left < 80*time.Second {
		t.Errorf("the CPU timer has %v left", left)
	}
}

// TestRestoreGarbage: a stream that was changed is refused, or is another container; it does no harm to who reads it.
func TestRestoreGarbage(t *testing.T) {
	c, root, m := paused(t, "sh", "-c", "sleep 100 | cat")
	r := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 2000 {
		bad := bytes.Clone(root)
		for range 1 + r.IntN(3) {
			bad[r.IntN(len(bad))] = byte(r.Uint32())
		}
		if loadAndDrop(c.like(), bad, m) != nil {
			refused++
		}
	}
	for k := 0; k < len(root); k += 17 {
		if loadAndDrop(c.like(), root[:k], m) == nil {
			t.Errorf("the first %d bytes of %d are a container", k, len(root))
		}
	}
	t.Logf("%d of 2000 were refused", refused)
}

// loadAndDrop loads a container, and gives back its memory.
func loadAndDrop(c Config, root []byte, m memory) error {
	k, err := load(c, root, m)
	if err == nil {
		k.drop()
	}
	return err
}

// drop frees the memory of a container that never ran.
func (k *Kernel) drop() {
	for _, p := range k.table.All() {
		p.View(func(m *proc.Memory) {
			for _, v := range m.Instance.Views()[1:] {
				v.Free()
			}
			m.Space.Free()
		})
	}
}

// FuzzRestore loads streams of all kinds.
func FuzzRestore(f *testing.F) {
	f.Add([]byte("vkstate1"))
	code, err := compiled()
	if os.Getenv("VKERNEL_GUESTS") == "" || err != nil {
		f.Skip("there are no guests")
	}
	f.Fuzz(func(t *testing.T, root []byte) {
		loadAndDrop(Config{Code: code, Router: routes{}, Sched: sched.New(1)}, root, memory{})
	})
}
