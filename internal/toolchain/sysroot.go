package toolchain

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// sysrootFormat changes when the layout of a sysroot, or how it is built, changes.
const sysrootFormat = "1"

// Sysroot gives the directory of the C library, built on first use:
//
//	include/  musl's headers
//	kernel/   linux/, asm/, asm-generic/, mtd/: the kernel's headers
//	lib/      crt1.o, libc.a, libclang_rt.builtins.a and the empty libm.a, libpthread.a, ...
//	bin/      ar, nm, ranlib, strip and others under the names configure looks for
func (t *Toolchain) Sysroot(ctx context.Context) (string, error) {
	key, err := t.sysrootKey()
	if err != nil {
		return "", err
	}
	return t.cached("sysroot", key, func(dir string) error {
		start := time.Now()
		t.progress("vkcc: building the C library (once, about half a minute)")
		if err := t.buildSysroot(ctx, dir); err != nil {
			return err
		}
		t.progress("vkcc: built the C library in %.0f s", time.Since(start).Seconds())
		return nil
	})
}

// sysrootKey is the digest of what the sysroot is made of: upstream's source, our port, the
// compiler, its runtime and the kernel's headers.
func (t *Toolchain) sysrootKey() (string, error) {
	var d digest
	d.add("format", []byte(sysrootFormat+muslFlags+strings.Join(t.target(), " ")))
	d.add("musl", []byte(muslSource.SHA256))
	if err := d.addTree(t.Guest, "musl"); err != nil {
		return "", err
	}
	version, err := t.toolVersion(clang)
	if err != nil {
		return "", err
	}
	d.add("clang", []byte(version))
	kernel, err := t.memo("kernel headers", "/usr/include/linux/version.h", func() (string, error) {
		b, err := os.ReadFile("/usr/include/linux/version.h")
		return string(b), err
	})
	if err != nil {
		return "", fmt.Errorf("kernel headers: %w (apt-get install linux-libc-dev)", err)
	}
	d.add("kernel", []byte(kernel))
	return d.key(), nil
}

// toolVersion is the first line that a program prints for --version.
func (t *Toolchain) toolVersion(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", missing(name)
	}
	return t.memo("version", path, func() (string, error) {
		out, err := exec.Command(path, "--version").Output()
		if err != nil {
			return "", fmt.Errorf("%s --version: %w", name, err)
		}
		line, _, _ := bytes.Cut(out, []byte("\n"))
		return string(line), nil
	})
}

func (t *Toolchain) buildSysroot(ctx context.Context, dir string) error {
	work, err := os.MkdirTemp("", "vkcc-musl")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := t.buildMusl(ctx, work, dir); err != nil {
		return err
	}
	if err := copyKernelHeaders(filepath.Join(dir, "kernel")); err != nil {
		return fmt.Errorf("kernel headers: %w (apt-get install linux-libc-dev)", err)
	}
	builtins, err := compilerRuntime()
	if err != nil {
		return err
	}
	content, err := os.ReadFile(builtins)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "lib", "libclang_rt.builtins.a"), content, 0o644); err != nil {
		return err
	}
	return linkTools(filepath.Join(dir, "bin"))
}

// compilerRuntime finds clang's runtime functions (128-bit arithmetic and the like). Debian
// installs them for wasi; they import nothing.
func compilerRuntime() (string, error) {
	out, err := exec.Command(clang, "-print-resource-dir").Output()
	if err != nil {
		return "", missing(clang)
	}
	path := filepath.Join(strings.TrimSpace(string(out)), "lib/wasi/libclang_rt.builtins-wasm32.a")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w (apt-get install libclang-rt-19-dev-wasm32)", err)
	}
	return path, nil
}

// copyKernelHeaders copies the kernel's headers for x86-64, whose numbers the guest uses.
func copyKernelHeaders(dir string) error {
	for name, from := range map[string]string{
		"linux":       "/usr/include/linux",
		"asm-generic": "/usr/include/asm-generic",
		"mtd":         "/usr/include/mtd",
		"asm":         "/usr/include/x86_64-linux-gnu/asm",
	} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(from)); err != nil {
			return err
		}
	}
	return nil
}

// linkTools gives LLVM's tools the names that configure scripts try with --host.
func linkTools(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, tool := range []string{"ar", "nm", "ranlib", "strip", "objcopy", "objdump", "size", "strings"} {
		path, err := exec.LookPath(llvmTool(tool))
		if err != nil {
			return missing(llvmTool(tool))
		}
		if err := os.Symlink(path, filepath.Join(dir, Triple+"-"+tool)); err != nil {
			return err
		}
	}
	return nil
}
