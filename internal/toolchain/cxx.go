package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// llvmSource is the source of the C++ library. Debian's own build of it for wasm32 cannot serve:
// it is made for wasi, without threads, exceptions and file systems.
var llvmSource = Source{
	Package: "llvm-toolchain-19",
	Version: "1:19.1.7-3~deb12u1",
	Tarball: "llvm-toolchain-19_19.1.7.orig.tar.xz",
	SHA256:  "ae498f3bc58ae2d9f64ef5f0c035c4240152bf015a5b7738b15c22e93bdc97ce",
}

// llvmKept are the folders of that source that are kept: 14 MB of 1.5 GB.
var llvmKept = []string{
	"libcxx/src", "libcxx/include", "libcxx/vendor/llvm", "libcxxabi/src", "libcxxabi/include", "libunwind/src", "libunwind/include",
}

// cxxFormat changes when how the C++ library is built changes.
const cxxFormat = "1"

// cxxLanguageFlags are for all C++: exceptions are on, as everywhere; glibc's C++ compilers
// define _GNU_SOURCE, and programs rely on it.
var cxxLanguageFlags = []string{"-D_GNU_SOURCE=1", "-fwasm-exceptions"}

// cxxFlags are for compiling the library.
var cxxFlags = []string{
	"-std=c++23", "-O2", "-fno-strict-aliasing", "-ffunction-sections", "-fdata-sections", "-w", "-nostdinc++",
	"-D_LIBCPP_BUILDING_LIBRARY", "-D_LIBCXXABI_BUILDING_LIBRARY", "-DLIBCXX_BUILDING_LIBCXXABI",
	"-D_LIBCPP_REMOVE_TRANSITIVE_INCLUDES", "-D_LIBCPP_ENABLE_CXX17_REMOVED_UNEXPECTED_FUNCTIONS",
	"-D_LIBUNWIND_HIDE_SYMBOLS", "-DNDEBUG",
}

// cxxLibraries are the archives and the sources of each: patterns below llvmKept.
var cxxLibraries = []struct{ name, sources string }{
	{"libc++.a", "libcxx/src/*.cpp libcxx/src/filesystem/*.cpp libcxx/src/ryu/*.cpp"},
	{"libc++abi.a", "libcxxabi/src/*.cpp"},
	{"libunwind.a", "libunwind/src/Unwind-wasm.c"},
}

// cxxLeftOut are sources for other systems, or that another file replaces.
var cxxLeftOut = set("libcxx/src/new.cpp", "libcxxabi/src/cxa_noexception.cpp", "libcxx/src/filesystem/int128_builtins.cpp")

// CXX gives the directory of the C++ library, built on first use over the C library in sysroot:
//
//	include/c++/v1/  headers
//	lib/             libc++.a, libc++abi.a, libunwind.a, crtcxx.o
func (t *Toolchain) CXX(ctx context.Context, sysroot string) (string, error) {
	var d digest
	d.add("format", []byte(cxxFormat+strings.Join(cxxFlags, " ")+strings.Join(cxxLanguageFlags, " ")))
	d.add("llvm", []byte(llvmSource.SHA256))
	d.add("sysroot", []byte(filepath.Base(sysroot)))
	if err := d.addTree(t.Guest, "cxx"); err != nil {
		return "", err
	}
	return t.cached("cxx", d.key(), func(dir string) error {
		start := time.Now()
		t.progress("vkcc: building the C++ library (once, about a minute)")
		src, err := t.llvmTree(ctx)
		if err != nil {
			return err
		}
		if err := t.buildCXX(ctx, src, sysroot, dir); err != nil {
			return fmt.Errorf("build the C++ library: %w", err)
		}
		t.progress("vkcc: built the C++ library in %.0f s", time.Since(start).Seconds())
		return nil
	})
}

// llvmTree gives the unpacked folders of LLVM's source. The tarball itself, 157 MiB, is not
// kept unless somebody put it into the cache.
func (t *Toolchain) llvmTree(ctx context.Context) (string, error) {
	return t.cached("llvm", llvmSource.SHA256, func(dir string) error {
		tarball := filepath.Join(t.Cache, "source", llvmSource.SHA256, llvmSource.Tarball)
		if fileExists(tarball) {
			if err := checkSHA256(tarball, llvmSource.SHA256); err != nil {
				return err
			}
		} else {
			t.progress("fetching %s %s (157 MiB)", llvmSource.Package, llvmSource.Version)
			temp, err := os.MkdirTemp("", "vkcc-llvm")
			if err != nil {
				return err
			}
			defer os.RemoveAll(temp)
			if err := t.download(ctx, llvmSource, temp); err != nil {
				return fmt.Errorf("source of the C++ library: %w", err)
			}
			tarball = filepath.Join(temp, llvmSource.Tarball)
		}
		args := []string{"-xf", tarball, "--strip-components=1", "--no-same-owner", "--wildcards"}
		for _, folder := range llvmKept {
			args = append(args, "llvm-toolchain-*/"+folder)
		}
		_, err := run(ctx, dir, "tar", args...)
		return err
	})
}

