package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"

	"vkernel/internal/aot"
	"vkernel/internal/bundle"
	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
)

// Tools are the programs that a build calls, each with its Debian package.
var Tools = []struct{ Program, Package string }{
	{clang, "clang-19"},
	{"ld.lld-19", "lld-19"},
	{"llvm-objcopy-19", "llvm-19"},
}

const clang = "clang-19"

// describe writes the entries and executables into the manifest.
func (b *builder) describe(m *manifest.Manifest) {
	m.Entries = []manifest.Entry{}
	m.Executables = []manifest.Executable{}
	for i, p := range b.programs {
		m.Entries = append(m.Entries, manifest.Entry{
			ID: p.name, Name: p.name, Module: i, Export: entryExport,
			Syscalls: append([]string{}, p.syscalls...), Warm: p.warm,
		})
		m.Executables = append(m.Executables, manifest.Executable{SHA256: p.digest, Entry: p.name, Paths: p.paths})
	}
	for _, x := range b.sortedScripts() {
		m.Executables = append(m.Executables, *x)
	}
}

func (b *builder) writeMegabinary(m *manifest.Manifest) error {
	modules := make([]bundle.Module, 0, len(b.programs))
	for _, p := range b.programs {
		modules = append(modules, bundle.Module{Name: p.name, Wasm: p.wasm})
		m.Megabinary.Modules = append(m.Megabinary.Modules, p.digest)
	}
	blob, err := b.write(bundle.MegabinaryFile, bundle.EncodeComponent(modules))
	m.Megabinary.SHA256, m.Megabinary.Size = blob.SHA256, blob.Size
	return err
}

// compile makes the native code.
func (b *builder) compile(ctx context.Context, m *manifest.Manifest) error {
	inputs := make([]aot.Input, 0, len(b.programs))
	for _, p := range b.programs {
		inputs = append(inputs, aot.Input{Name: p.name, Wasm: p.wasm})
	}
	name := bundle.NativeFile(bundle.Arch)
	_, err := aot.Build(ctx, inputs, aot.Options{
		OutAOT: filepath.Join(b.stage, name), CacheDir: b.CacheDir, Jobs: b.Jobs, Clang: clang, Progress: b.Progress,
		CheckImport: func(_ string, im layout.Import) error {
			_, err := b.CheckImport(im)
			return err
		},
	})
	if err != nil {
		return fmt.Errorf("native code: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(b.stage, name))
	if err != nil {
		return err
	}
	if m.Build, err = b.versions(ctx); err != nil {
		return err
	}
	m.Native = []manifest.Native{{
		Arch: bundle.Arch, ABI: layout.Version, Features: []string{"x86-64-v2"},
		SHA256: manifest.Sum(data), Size: uint64(len(data)),
	}}
	return nil
}

var clangVersion = regexp.MustCompile(`version (\S+)`)

// versions names the tools of this build.
func (b *builder) versions(ctx context.Context) (manifest.Build, error) {
	out, err := exec.CommandContext(ctx, clang, "--version").Output()
	if err != nil {
		return manifest.Build{}, fmt.Errorf("%s --version: %w", clang, err)
	}
	v := manifest.Build{By: b.By, Vkernel: b.Version, Go: runtime.Version(), Clang: "unknown"}
	if found := clangVersion.FindSubmatch(out); found != nil {
		v.Clang = string(found[1])
	}
	return v, nil
}
