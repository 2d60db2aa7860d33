package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"vkernel/internal/bundle/build"
	"vkernel/internal/engine/layout"
	"vkernel/internal/imports"
	"vkernel/internal/manifest"
)

func buildCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "build -o BUNDLE ROOTDIR",
		Short: "Make a bundle of a root directory with WebAssembly programs",
		Long: `Makes a bundle: a copy of ROOTDIR, the megabinary of its programs, their native code, and
manifest.json, which is then to be signed.

Executable files (with an x bit) that are WebAssembly modules with an export _start become
programs; those that start with #! become scripts. Only they can be executed in the
container, recognised by their SHA-256 wherever they lie. Links to one program are as good
as the program. All that is wrong with a program is found here: an import from an unknown
module or of a wrong type is an error, a system call that this kernel does not have is a
warning, because it will answer ENOSYS.

The same directory and tools give the same bundle, byte for byte. BUNDLE appears whole or
not at all; an older bundle of that name is replaced. Needs clang-19 and lld-19.`,
		Example: `  vkernel build -o app.vk rootdir
  vkernel build -o app.vk --cmd /bin/server --cmd --port=80 rootdir`,
		Args: args(1, 1, "one root directory"),
	}
	var o build.Options
	f := cmd.Flags()
	f.StringVarP(&o.Out, "output", "o", "", "`BUNDLE` to make (required)")
	f.StringArrayVar(&o.Command, "cmd", nil, "what 'vkernel run' starts: repeat for its arguments (default /bin/sh)")
	f.StringVar(&o.Name, "name", "", "name of the container (default: after BUNDLE)")
	f.Uint64Var(&o.Release, "release", 0, "`N` that counts up with what is shipped under the name; a trust policy can refuse what is lower")
	f.StringVar(&o.By, "by", "", "`WHO` builds, for the manifest")
	libraries := f.StringArray("library", nil, "`INTERPRETER=DIR`: list all files below DIR as scripts of INTERPRETER, with x bits, for its secure bits (repeat for more)")
	source := f.String("source", "", "JSON `FILE` that lists what the programs were made of, for the manifest ('vkport -sources' writes one)")
	f.StringVar(&o.CacheDir, "cache", defaultCache(), "`DIR` that keeps compiled objects; empty for none")
	f.IntVarP(&o.Jobs, "jobs", "j", 0, "compilers to run at a time (default: one per CPU)")
	quiet := f.BoolP("quiet", "q", false, "print errors only")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.Out == "" {
			return &statusError{exitUsage, fmt.Errorf("where to? Name the bundle: vkernel build -o BUNDLE %s", args[0])}
		}
		for _, s := range *libraries {
			l, err := build.ParseLibrary(s)
			if err != nil {
				return &statusError{exitUsage, fmt.Errorf("--library %w", err)}
			}
			o.Libraries = append(o.Libraries, l)
		}
		if *source != "" {
			data, err := os.ReadFile(*source)
			if err == nil {
				o.Source, err = manifest.ParseSources(data)
			}
			if err != nil {
				return fmt.Errorf("--source %s: %w", *source, err)
			}
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		o.Root, o.Version, o.CheckImport = args[0], version, imports.Check
		o.Syscall = func(im layout.Import) string { return imports.Syscall(im.Module, im.Name) }
		p := newProgress(cmd.ErrOrStderr(), *quiet)
		o.Progress, o.Notice = p.program, p.notice
		r, err := build.Build(ctx, o)
		p.end()
		if err != nil {
			return err
		}
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), r)
		}
		if !*quiet {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %s, %d files and directories; sign it with 'vkernel sign %s'\n",
				args0(o.Out), count(r.Programs, "program"), count(r.Scripts, "script"), r.Files, args0(o.Out))
		}
		return nil
	}
	return cmd
}

// args0 is a path as the user would type it.
func args0(path string) string {
	if strings.ContainsAny(path, " '\"$") {
		return fmt.Sprintf("%q", path)
	}
	return path
}

func defaultCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "vkernel", "aot")
}

// progress reports a build: on a terminal in one line that is written over, else a line
// per program.
type progress struct {
	w        io.Writer
	quiet    bool
	terminal bool
	open     bool // a line is on the screen without its end
	start    time.Time
}

func newProgress(w io.Writer, quiet bool) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, quiet: quiet, terminal: ok && term.IsTerminal(int(f.Fd())), start: time.Now()}
}

func (p *progress) program(done, total int, name string, took time.Duration) {
	if p.quiet {
		return
	}
	line := fmt.Sprintf("[%d/%d] %s: %.1f s, %.1f s in all", done, total, name, took.Seconds(), time.Since(p.start).Seconds())
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.open = true
		return
	}
	fmt.Fprintln(p.w, line)
}

func (p *progress) notice(text string) {
	if p.quiet {
		return
	}
	p.end()
	fmt.Fprintln(p.w, "warning:", text)
}

func (p *progress) end() {
	if p.open {
		fmt.Fprintln(p.w)
		p.open = false
	}
}
