// Package build makes a bundle of a root directory that has WebAssembly programs in place.
//
// # Model
//
//	root directory --tree.go--> rootfs/, rootfs.json      every file copied and hashed
//	executable *.wasm --program.go--> programs            decoded, validated, imports checked
//	programs --component--> megabinary.wasm --aot--> megabinary.x86_64.aot
//	digests of all --> manifest.json, to be signed
//
// An executable file is a program if it starts with \0asm, has an x bit and exports
// _start; a script if it starts with #! and has an x bit. A program stays in the root as
// its WebAssembly binary: those are the bytes that execve hashes. Any number of files,
// links or copies, may be one program.
//
// # Rules
//
// The same root directory and tools give the same bytes: no times, no owners, no order of
// directories goes in. Everything is made in a directory beside the output, which takes
// the output's name at the end in one step; whatever fails, nothing is left behind.
package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
)

// Options say what to build. Root, Out, CheckImport and Syscall are required.
type Options struct {
	Root    string   // directory that becomes /
	Out     string   // bundle to make; an older bundle there is replaced
	Name    string   // default: the last part of Out, without .vk
	Command []string // what `vkernel run` starts; default /bin/sh
	Version string   // of vkernel, for the manifest
	Release uint64   // for the manifest
	By      string   // who builds, for the manifest
	Source  []manifest.Source

	Libraries []Library // files that interpreters may read under the secure bits

	CacheDir string // compiled objects by content; "" for none
	Jobs     int    // compilers at a time; 0: one per CPU

	// CheckImport judges one import of a program: known is false if the kernel will answer
	// ENOSYS to it, err is why a program with it cannot run at all.
	CheckImport func(im layout.Import) (known bool, err error)
	// Syscall names the system call that an import is charged to; empty for none.
	Syscall func(im layout.Import) string
	// Notice is told what is odd but no error. Progress is told of each program compiled.
	Notice   func(text string)
	Progress func(done, total int, name string, took time.Duration)
}

// Result tells what was built.
type Result struct {
	Bundle   string             `json:"bundle"`
	Digest   manifest.Digest    `json:"manifest_sha256"`
	Manifest *manifest.Manifest `json:"-"`
	Programs int                `json:"programs"`
	Scripts  int                `json:"scripts"`
	Files    int                `json:"files"`
}

// builder is one build under way.
type builder struct {
	Options
	stage    string // directory in which the bundle is made
	nodes    []manifest.Node
	programs []*program
	scripts  map[manifest.Digest]*manifest.Executable
	byDigest map[manifest.Digest]*program // nil for a module that is no program
	links    map[fileID]string            // first path of each file with several names
}

// Build makes a bundle.
func Build(ctx context.Context, o Options) (_ *Result, err error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	stage, err := os.MkdirTemp(filepath.Dir(o.Out), "."+filepath.Base(o.Out)+".tmp-")
	if err != nil {
		return nil, fmt.Errorf("cannot write next to %s: %w", o.Out, err)
	}
	defer func() { err = errors.Join(err, removeAll(stage)) }()
	if err := os.Chmod(stage, 0o755); err != nil {
		return nil, err
	}
	b := &builder{
		Options: o, stage: stage,
		scripts:  map[manifest.Digest]*manifest.Executable{},
		byDigest: map[manifest.Digest]*program{},
		links:    map[fileID]string{},
	}
	m, err := b.build(ctx)
	if err != nil {
		return nil, err
	}
	data := m.Marshal()
	if err := os.WriteFile(filepath.Join(stage, manifest.File), data, 0o644); err != nil {
		return nil, err
	}
	if err := replace(stage, o.Out); err != nil {
		return nil, err
	}
	return &Result{
		Bundle: o.Out, Digest: manifest.Sum(data), Manifest: m,
		Programs: len(b.programs), Scripts: len(b.scripts), Files: len(b.nodes),
	}, nil
}

// complete fills in defaults and checks the options.
func (o *Options) complete() (err error) {
	if o.Root, err = filepath.Abs(o.Root); err != nil {
		return err
	}
	if o.Out, err = filepath.Abs(o.Out); err != nil {
		return err
	}
	if st, err := os.Stat(o.Root); err != nil {
		return fmt.Errorf("root directory: %w", err)
	} else if !st.IsDir() {
		return fmt.Errorf("root directory: %s is not a directory", o.Root)
	}
	if o.Out == o.Root || strings.HasPrefix(o.Out+"/", strings.TrimSuffix(o.Root, "/")+"/") {
		return fmt.Errorf("the bundle %s would lie in its own root directory: choose another place with -o", o.Out)
	}
	if _, err := os.Lstat(o.Out); err == nil {
		if _, err := os.Lstat(filepath.Join(o.Out, manifest.File)); err != nil {
			return fmt.Errorf("%s exists and is not a bundle: remove it or choose another place with -o", o.Out)
		}
	}
	if o.Name == "" {
		o.Name = nameOf(strings.TrimSuffix(o.Out, ".vk"))
	}
	if len(o.Command) == 0 {
		o.Command = []string{"/bin/sh"}
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	return nil
}

func (b *builder) build(ctx context.Context) (*manifest.Manifest, error) {
	if err := b.copyTree(ctx); err != nil {
		return nil, err
	}
	root, err := manifest.NewRoot(b.nodes)
	if err != nil {
		return nil, err
	}
	if err := b.checkCommand(root); err != nil {
		return nil, err
	}
	if err := b.checkLibraries(root); err != nil {
		return nil, err
	}
	b.checkInterpreters(root)
	if err := b.namePrograms(); err != nil {
		return nil, err
	}
	m := &manifest.Manifest{Version: manifest.Version, Name: b.Name, Release: b.Release, Source: b.Source, Command: b.Command}
	b.describe(m)
	if m.Rootfs, err = b.write(manifest.RootFile, root.Marshal()); err != nil {
		return nil, err
	}
	if err := b.writeMegabinary(m); err != nil {
		return nil, err
	}
	if err := b.compile(ctx, m); err != nil {
		return nil, err
	}
	return m, m.Check()
}

// write writes a file of the bundle and gives its digest.
func (b *builder) write(name string, data []byte) (manifest.Blob, error) {
	err := os.WriteFile(filepath.Join(b.stage, name), data, 0o644)
	return manifest.Blob{SHA256: manifest.Sum(data), Size: uint64(len(data))}, err
}

// replace gives stage the name out. A bundle that was there is exchanged for it, so that
// at no time there is none.
func replace(stage, out string) error {
	if _, err := os.Lstat(out); os.IsNotExist(err) {
		return os.Rename(stage, out)
	}
	if err := unix.Renameat2(unix.AT_FDCWD, stage, unix.AT_FDCWD, out, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("replacing %s: %w", out, err)
	}
	return nil // what is called stage now is the old bundle, and is removed
}

// removeAll removes a stage; it may hold directories that were made read-only.
func removeAll(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the unfinished bundle: %w", err)
	}
	return nil
}
