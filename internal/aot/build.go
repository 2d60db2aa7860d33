package aot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"vkernel/internal/emit"
	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// builder is one run of Build.
type builder struct {
	opts  Options
	tools tools
	dir   string // scratch

	runtime []byte // all of the runtime's text
	meta    *layout.Meta

	modules []*module // each distinct module once, in order of first appearance
	byHash  map[string]*module

	mu sync.Mutex

	// guarded by mu
	built map[string]string // objects in the scratch folder, by name: the key of what they were made from
}

// module is a distinct module: programs with the same bytes share its code.
type module struct {
	name   string // of the first program that has it
	hash   string // hex SHA-256
	prefix string // of its symbols
	out    *emit.Output
	bytes  []byte

	bounded map[uint32]emit.Bound // functions whose addresses are hidden from clang, see bounded.go

	size  int          // of bytes
	left  int          // C files to compile; guarded by pool.mu
	spent atomic.Int64 // nanoseconds of CPU time of its compilers
}

// Build compiles programs into one native code file and returns its metadata. On failure
// opts.OutAOT is left as it was.
func Build(ctx context.Context, programs []Input, opts Options) (layout.Meta, error) {
	meta, err := build(ctx, programs, opts)
	if err != nil {
		return layout.Meta{}, fmt.Errorf("aot: %w", err)
	}
	return *meta, nil
}

func build(ctx context.Context, programs []Input, opts Options) (*layout.Meta, error) {
	if opts.OutAOT == "" {
		return nil, errors.New("no output file given")
	}
	if len(programs) == 0 {
		return nil, errors.New("no programs given")
	}
	opts.defaults()
	b := &builder{opts: opts, byHash: map[string]*module{}, built: map[string]string{}}
	if err := b.enlist(programs); err != nil {
		return nil, err
	}
	var err error
	if b.tools, err = findTools(ctx, &opts); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "vkernel-aot-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.dir)
	if b.runtime, err = b.writeRuntime(); err != nil {
		return nil, err
	}
	linked, err := b.untilVerified(ctx, programs)
	if err != nil {
		return nil, err
	}
	return b.meta, b.publish(linked)
}

func (o *Options) defaults() {
	if o.Jobs <= 0 {
		o.Jobs = runtime.NumCPU()
	}
	for _, d := range []struct {
		field *string
		value string
	}{{&o.Clang, "clang-19"}, {&o.LLD, "ld.lld-19"}, {&o.Objcopy, "llvm-objcopy-19"}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if o.Progress == nil {
		o.Progress = noProgress
	}
}

// enlist finds the distinct modules.
func (b *builder) enlist(programs []Input) error {
	names := map[string]bool{}
	for _, p := range programs {
		if p.Name == "" || names[p.Name] {
			return fmt.Errorf("program name %q is empty or not unique", p.Name)
		}
		names[p.Name] = true
		sum := sha256.Sum256(p.Wasm)
		hash := hex.EncodeToString(sum[:])
		m := b.byHash[hash]
		if m == nil {
			m = &module{name: p.Name, hash: hash, prefix: "p" + hash[:16] + "_", bytes: p.Wasm, size: len(p.Wasm), bounded: map[uint32]emit.Bound{}}
			b.byHash[hash] = m
			b.modules = append(b.modules, m)
		}
		if err := b.checkPrefix(m); err != nil {
			return err
		}
	}
	return nil
}

// checkPrefix refuses two modules whose hashes begin alike: their symbols would clash.
func (b *builder) checkPrefix(m *module) error {
	for _, o := range b.modules {
		if o != m && o.prefix == m.prefix {
			return fmt.Errorf("programs %s and %s: SHA-256 of both modules begins with %s", o.name, m.name, m.hash[:16])
		}
	}
	return nil
}

// translate decodes, validates and emits one module.
func (b *builder) translate(m *module) error {
	decoded, err := wasm.DecodeValidated(m.bytes)
	if err != nil {
		return fmt.Errorf("program %s: %w", m.name, err)
	}
	m.out, err = emit.Emit(decoded, emit.Options{Prefix: m.prefix, Global: b.opts.Global, Bounded: m.bounded, FileBytes: b.opts.fileBytes})
	if err != nil {
		return fmt.Errorf("program %s: %w", m.name, err)
	}
	if b.opts.CheckImport == nil {
		return nil
	}
	for _, im := range m.out.Program.Imports {
		if err := b.opts.CheckImport(m.name, im); err != nil {
			return fmt.Errorf("program %s: import %q %q of type %s: %w", m.name, im.Module, im.Name, im.Type, err)
		}
	}
	return nil
}

// write puts a file into the scratch folder.
func (b *builder) write(name string, data []byte) error {
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// moduleOf is the module of a program that enlist has seen.
func (b *builder) moduleOf(p Input) *module {
	sum := sha256.Sum256(p.Wasm)
	return b.byHash[hex.EncodeToString(sum[:])]
}

func (b *builder) isPrefix(prefix string) bool {
	for _, m := range b.modules {
		if m.prefix == prefix {
			return true
		}
	}
	return false
}
