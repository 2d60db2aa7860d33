package aot

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"vkernel/internal/emit"
)

// pool compiles in parallel. The first error stops it.
type pool struct {
	b      *builder
	ctx    context.Context
	cancel context.CancelFunc
	jobs   chan job
	wg     sync.WaitGroup

	mu sync.Mutex

	// guarded by mu
	err  error
	done int
}

// job is one source file to compile.
type job struct {
	m     *module // nil: the runtime's
	name  string  // in the scratch folder; the object is name + ".o"
	text  []byte
	names map[string]string // of the object's symbols, if the text has names of its own; see names.go
	start time.Time
	batch bool // of several modules
	data  bool // assembly of nothing but bytes: written already, not worth caching
}

func noProgress(int, int, string, time.Duration) {}

// compile translates all modules and compiles them; it returns the objects in link order.
func (b *builder) compile(ctx context.Context) ([]string, error) {
	p := &pool{b: b, jobs: make(chan job)}
	p.ctx, p.cancel = context.WithCancel(ctx)
	defer p.cancel()
	for range b.opts.Jobs {
		p.wg.Add(1)
		go p.work()
	}
	objects := []string{}
	for _, name := range []string{"vk_stubs.S", "vk_bulk.c"} { // vk_text is the start of the first
		text, err := fs.ReadFile(emit.Runtime, "runtime/"+name)
		if err != nil {
			return nil, err
		}
		objects = append(objects, name+".o")
		p.submit(job{name: name, text: text})
	}
	together := &batch{}
	for _, m := range b.modules {
		names, err := p.add(m, together)
		if err != nil {
			p.fail(err)
			break
		}
		objects = append(objects, names...)
	}
	rest, err := p.flush(together)
	if err != nil {
		p.fail(err)
	}
	objects = append(objects, rest...)
	close(p.jobs)
	p.wg.Wait()
	if p.err == nil {
		p.err = ctx.Err()
	}
	return objects, p.err
}

// writeRuntime puts the headers into the scratch folder and returns all of their text.
func (b *builder) writeRuntime() ([]byte, error) {
	var all bytes.Buffer
	entries, err := emit.Runtime.ReadDir("runtime")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := emit.Runtime.ReadFile("runtime/" + e.Name())
		if err != nil {
			return nil, err
		}
		if err := b.write(e.Name(), text); err != nil {
			return nil, err
		}
		fmt.Fprintf(&all, "%s %d\n%s", e.Name(), len(text), text)
	}
	return all.Bytes(), nil
}

// add translates a module and submits its files.
func (p *pool) add(m *module, together *batch) ([]string, error) {
	start := time.Now()
	if err := p.b.translate(m); err != nil {
		return nil, err
	}
	m.left = len(m.out.Files)
	data, err := p.b.writeData(m)
	if err != nil {
		return nil, err
	}
	if f := &m.out.Files[0]; len(m.out.Files) == 1 && len(f.Text) < p.b.opts.Batch {
		var names []string
		if len(together.text)+len(f.Text) > p.b.opts.Batch {
			names, err = p.flush(together)
		}
		together.put(m, f, data)
		f.Text = nil
		return names, err
	}
	object, err := p.submitData(m, m.prefix+"data.S", data)
	names := []string{object}
	for i := range m.out.Files {
		f := &m.out.Files[i]
		names = append(names, f.Name+".o")
		text, symbols := ownNames(f.Text, m.prefix)
		p.submit(job{m: m, name: f.Name, text: text, names: symbols, start: start})
		f.Text = nil
	}
	return names, err
}

func (p *pool) submit(j job) {
	select {
	case p.jobs <- j:
	case <-p.ctx.Done():
	}
}

func (p *pool) work() {
	defer p.wg.Done()
	for j := range p.jobs {
		if p.ctx.Err() != nil {
			continue
		}
		if err := p.b.object(p.ctx, j); err != nil {
			p.fail(err)
			continue
		}
		p.finished(j)
	}
}

// fail notes the first error and stops the others.
func (p *pool) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	p.cancel()
}

func (p *pool) finished(j job) {
	if j.m == nil || j.data || j.batch {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.m.left--; j.m.left == 0 {
		p.done++
		p.b.opts.Progress(p.done, len(p.b.modules), j.m.name, time.Since(j.start))
	}
}

// source is the name of the file that the compiler sees, which is in the object.
func (j *job) source() string {
	if j.names != nil {
		return "vk.c"
	}
	return j.name
}

// object compiles a file, or takes its object from the cache.
func (b *builder) object(ctx context.Context, j job) error {
	who := "runtime"
	if j.m != nil {
		who = "program " + j.m.name
	}
	if j.data {
		if err := b.compileFile(ctx, j, "."); err != nil {
			return fmt.Errorf("%s: %w", who, err)
		}
		return nil
	}
	key := b.key(j, b.runtime)
	made := key + " " + fmt.Sprint(j.names)
	if b.isBuilt(j.name, made) {
		return nil
	}
	object := b.fromCache(key)
	if object == nil {
		var err error
		if object, err = b.compileText(ctx, j); err != nil {
			return fmt.Errorf("%s: %w", who, err)
		}
		if err := b.toCache(key, object); err != nil {
			return err
		}
	}
	object, err := name(object, j.names)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", who, j.name, err)
	}
	if err := b.write(j.name+".o", object); err != nil {
		return err
	}
	b.setBuilt(j.name, made)
	return nil
}

// compileText compiles C in a folder of its own, and returns the object.
func (b *builder) compileText(ctx context.Context, j job) ([]byte, error) {
	dir := j.name + ".d"
	if err := b.write(filepath.Join(dir, j.source()), j.text); err != nil {
		return nil, err
	}
	if err := b.compileFile(ctx, j, dir); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(b.dir, dir, j.source()+".o"))
}

// compileFile compiles a file in a folder of the scratch folder.
func (b *builder) compileFile(ctx context.Context, j job, dir string) error {
	source := j.source()
	args := append(append([]string{}, compileFlags...), "-I"+b.dir, "-c", "-o", source+".o", source)
	if err := b.clang(ctx, j.m, dir, args); err != nil {
		return fmt.Errorf("compile %s: %w", j.name, err)
	}
	if err := b.checkObject(filepath.Join(dir, source+".o")); err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	return nil
}

// isBuilt tells whether an object of that name was made in an earlier round from the same.
func (b *builder) isBuilt(name, key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.built[name] == key
}

func (b *builder) setBuilt(name, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.built[name] = key
}

// clang runs the compiler within the time that the module has left: the limit of one process
// bounds no module of many files.
func (b *builder) clang(ctx context.Context, m *module, dir string, args []string) error {
	dir = filepath.Join(b.dir, dir)
	if m == nil {
		return b.tools.run(ctx, dir, b.tools.clang, args...)
	}
	allowed := leastSeconds + m.size/bytesPerSecond
	left := allowed - int(m.spent.Load()/int64(time.Second))
	if left <= 0 {
		return fmt.Errorf("its compilers took more than %d s of CPU, which is the limit for a module of %d bytes", allowed, m.size)
	}
	used, err := b.tools.runFor(ctx, min(left, cpuSeconds), dir, b.tools.clang, args...)
	m.spent.Add(int64(used))
	return err
}
