package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// muslSource is the C library's source.
var muslSource = Source{
	Package: "musl",
	Version: "1.2.3-1",
	Tarball: "musl_1.2.3.orig.tar.gz",
	SHA256:  "7d5b0b6062521e4627e099e4c9dc8248d32a30285e959b7eecaa780cf8cfd4a4",
}

// targetFlags select the machine and say that it is a Linux. The triple with "linux" in it
// is one that clang does not know for wasm32.
var targetFlags = []string{
	"--target=wasm32-unknown-unknown",
	"-mbulk-memory", "-mnontrapping-fptoint", "-msign-ext", "-mmutable-globals",
	"-D__linux__=1", "-D__linux=1", "-D__gnu_linux__=1", "-D__unix__=1", "-D__unix=1", "-D__wali__=1",
}

// target gives targetFlags with atomics and vectors, if they are wanted. Nobody can make vectors later:
// addresses wrap at 32 bits, so a loop over memory cannot be vectorised once it is wasm.
func (t *Toolchain) target() []string {
	if t.Scalar {
		return slices.Clone(targetFlags)
	}
	return append(slices.Clone(targetFlags), "-matomics", "-msimd128")
}

// muslFlags are what libc is compiled with whatever the program's own flags are: folding
// __wali_call to one import needs the optimiser.
const muslFlags = "-O2 -fno-strict-aliasing -ffunction-sections -fdata-sections -w"

// buildMusl compiles the library in work and installs it into prefix.
func (t *Toolchain) buildMusl(ctx context.Context, work, prefix string) error {
	tarball, err := t.fetch(ctx, muslSource)
	if err != nil {
		return err
	}
	if err := unpack(ctx, tarball, work); err != nil {
		return err
	}
	if err := t.portMusl(ctx, work); err != nil {
		return fmt.Errorf("musl port: %w", err)
	}
	_, err = run(ctx, work, "make", fmt.Sprintf("-j%d", t.Jobs),
		"CC="+clang+" "+strings.Join(t.target(), " "), "CFLAGS="+muslFlags,
		"AR="+llvmTool("ar"), "RANLIB="+llvmTool("ranlib"), "prefix="+prefix, "install")
	return err
}

// portMusl makes the unpacked upstream source into that of wasm32: files taken from other
// architectures, our own files, the generated header of imports, patches.
func (t *Toolchain) portMusl(ctx context.Context, work string) error {
	if err := t.copyListed(work); err != nil {
		return err
	}
	for _, dir := range []string{"arch", "crt", "include", "src"} {
		if err := copyFS(t.Guest, path.Join("musl", dir), filepath.Join(work, dir)); err != nil {
			return err
		}
	}
	makefile, err := fs.ReadFile(t.Guest, "musl/config.mak")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "config.mak"), makefile, 0o644); err != nil {
		return err
	}
	list, err := fs.ReadFile(t.Guest, "musl/wali.list")
	if err != nil {
		return err
	}
	calls, err := ParseWaliList(list)
	if err != nil {
		return fmt.Errorf("wali.list: %w", err)
	}
	header := filepath.Join(work, "arch/wasm32/bits/wali.h")
	if err := os.WriteFile(header, waliHeader(calls), 0o644); err != nil {
		return err
	}
	return applyPatches(ctx, t.Guest, "musl/patches", work)
}

// copyListed copies within the source what the file "files" lists: "from to" lines.
func (t *Toolchain) copyListed(work string) error {
	list, err := fs.ReadFile(t.Guest, "musl/files")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(list), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		if len(f) != 2 {
			return fmt.Errorf("files: %q: want two paths", line)
		}
		content, err := os.ReadFile(filepath.Join(work, f[0]))
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(work, f[1]), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// applyPatches applies all *.patch files of a folder of fsys, in the order of their names.
func applyPatches(ctx context.Context, fsys fs.FS, dir, work string) error {
	names, err := fs.Glob(fsys, path.Join(dir, "*.patch"))
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, "patch", "-p1", "--forward", "--batch", "--fuzz=0", "--no-backup-if-mismatch")
		cmd.Dir = work
		cmd.Stdin = bytes.NewReader(text)
		if out, err := cmd.CombinedOutput(); errors.Is(err, exec.ErrNotFound) {
			return missing("patch")
		} else if err != nil {
			return fmt.Errorf("%s does not apply: %w\n%s", name, err, tail(out))
		}
	}
	return nil
}

// copyFS copies the files below a folder of fsys into dir.
func copyFS(fsys fs.FS, from, dir string) error {
	return fs.WalkDir(fsys, from, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(dir, strings.TrimPrefix(name, from+"/")), content, 0o644)
	})
}

func llvmTool(name string) string { return fmt.Sprintf(llvmBin, name) }
