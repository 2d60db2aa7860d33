package snapshot_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// owed is how many types of testdata/types.txt are still owed. It only ever gets smaller.
const owed = 0

const module = "vkernel/internal/"

// graph is the packages of the kernel, and the types that a Kernel reaches.
type graph struct {
	fset    *token.FileSet
	exports map[string]string // files with what packages of others export
	files   map[string][]*ast.File
	done    map[string]*types.Package
	std     types.Importer
	reached map[*types.TypeName]string // and from where
	named   []*types.Named             // all of the module
	idents  map[string]map[string]bool // of a package: what its Save and Load methods name
}

// TestTypes walks all types that a Kernel reaches, through the fields of structures and through whatever implements
// an interface of ours. Each of our structures is saved, or is on the list with a reason, and each field of
// one that is saved is named by its methods, or is on the list with a reason.
func TestTypes(t *testing.T) {
	g := load(t)
	entries := readList(t)
	g.walk(g.lookup(t, "kernel", "Kernel").Type(), "kernel.Kernel")
	var missing []string
	for name, from := range g.reached {
		n := short(name)
		saved := hasMethods(name.Type())
		entry, listed := entries[n]
		delete(entries, n)
		switch {
		case saved && listed:
			t.Errorf("%s is saved, and on the list as %s: take it off", n, entry.kind)
		case saved:
			g.fields(t, name, entries)
		case !listed:
			missing = append(missing, fmt.Sprintf("%s\t(reached from %s)", n, from))
		}
	}
	slices.Sort(missing)
	for _, m := range missing {
		t.Errorf("%s is neither saved (SaveState, LoadState) nor listed in testdata/types.txt", m)
	}
	for n, entry := range entries {
		if !entry.used {
			t.Errorf("testdata/types.txt: line %d: %s is not reached, or has no such field: take it off", entry.line, n)
		}
	}
}

// TestOwed holds that the list of what is owed does not grow.
func TestOwed(t *testing.T) {
	n := 0
	for _, entry := range readList(t) {
		if entry.kind == "owed" {
			n++
		}
	}
	if n != owed {
		t.Errorf("%d types are owed; the constant says %d, and may be made smaller only", n, owed)
	}
}

type entry struct {
	kind string
	line int
	used bool
}

// readList reads lines of three fields: owed, plain, derived or host; a type or a field; why.
func readList(t *testing.T) map[string]*entry {
	t.Helper()
	text, err := os.ReadFile("testdata/types.txt")
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]*entry{}
	for k, line := range strings.Split(string(text), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		switch {
		case !slices.Contains([]string{"owed", "plain", "derived", "host"}, f[0]) || len(f) < 2:
			t.Fatalf("testdata/types.txt:%d: want owed, plain, derived or host, a type, a reason", k+1)
		case f[0] != "owed" && len(f) < 3:
			t.Errorf("testdata/types.txt:%d: no reason for %s", k+1, f[1])
		case list[f[1]] != nil:
			t.Errorf("testdata/types.txt:%d: %s is there twice", k+1, f[1])
		}
		list[f[1]] = &entry{kind: f[0], line: k + 1}
	}
	return list
}

// fields checks that the methods of a saved type name each of its fields.
func (g *graph) fields(t *testing.T, name *types.TypeName, list map[string]*entry) {
	s, ok := name.Type().Underlying().(*types.Struct)
	if !ok {
		return
	}
	said := g.names(name.Pkg().Path())
	for k := range s.NumFields() {
		f := s.Field(k)
		if e := list[short(name)+"."+f.Name()]; e != nil {
			e.used = true
			continue
		}
		if !said[f.Name()] && f.Name() != "_" && !lock(f.Type()) {
			t.Errorf("field %s of %s is not named by SaveState, LoadState or what they are made of, and not in testdata/types.txt", f.Name(), short(name))
		}
	}
}

// lock reports what is never saved, wherever it is: locks, and what holds nothing.
func lock(t types.Type) bool {
	switch t.String() {
	case "sync.Mutex", "sync.RWMutex", "sync.Once", "vkernel/internal/wait.Queue":
		return true
	}
	s, ok := t.Underlying().(*types.Struct)
	return ok && empty(s)
}

// empty reports whether a structure holds nothing.
func empty(s *types.Struct) bool {
	for k := range s.NumFields() {
		if f, ok := s.Field(k).Type().Underlying().(*types.Struct); !ok || !empty(f) {
			return false
		}
	}
	return true
}

var stateFunction = regexp.MustCompile(`^(Save|Load|save|load)`)

// names lists the selectors and keys in the functions of a package that save and load.
func (g *graph) names(path string) map[string]bool {
	if said := g.idents[path]; said != nil {
		return said
	}
	said := map[string]bool{}
	for _, f := range g.files[path] {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !stateFunction.MatchString(fn.Name.Name) {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					said[n.Sel.Name] = true
				case *ast.KeyValueExpr:
					if id, ok := n.Key.(*ast.Ident); ok {
						said[id.Name] = true
					}
				}
				return true
			})
		}
	}
	g.idents[path] = said
	return said
}

func hasMethods(t types.Type) bool {
	set := types.NewMethodSet(types.NewPointer(t))
	has := func(name string) bool { return set.Lookup(nil, name) != nil }
	return has("SaveState") && has("LoadState")
}

func short(n *types.TypeName) string {
	return strings.TrimPrefix(n.Pkg().Path(), module) + "." + n.Name()
}

