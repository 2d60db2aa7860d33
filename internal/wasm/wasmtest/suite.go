// Package wasmtest reads the official WebAssembly test suite as wast2json converted it:
// an archive of folders with a script in JSON and its modules beside it.
//
// The archive is test/spec/testdata/spec.tar.gz, or the one that the environment variable
// VK_SPEC names.
package wasmtest

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// Command is one command of a script. Fields follow wabt's docs/wast2json.md.
type Command struct {
	Type       string          `json:"type"`
	Line       int             `json:"line"`
	Name       string          `json:"name"`
	As         string          `json:"as"`
	Filename   string          `json:"filename"`
	Text       string          `json:"text"`
	ModuleType string          `json:"module_type"`
	Action     json.RawMessage `json:"action"`
	Expected   json.RawMessage `json:"expected"`
	Either     json.RawMessage `json:"either"`
}

// Script is one script of the suite. Folder is "core" or the name of a proposal.
type Script struct {
	Folder, Name string
	Commands     []Command

	dir   string
	files map[string][]byte
}

// Module returns the binary module of a command's Filename, with compact groups of
// imports (which no supported feature has, but wast2json --enable-all writes) expanded.
func (s *Script) Module(filename string) ([]byte, error) {
	data, ok := s.files[path.Join(s.dir, filename)]
	if !ok {
		return nil, fmt.Errorf("%s/%s: no module %s in the archive", s.Folder, s.Name, filename)
	}
	return expandImports(data), nil
}

// Text returns the module in text format of a command's Filename.
func (s *Script) Text(filename string) ([]byte, error) {
	data, ok := s.files[path.Join(s.dir, filename)]
	if !ok {
		return nil, fmt.Errorf("%s/%s: no text %s in the archive", s.Folder, s.Name, filename)
	}
	return data, nil
}

// Suite returns the scripts of the archive, sorted. It skips the test when there is none.
func Suite(t testing.TB) []*Script {
	t.Helper()
	name := Path()
	if name == "" {
		t.Skip("no archive of the official test suite (VK_SPEC)")
	}
	scripts, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return scripts
}

// Path is the archive that VK_SPEC names, or else the repository's own.
func Path() string {
	if name := os.Getenv("VK_SPEC"); name != "" {
		return name
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			continue
		}
		name := filepath.Join(dir, "test", "spec", "testdata", "spec.tar.gz")
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	return ""
}

// Read reads the scripts and binary modules of an archive.
func Read(name string) ([]*Script, error) {
	files, err := unpack(name)
	if err != nil {
		return nil, err
	}
	var scripts []*Script
	for file, data := range files {
		if path.Ext(file) != ".json" {
			continue
		}
		folder, _, _ := strings.Cut(file, "/")
		s := &Script{Folder: folder, Name: strings.TrimSuffix(path.Base(file), ".json"), dir: path.Dir(file), files: files}
		if err := json.Unmarshal(data, s); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, file, err)
		}
		scripts = append(scripts, s)
	}
	sort.Slice(scripts, func(i, j int) bool { return scripts[i].dir < scripts[j].dir })
	return scripts, nil
}

func unpack(name string) (map[string][]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if ext := path.Ext(h.Name); ext != ".json" && ext != ".wasm" && ext != ".wat" {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, h.Name, err)
		}
		files[path.Clean(h.Name)] = data
	}
}