// buildCXX makes the headers and archives in dir.
func (t *Toolchain) buildCXX(ctx context.Context, src, sysroot, dir string) error {
	include, lib := filepath.Join(dir, "include/c++/v1"), filepath.Join(dir, "lib")
	if err := os.CopyFS(include, os.DirFS(filepath.Join(src, "libcxx/include"))); err != nil {
		return err
	}
	for from, to := range map[string]string{
		"libcxxabi/include/cxxabi.h":                      "cxxabi.h",
		"libcxxabi/include/__cxxabi_config.h":             "__cxxabi_config.h",
		"libcxx/vendor/llvm/default_assertion_handler.in": "__assertion_handler",
	} {
		if err := copyFile(filepath.Join(src, from), filepath.Join(include, to), 0o644); err != nil {
			return err
		}
	}
	site, err := fs.ReadFile(t.Guest, "cxx/__config_site")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(include, "__config_site"), site, 0o644); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "vkcc-cxx")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := copyFS(t.Guest, "cxx", work); err != nil {
		return err
	}
	if err := os.Mkdir(lib, 0o755); err != nil {
		return err
	}
	b := &cxxBuild{t: t, ctx: ctx, work: work, flags: t.cxxCompileFlags(src, sysroot, dir)}
	b.compile(filepath.Join(work, "crtcxx.cpp"), filepath.Join(lib, "crtcxx.o"))
	return b.archives(src, lib)
}

// cxxCompileFlags are those of each file of the library.
func (t *Toolchain) cxxCompileFlags(src, sysroot, dir string) []string {
	flags := append(append(t.target(), cxxLanguageFlags...), cxxFlags...)
	for _, folder := range []string{"libcxx/src", "libunwind/include"} {
		flags = append(flags, "-I"+filepath.Join(src, folder))
	}
	flags = append(flags, "-nostdlibinc", "-ffile-prefix-map="+src+"=llvm")
	return append(flags, "-isystem", filepath.Join(dir, "include/c++/v1"),
		"-isystem", filepath.Join(sysroot, "include"), "-isystem", filepath.Join(sysroot, "kernel"))
}

// cxxBuild compiles files in parallel.
type cxxBuild struct {
	t     *Toolchain
	ctx   context.Context
	work  string
	flags []string

	wg   sync.WaitGroup
	slot chan struct{}
	mu   sync.Mutex
	errs []error // guarded by mu
}

// archives compiles all sources and makes the libraries.
func (b *cxxBuild) archives(src, lib string) error {
	objects := make([][]string, len(cxxLibraries))
	for i, l := range cxxLibraries {
		for _, pattern := range strings.Fields(l.sources) {
			files, err := filepath.Glob(filepath.Join(src, pattern))
			if err != nil || len(files) == 0 {
				return fmt.Errorf("no sources %s: %w", pattern, err)
			}
			for _, file := range files {
				name, _ := filepath.Rel(src, file)
				if cxxLeftOut[filepath.ToSlash(name)] {
					continue
				}
				object := filepath.Join(b.work, strings.ReplaceAll(filepath.ToSlash(name), "/", "_")+".o")
				objects[i] = append(objects[i], object)
				b.compile(file, object)
			}
		}
	}
	b.wg.Wait()
	if err := errors.Join(b.errs...); err != nil {
		return err
	}
	for i, l := range cxxLibraries {
		args := append([]string{"rcsD", filepath.Join(lib, l.name)}, objects[i]...)
		if _, err := run(b.ctx, b.work, llvmTool("ar"), args...); err != nil {
			return err
		}
	}
	return nil
}

// compile starts the compilation of one file; a .c file is C and takes no flags of C++.
func (b *cxxBuild) compile(file, object string) {
	if b.slot == nil {
		b.slot = make(chan struct{}, b.t.Jobs)
	}
	args := append([]string{}, b.flags...)
	if path.Ext(file) == ".c" {
		args = append(args, "-std=c11")
	}
	b.wg.Add(1)
	go func() {
		defer b.wg.Done()
		b.slot <- struct{}{}
		defer func() { <-b.slot }()
		if _, err := run(b.ctx, b.work, clang, append(args, "-c", "-o", object, file)...); err != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.errs = append(b.errs, err)
		}
	}()
}