// walk visits a type. What is not ours, and what holds nothing, is passed over.
func (g *graph) walk(t types.Type, from string) {
	switch t := types.Unalias(t).(type) {
	case *types.Pointer:
		g.walk(t.Elem(), from)
	case *types.Slice:
		g.walk(t.Elem(), from)
	case *types.Array:
		g.walk(t.Elem(), from)
	case *types.Map:
		g.walk(t.Key(), from)
		g.walk(t.Elem(), from)
	case *types.Chan:
		g.walk(t.Elem(), from)
	case *types.Struct:
		for k := range t.NumFields() {
			g.walk(t.Field(k).Type(), from)
		}
	case *types.Interface:
		g.implementations(t, from)
	case *types.Named:
		for k := range t.TypeArgs().Len() {
			g.walk(t.TypeArgs().At(k), from) // atomic.Pointer[Thread]
		}
		g.walkNamed(t, from)
	}
}

func (g *graph) walkNamed(t *types.Named, from string) {
	name := t.Obj()
	if name.Pkg() == nil || !strings.HasPrefix(name.Pkg().Path(), module) {
		return
	}
	if i, ok := t.Underlying().(*types.Interface); ok {
		g.implementations(i, from+" as "+short(name))
		return
	}
	if _, ok := t.Underlying().(*types.Struct); !ok {
		g.walk(t.Underlying(), from)
		return
	}
	if _, seen := g.reached[name]; seen || g.stops(name) {
		return
	}
	g.reached[name] = from
	g.walk(t.Underlying(), short(name))
}

// stops reports where the walk ends: packages whose objects are the same in each container of the same
// code and configuration, so that they are made anew and referred to by name.
func (g *graph) stops(name *types.TypeName) bool {
	top, _, _ := strings.Cut(strings.TrimPrefix(name.Pkg().Path(), module), "/")
	return slices.Contains([]string{"policy", "router", "manifest", "audit", "trace", "linux", "wait", "imports", "state"}, top) ||
		strings.HasSuffix(name.Pkg().Path(), "/engine/layout")
}

// implementations visits whatever implements an interface that has methods.
func (g *graph) implementations(i *types.Interface, from string) {
	if i.NumMethods() == 0 {
		return
	}
	for _, n := range g.named {
		if _, abstract := n.Underlying().(*types.Interface); abstract {
			continue
		}
		if types.Implements(n, i) || types.Implements(types.NewPointer(n), i) {
			g.walkNamed(n, from)
		}
	}
}

// load parses and checks the packages of which a kernel is made.
func load(t *testing.T) *graph {
	t.Helper()
	g := &graph{
		fset: token.NewFileSet(), exports: map[string]string{}, files: map[string][]*ast.File{}, done: map[string]*types.Package{},
		reached: map[*types.TypeName]string{}, idents: map[string]map[string]bool{},
	}
	dirs := map[string]string{}
	var others []string
	for _, f := range list(t, "-deps", "-f", "{{.ImportPath}}\t{{.Dir}}", module+"kernel", module+"vfs/...", module+"wasi") {
		if dirs[f[0]] = f[1]; !strings.HasPrefix(f[0], module) {
			others = append(others, f[0])
		}
	}
	for _, f := range list(t, append([]string{"-export", "-f", "{{.ImportPath}}\t{{.Export}}"}, others...)...) {
		g.exports[f[0]] = f[1]
	}
	g.std = importer.ForCompiler(g.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(g.exports[path]) })
	for path, dir := range dirs {
		if strings.HasPrefix(path, module) {
			g.files[path] = g.parse(t, dir)
		}
	}
	for path := range g.files {
		if _, err := g.Import(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range g.done {
		for _, n := range p.Scope().Names() {
			if tn, ok := p.Scope().Lookup(n).(*types.TypeName); ok {
				if named, ok := tn.Type().(*types.Named); ok && named.TypeParams().Len() == 0 {
					g.named = append(g.named, named)
				}
			}
		}
	}
	return g
}

// list runs go list, which gives lines of two fields.
func list(t *testing.T, args ...string) (lines [][]string) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return lines
}

func (g *graph) parse(t *testing.T, dir string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(g.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if !tagged(f) {
			files = append(files, f)
		}
	}
	return files
}

// tagged reports whether a file is for another build than the usual one.
func tagged(f *ast.File) bool {
	for _, c := range f.Comments {
		if c.Pos() < f.Package && strings.HasPrefix(c.List[0].Text, "//go:build") {
			return !strings.Contains(c.List[0].Text, "!") && !strings.Contains(c.List[0].Text, "linux")
		}
	}
	return false
}

// Import checks a package of ours from its source: what it exports is not enough.
func (g *graph) Import(path string) (*types.Package, error) {
	if p := g.done[path]; p != nil {
		return p, nil
	}
	files, own := g.files[path]
	if !own {
		return g.std.Import(path)
	}
	c := types.Config{Importer: g, FakeImportC: true}
	p, err := c.Check(path, g.fset, files, nil)
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", path, err)
	}
	g.done[path] = p
	return p, nil
}

func (g *graph) lookup(t *testing.T, pkg, name string) types.Object {
	t.Helper()
	o := g.done[module+pkg].Scope().Lookup(name)
	if o == nil {
		t.Fatalf("there is no %s.%s", pkg, name)
	}
	return o
}
