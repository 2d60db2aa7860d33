package build

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"

	"vkernel/internal/bundle"
	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
)

// describe writes the entries and executables into the manifest.
func (b *builder) describe(m *manifest.Manifest) {
	m.Entries = []manifest.Entry{}
	m.Executables = []manifest.Executable{}
	for i, p := range b.programs {
		m.Entries = append(m.Entries, manifest.Entry{
			ID: p.name, Name: p.name, Module: i, Export: entryExport,
			Syscalls: append([]string{}, p.syscalls...),
		})
		m.Executables = append(m.Executables, manifest.Executable{SHA256: p.digest, Entry: p.name, Paths: p.paths})
	}
	for _, x := range b.sortedScripts() {
		m.Executables = append(m.Executables, *x)
	}
}

func (b *builder) writeMegabinary(m *manifest.Manifest) error {
	var modules []bundle.Module
	for _, p := range b.programs {
		modules = append(modules, bundle.Module{Name: p.name, Wasm: p.wasm})
		m.Megabinary.Modules = append(m.Megabinary.Modules, p.digest)
	}
	blob, err := b.write(bundle.MegabinaryFile, bundle.EncodeComponent(modules))
	m.Megabinary.SHA256, m.Megabinary.Size = blob.SHA256, blob.Size
	return err
}
