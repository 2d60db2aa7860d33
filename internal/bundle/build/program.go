package build

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
	"vkernel/internal/wasm"
)

// entryExport is the function that starts a program.
const entryExport = "_start"

// program is one module that can be executed.
type program struct {
	name     string // unique in the bundle
	digest   manifest.Digest
	wasm     []byte
	paths    []string
	syscalls []string
	warm     *manifest.Warm
}

// noteExecutable decides what a file with an x bit is. read gives all of it.
func (b *builder) noteExecutable(n *manifest.Node, head []byte, read func() ([]byte, error)) error {
	switch {
	case bytes.HasPrefix(head, []byte("\x00asm")):
		return b.noteModule(n, read)
	case bytes.HasPrefix(head, []byte("#!")):
		b.noteScript(n, head)
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		b.Notice(n.Path + ": a native program, which cannot run here: compile it with vkcc")
	default:
		b.Notice(n.Path + ": has an x bit but is neither WebAssembly nor a #! script: it cannot be executed")
	}
	return nil
}

func (b *builder) noteModule(n *manifest.Node, read func() ([]byte, error)) error {
	p, known := b.byDigest[*n.SHA256]
	if !known {
		if n.Size > wasm.MaxModule {
			return fmt.Errorf("%s: a module of %d bytes, at most %d are allowed", n.Path, n.Size, wasm.MaxModule)
		}
		data, err := read()
		if err != nil {
			return err
		}
		if p, err = b.newProgram(n, data); err != nil {
			return err
		}
		b.byDigest[*n.SHA256] = p
		if p != nil {
			b.programs = append(b.programs, p)
		}
	}
	if p == nil {
		b.Notice(n.Path + ": exports no function " + entryExport + ": it cannot be executed")
		return nil
	}
	p.paths = append(p.paths, n.Path)
	return nil
}

// newProgram decodes, validates and checks a module; nil if it is no program.
func (b *builder) newProgram(n *manifest.Node, data []byte) (*program, error) {
	m, err := wasm.DecodeValidated(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Path, err)
	}
	if ok, err := hasEntry(m); err != nil {
		return nil, fmt.Errorf("%s: %w", n.Path, err)
	} else if !ok {
		return nil, nil
	}
	p := &program{digest: *n.SHA256, wasm: data}
	var unknown []string
	for _, im := range m.Imports {
		if im.Kind == wasm.KindMemory && (im.Module != "env" || im.Name != "memory") {
			return nil, fmt.Errorf("%s: import of memory %q %q: programs share none; env.memory, as toolchains link it, is the program's own", n.Path, im.Module, im.Name)
		}
		if im.Kind != wasm.KindFunc {
			continue
		}
		li := layout.Import{Module: im.Module, Name: im.Name, Type: Signature(m.Types[im.Type])}
		known, err := b.CheckImport(li)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Path, err)
		}
		if !known {
			unknown = append(unknown, strings.TrimPrefix(im.Name, "SYS_"))
		}
		if call := b.Syscall(li); call != "" {
			p.syscalls = append(p.syscalls, call)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		b.Notice(n.Path + ": system calls that this kernel does not have, and that will answer ENOSYS: " + strings.Join(slices.Compact(unknown), " "))
	}
	slices.Sort(p.syscalls)
	p.syscalls = slices.Compact(p.syscalls)
	for _, c := range m.Customs {
		if c.Name != manifest.WarmSection {
			continue
		}
		if p.warm != nil {
			return nil, fmt.Errorf("%s: two sections %s", n.Path, c.Name)
		}
		if p.warm, err = manifest.ParseWarm(c.Data); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Path, err)
		}
	}
	return p, nil
}

// hasEntry reports whether m exports the entry function.
func hasEntry(m *wasm.Module) (bool, error) {
	for _, x := range m.Exports {
		if x.Name != entryExport || x.Kind != wasm.KindFunc {
			continue
		}
		if t, _ := m.FuncTypeOf(x.Index); len(t.Params)+len(t.Results) > 0 {
			return false, fmt.Errorf("export %s has type %s, expected no parameters and no results", entryExport, Signature(t))
		}
		return true, nil
	}
	return false, nil
}

// Signature writes a function type as package layout does: parameters, a colon, results.
func Signature(t wasm.FuncType) string {
	var b strings.Builder
	write := func(types []wasm.ValType) {
		for _, v := range types {
			b.WriteByte(v.Letter())
		}
	}
	write(t.Params)
	b.WriteByte(':')
	write(t.Results)
	return b.String()
}

func (b *builder) noteScript(n *manifest.Node, head []byte) {
	interpreter, ok := scriptInterpreter(head)
	if !ok {
		b.Notice(n.Path + ": the line after #! names no interpreter: it cannot be executed")
		return
	}
	b.list(n, interpreter)
}

// list notes a script for the manifest.
func (b *builder) list(n *manifest.Node, interpreter string) {
	if x, known := b.scripts[*n.SHA256]; known {
		x.Paths = append(x.Paths, n.Path)
		return
	}
	b.scripts[*n.SHA256] = &manifest.Executable{SHA256: *n.SHA256, Interpreter: interpreter, Paths: []string{n.Path}}
}

// scriptInterpreter reads the first line of a script as Linux does.
func scriptInterpreter(head []byte) (string, bool) {
	line, _, _ := bytes.Cut(head[2:], []byte("\n"))
	fields := strings.FieldsFunc(string(line), func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) == 0 || strings.IndexByte(fields[0], 0) >= 0 || len(head) == headSize && len(line) == headSize-2 {
		return "", false
	}
	return strings.ToValidUTF8(fields[0], "?"), true
}

// namePrograms gives each program a unique name, after its first file, and sorts them.
func (b *builder) namePrograms() error {
	if len(b.programs) > manifest.MaxModules {
		return fmt.Errorf("%d programs, the limit is %d", len(b.programs), manifest.MaxModules)
	}
	for _, p := range b.programs {
		slices.Sort(p.paths)
	}
	slices.SortFunc(b.programs, func(x, y *program) int { return strings.Compare(x.paths[0], y.paths[0]) })
	taken := map[string]bool{}
	for _, p := range b.programs {
		base := nameOf(strings.TrimSuffix(p.paths[0], ".wasm"))
		p.name = base
		for i := 2; taken[p.name]; i++ {
			p.name = fmt.Sprintf("%s-%d", base, i)
		}
		taken[p.name] = true
	}
	return nil
}

// nameOf makes a name that the manifest allows of the last part of a path.
func nameOf(p string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-', r == '+':
			return r
		}
		return '_'
	}, path.Base(p))
	name = strings.TrimLeft(name, ".-")
	if len(name) > 64 {
		name = name[:64]
	}
	if name == "" {
		return "x"
	}
	return name
}
