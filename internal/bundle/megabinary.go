package bundle

import (
	"fmt"
	"path/filepath"

	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
)

// Modules reads the core modules of the megabinary, each checked against the manifest.
func (b *Bundle) Modules() ([][]byte, error) {
	m := b.Manifest.Megabinary
	data, err := readBlob(filepath.Join(b.Dir, MegabinaryFile), manifest.Blob{SHA256: m.SHA256, Size: m.Size}, mutant.Off("bundle.megabinary"))
	if err != nil {
		return nil, &PartError{"megabinary", err}
	}
	modules, err := ComponentModules(data)
	if err != nil {
		return nil, &PartError{"megabinary", err}
	}
	if len(modules) != len(m.Modules) {
		return nil, &PartError{"megabinary", fmt.Errorf("it holds %d modules, the manifest lists %d", len(modules), len(m.Modules))}
	}
	for i, data := range modules {
		if got := manifest.Sum(data); got != m.Modules[i] {
			return nil, &PartError{"megabinary", fmt.Errorf("module %d has SHA-256 %s, the manifest says %s", i, got, m.Modules[i])}
		}
	}
	return modules, nil
}

// Programs are what the native code says of its programs.
func (b *Bundle) Programs() ([]layout.Program, error) {
	meta, err := readMeta(b.Code)
	if err != nil {
		return nil, &PartError{"native code", err}
	}
	return meta.Programs, nil
}

// ProgramNames are the names under which the modules were compiled, as the native code
// says them.
func (b *Bundle) ProgramNames() ([]string, error) {
	meta, err := readMeta(b.Code)
	if err != nil {
		return nil, &PartError{"native code", err}
	}
	if err := b.CheckPrograms(meta.Programs); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(meta.Programs))
	for _, p := range meta.Programs {
		names = append(names, p.Name)
	}
	return names, nil
}
