package build

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"vkernel/internal/aot"
	"vkernel/internal/bundle"
	"vkernel/internal/engine/layout"
)

// RebuildOptions say how to rebuild. CheckImport is required.
type RebuildOptions struct {
	CacheDir    string // objects that need not be compiled; empty: all of them are
	Jobs        int    // compilers at a time; 0: one per CPU
	CheckImport func(im layout.Import) (known bool, err error)
	Progress    func(done, total int, name string, took time.Duration)
}

// DifferenceError says that native code is not what the compiler makes of the megabinary.
type DifferenceError struct {
	Got, Want int64  // bytes of the bundle's and of the rebuilt file
	Offset    int64  // of the first byte that differs
	Where     string // section and function
	Tools     string // that differ from those of the build; empty if none
}

func (e *DifferenceError) Error() string {
	s := fmt.Sprintf("it is not what the compiler makes of the megabinary: byte %#x differs (%s), %d bytes, expected %d", e.Offset, e.Where, e.Got, e.Want)
	if e.Tools != "" {
		s += "; it was built with other tools, which alone may explain it: " + e.Tools
	}
	return s
}

// Rebuild compiles the megabinary of an open bundle again and compares the native code,
// byte by byte. So whoever signs need not trust whoever built, only the compiler.
func Rebuild(ctx context.Context, b *bundle.Bundle, o RebuildOptions) error {
	modules, err := b.Modules()
	if err != nil {
		return err
	}
	names, err := b.ProgramNames()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "vkernel-rebuild-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	inputs := make([]aot.Input, 0, len(modules))
	for i, wasm := range modules {
		inputs = append(inputs, aot.Input{Name: names[i], Wasm: wasm})
	}
	out := filepath.Join(dir, bundle.NativeFile(bundle.Arch))
	if _, err = aot.Build(ctx, inputs, aot.Options{
		OutAOT: out, CacheDir: o.CacheDir, Jobs: o.Jobs, Clang: clang, Progress: o.Progress,
		CheckImport: func(_ string, im layout.Import) error {
			_, err := o.CheckImport(im)
			return err
		},
	}); err != nil {
		return fmt.Errorf("rebuilding the native code: %w", err)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	got, err := io.ReadAll(io.NewSectionReader(b.Code, 0, int64(b.Native.Size)))
	if err != nil {
		return err
	}
	if bytes.Equal(got, want) {
		return nil
	}
	d := difference(got, want)
	if d.Tools, err = otherTools(ctx, b); err != nil {
		return err
	}
	return d
}

func difference(got, want []byte) *DifferenceError {
	n := 0
	for n < len(got) && n < len(want) && got[n] == want[n] {
		n++
	}
	return &DifferenceError{Got: int64(len(got)), Want: int64(len(want)), Offset: int64(n), Where: place(want, uint64(n))}
}

// place names what is at an offset of a file that was just built.
func place(data []byte, offset uint64) string {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return "no ELF file"
	}
	defer f.Close()
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NOBITS || offset < s.Offset || offset >= s.Offset+s.FileSize {
			continue
		}
		where := "section " + s.Name
		symbols, err := f.Symbols()
		if err != nil {
			return where
		}
		at := s.Addr + offset - s.Offset
		for _, sym := range symbols {
			if elf.ST_TYPE(sym.Info) == elf.STT_FUNC && s.Flags&elf.SHF_ALLOC != 0 && at >= sym.Value && at < sym.Value+sym.Size {
				return where + ", function " + sym.Name
			}
		}
		return where
	}
	return "headers"
}

// otherTools names the tools of the build that are not those of here.
func otherTools(ctx context.Context, b *bundle.Bundle) (string, error) {
	here, err := (&builder{}).versions(ctx)
	if err != nil {
		return "", err
	}
	if then := b.Manifest.Build.Clang; then != here.Clang {
		return fmt.Sprintf("clang %s, here is %s", then, here.Clang), nil
	}
	return "", nil
}
