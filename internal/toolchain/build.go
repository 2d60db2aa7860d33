package toolchain

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Kind is what a recipe is built for.
type Kind string

// Kinds: programs for vkernel, and the same programs for Linux, static over musl, compiled by
// gcc or by clang, which are what the former are compared with.
const (
	Wasm   Kind = "wasm"
	Native Kind = "native"
	Clang  Kind = "clang"
)

// Build gives a directory with what the recipe installs, laid out as a root directory. Self
// is the program that acts as the compiler when it is called vkcc.
func (t *Toolchain) Build(ctx context.Context, r *Recipe, kind Kind, self string) (string, error) {
	sysroot, err := t.Sysroot(ctx) // native builds take the kernel's headers from it
	if err != nil {
		return "", err
	}
	needs, err := t.needs(r)
	if err != nil {
		return "", err
	}
	roots := make([]string, len(needs))
	for i, n := range needs {
		if roots[i], err = t.Build(ctx, n, kind, self); err != nil {
			return "", err
		}
	}
	key, err := t.buildKey(r, kind, sysroot, roots)
	if err != nil {
		return "", err
	}
	return t.cached("build", key, func(dir string) error {
		start := time.Now()
		t.progress("building %s (%s)", r.Name, kind)
		b := &build{t: t, recipe: r, kind: kind, sysroot: sysroot, self: self, needs: roots, root: dir}
		if err := b.run(ctx); err != nil {
			return fmt.Errorf("recipe %s (%s): %w", r.Name, kind, err)
		}
		t.progress("built %s (%s) in %.0f s", r.Name, kind, time.Since(start).Seconds())
		return nil
	})
}

// buildKey is the digest of what a build depends on. The needed builds are named by theirs.
func (t *Toolchain) buildKey(r *Recipe, kind Kind, sysroot string, needs []string) (string, error) {
	var d digest
	d.add("kind", []byte(kind))
	d.add("sysroot", []byte(filepath.Base(sysroot)))
	for i, dir := range needs {
		d.add(fmt.Sprintf("needs %d", i), []byte(filepath.Base(dir)))
	}
	if err := d.addTree(t.Guest, r.folder); err != nil {
		return "", err
	}
	if kind != Wasm {
		for _, tool := range []string{"gcc", "musl-gcc", clang} {
			version, err := t.toolVersion(tool)
			if err != nil {
				return "", err
			}
			d.add(tool, []byte(version))
		}
	}
	return d.key(), nil
}

// build is one run of a recipe.
type build struct {
	t             *Toolchain
	recipe        *Recipe
	kind          Kind
	sysroot, self string
	needs         []string // roots of what is needed
	root          string   // filled
}

func (b *build) run(ctx context.Context) error {
	temp, err := os.MkdirTemp("", "vkport-"+b.recipe.Name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	src, folder := filepath.Join(temp, "src"), filepath.Join(temp, "recipe")
	if err := os.Mkdir(src, 0o755); err != nil {
		return err
	}
	if err := copyFS(b.t.Guest, b.recipe.folder, folder); err != nil {
		return err
	}
	if b.recipe.Source != nil {
		tarball, err := b.t.fetch(ctx, *b.recipe.Source)
		if err != nil {
			return err
		}
		if err := unpack(ctx, tarball, src); err != nil {
			return err
		}
	}
	if err := applyPatches(ctx, b.t.Guest, b.recipe.folder, src); err != nil {
		return err
	}
	compiler, err := b.compiler(temp)
	if err != nil {
		return err
	}
	deps := filepath.Join(temp, "deps")
	for _, root := range b.needs {
		if err := InstallRoot(root, deps); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "sh", "-euc", b.recipe.Build)
	cmd.Dir = src
	cmd.Env = append(b.environment(folder, compiler), "DEPS="+deps)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, tail(out.Bytes()))
	}
	return b.install(src)
}

// compiler makes the command that the recipe knows as CC and, beside it, the one for C++. There is
// no native C++ library over musl: C++ programs are linked against the host's.
func (b *build) compiler(temp string) (string, error) {
	bin := filepath.Join(temp, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return "", err
	}
	if b.kind == Wasm {
		path := filepath.Join(bin, "vkcc")
		if err := os.Symlink(b.self, path+cxxSuffix); err != nil {
			return "", err
		}
		return path, os.Symlink(b.self, path)
	}
	path := filepath.Join(bin, "cc")
	script := muslGCC
	if b.kind == Clang {
		script = muslClang
	}
	script = "#!/bin/sh\nkernel=" + filepath.Join(b.sysroot, "kernel") + "\n" + script
	return path, os.WriteFile(path, []byte(script), 0o755)
}

