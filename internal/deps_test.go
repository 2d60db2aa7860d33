// Package internal holds the architecture as tests: which package may import which, and
// that every package says what it is.
package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// layers is the import policy of docs/architecture.md, lowest first. A package imports
// packages of lower layers, or of its own (as a DAG, which the compiler checks). A
// package in a subfolder belongs to the entry with the longest matching prefix.
var layers = [][]string{
	{"linux", "guest", "wait", "mutant", "audit", "state", "packet"},
	{"wasm", "emit", "aot", "engine", "verify"},
	{"manifest", "policy", "signature", "trust", "bundle", "router", "toolchain", "broker"},
	{"mm", "vfs", "fd", "sock", "signal", "futex", "sched", "proc", "edge"},
	{"syscalls", "wasi", "imports", "trace"},
	{"kernel", "snapshot"},
	{"sandbox", "control"},
	{"api", "shim"},
}

// unsafeAllowed lists the packages that may import unsafe or C.
var unsafeAllowed = []string{"engine", "guest", "sandbox"}

// runtimeOnly lists packages that run containers: they must not reach the compiler.
var (
	runtimeOnly  = []string{"mm", "vfs", "fd", "signal", "sched", "proc", "syscalls", "wasi", "imports", "trace", "kernel", "router", "guest", "wait", "engine"}
	buildOnly    = []string{"emit", "aot", "toolchain", "wasm"}
	modulePrefix = "vkernel/internal/"
)

type goFile struct {
	path, pkg string // pkg is the folder below internal
	syntax    *ast.File
}

func parseAll(t *testing.T, mode parser.Mode) []goFile {
	t.Helper()
	var files []goFile
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || filepath.Dir(path) == "." {
			return err
		}
		f, err := parser.ParseFile(fset, path, nil, mode)
		if err != nil {
			return err
		}
		files = append(files, goFile{path, filepath.ToSlash(filepath.Dir(path)), f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files found below internal")
	}
	return files
}

// layerOf gives the layer of a package, or -1.
func layerOf(pkg string) int {
	top, _, _ := strings.Cut(pkg, "/")
	for i, names := range layers {
		for _, n := range names {
			if n == top {
				return i
			}
		}
	}
	return -1
}

func within(pkg string, names []string) bool {
	top, _, _ := strings.Cut(pkg, "/")
	for _, n := range names {
		if n == top {
			return true
		}
	}
	return false
}

func TestImportsGoDown(t *testing.T) {
	for _, f := range parseAll(t, parser.ImportsOnly) {
		if strings.HasSuffix(f.path, "_test.go") {
			continue // a test may use what stands above, to drive it
		}
		own := layerOf(f.pkg)
		if own < 0 {
			t.Errorf("%s: package %s is in no layer; see docs/architecture.md", f.path, f.pkg)
			continue
		}
		for _, spec := range f.syntax.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if (path == "unsafe" || path == "C") && !within(f.pkg, unsafeAllowed) {
				t.Errorf("%s imports %q: only %v may", f.path, path, unsafeAllowed)
			}
			dep, ok := strings.CutPrefix(path, modulePrefix)
			if !ok {
				if strings.HasPrefix(path, "vkernel/") {
					t.Errorf("%s imports %s, which lies outside internal", f.path, path)
				}
				continue
			}
			if layerOf(dep) > own {
				t.Errorf("%s: layer %d imports %s of layer %d", f.path, own, dep, layerOf(dep))
			}
			if within(f.pkg, runtimeOnly) && within(dep, buildOnly) {
				t.Errorf("%s: the runtime imports the builder's %s", f.path, dep)
			}
		}
	}
}

// TestPackageDocs holds that each package has one doc comment, and that it says something.
func TestPackageDocs(t *testing.T) {
	docs := map[string][]string{}
	seen := map[string]bool{}
	for _, f := range parseAll(t, parser.ParseComments|parser.PackageClauseOnly) {
		if strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		seen[f.pkg] = true
		if f.syntax.Doc != nil && len(f.syntax.Doc.Text()) > 60 {
			docs[f.pkg] = append(docs[f.pkg], f.path)
		}
	}
	for pkg := range seen {
		if n := len(docs[pkg]); n != 1 {
			t.Errorf("package %s has %d doc comments, want 1: %v", pkg, n, docs[pkg])
		}
	}
}

// TestFileSizes holds the budget of CONTRIBUTING.md: no file over 600 lines, in any
// language, anywhere in the repository.
func TestFileSizes(t *testing.T) {
	const limit = 600
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == ".git" || name == "out" {
				return filepath.SkipDir
			}
			return nil
		}
		switch filepath.Ext(path) {
		case ".go", ".c", ".h", ".S", ".sh":
		default:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := strings.Count(string(text), "\n"); n > limit {
			t.Errorf("%s has %d lines, more than %d: split it by concept", path, n, limit)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