// The native compilers, as shell scripts over $kernel, the directory of the kernel's headers.
// Both may use the instructions that compiled guests use. Debian's musl comes with a driver for
// gcc alone, so clang is told where everything is.
const (
	muslGCC = `exec musl-gcc -static -march=x86-64-v2 -idirafter $kernel "$@"
`
	muslClang = `musl=/usr/lib/x86_64-linux-musl
compile="clang-19 -march=x86-64-v2 -nostdinc -isystem /usr/include/x86_64-linux-musl -isystem $(clang-19 -print-resource-dir)/include -idirafter $kernel -Qunused-arguments"
for a; do
	case $a in -c | -E | -S | -M | -MM | -dump* | -print* | --version) exec $compile "$@" ;; esac
done
exec $compile -static -nostdlib $musl/crt1.o $musl/crti.o "$@" -L$musl -Wl,--start-group -lc "$(gcc -print-libgcc-file-name)" -Wl,--end-group $musl/crtn.o
`
)

func (b *build) environment(folder, compiler string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "LC_ALL=C", "TZ=UTC",
		"SOURCE_DATE_EPOCH=0", "VK_CACHE=" + b.t.Cache,
		"CC=" + compiler, "KIND=" + string(b.kind), "RECIPE=" + folder,
		fmt.Sprintf("JOBS=%d", b.t.Jobs),
	}
	if b.t.Scalar {
		env = append(env, scalarEnv+"=1")
	}
	if b.kind != Wasm {
		return append(env, "CXX="+nativeCXX[b.kind]+" -static -march=x86-64-v2", "HOST=x86_64-linux-musl", "AR=ar", "NM=nm", "RANLIB=ranlib", "STRIP=strip")
	}
	return append(env, "CXX="+compiler+cxxSuffix, "HOST="+Triple, "AR="+llvmTool("ar"), "NM="+llvmTool("nm"),
		"RANLIB="+llvmTool("ranlib"), "STRIP="+llvmTool("strip"))
}

// cxxSuffix makes the name of the C compiler that of the C++ compiler.
const cxxSuffix = "++"

var nativeCXX = map[Kind]string{Native: "g++", Clang: "clang++-19"}

// install copies what the recipe names into the root.
func (b *build) install(src string) error {
	for _, f := range b.recipe.Install {
		if err := copyFile(filepath.Join(src, f.From), filepath.Join(b.root, f.To), fs.FileMode(f.Mode)); err != nil {
			return err
		}
	}
	for _, tree := range b.recipe.Trees {
		if err := InstallRoot(filepath.Join(src, tree.From), filepath.Join(b.root, tree.To)); err != nil {
			return err
		}
	}
	for _, l := range b.recipe.Links {
		paths := []string{l.Path}
		if l.From != "" {
			text, err := os.ReadFile(filepath.Join(src, l.From))
			if err != nil {
				return err
			}
			paths = strings.Fields(string(text))
		}
		for _, p := range paths {
			if err := symlink(relative(p, l.Target), filepath.Join(b.root, p)); err != nil {
				return err
			}
		}
	}
	return nil
}

// relative turns an absolute target into one that also holds outside of the root.
func relative(path, target string) string {
	if !filepath.IsAbs(target) {
		return target
	}
	rel, err := filepath.Rel(filepath.Dir(path), target)
	if err != nil {
		return target
	}
	return rel
}

// symlink makes a link, unless the path is the target itself.
func symlink(target, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	return os.Symlink(target, path)
}

func copyFile(from, to string, mode fs.FileMode) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	return writeFile(to, content, mode)
}

// InstallRoot copies a built tree into a root directory, replacing what is there.
func InstallRoot(from, root string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		to := filepath.Join(root, rel)
		info, err := e.Info()
		if err != nil {
			return err
		}
		switch {
		case e.IsDir():
			return os.MkdirAll(to, 0o755)
		case e.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			if err := os.Remove(to); err != nil && !os.IsNotExist(err) {
				return err
			}
			return os.Symlink(target, to)
		}
		return copyFile(path, to, info.Mode().Perm())
	})
}
