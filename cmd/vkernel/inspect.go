package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"vkernel/internal/bundle"
	"vkernel/internal/bundle/build"
	"vkernel/internal/engine/layout"
	"vkernel/internal/imports"
	"vkernel/internal/manifest"
	"vkernel/internal/wasi"
	"vkernel/internal/wasm"
)

func inspectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect PROGRAM.wasm | BUNDLE",
		Short: "Show what a program can call, or what a bundle holds",
		Long: `Of a WebAssembly program: its imports, which are all that it can ever ask of the kernel,
and its memory and exports. Of a bundle: its entry points with the system calls of each,
its executables, sizes and digests. Nothing is run, and no signature is checked: that is
for 'vkernel verify'.`,
		Example: `  vkernel inspect busybox.wasm
  vkernel inspect --json app.vk | jq -r '.entries[] | .id, .syscalls[]'`,
		Args: args(1, 1, "one program or bundle"),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		st, err := os.Stat(args[0])
		if err != nil {
			return err
		}
		if st.IsDir() {
			return inspectBundle(cmd.OutOrStdout(), args[0], *asJSON)
		}
		return inspectProgram(cmd.OutOrStdout(), args[0], *asJSON)
	}
	return cmd
}

func inspectBundle(w io.Writer, dir string, asJSON bool) error {
	data, err := bundle.ReadManifest(dir)
	if err != nil {
		return err
	}
	m, err := manifest.Parse(data)
	if err != nil {
		return err
	}
	if asJSON {
		_, err := w.Write(m.Marshal())
		return err
	}
	fmt.Fprintf(w, "%s: manifest SHA-256 %s\n", m.Name, manifest.Sum(data))
	fmt.Fprintf(w, "release      %d\n", m.Release)
	by := ""
	if m.Build.By != "" {
		by = ", by " + quote(m.Build.By)
	}
	fmt.Fprintf(w, "built by     vkernel %s, %s, clang %s%s\n", quote(m.Build.Vkernel), quote(m.Build.Go), quote(m.Build.Clang), by)
	fmt.Fprintf(w, "command      %s\n", strings.Join(quoted(m.Command), " "))
	fmt.Fprintf(w, "megabinary   %s  %s, %s\n", m.Megabinary.SHA256.Short(), count(len(m.Megabinary.Modules), "module"), bytesText(m.Megabinary.Size))
	for _, n := range m.Native {
		fmt.Fprintf(w, "native code  %s  %s %s, %s\n", n.SHA256.Short(), n.Arch, strings.Join(n.Features, " "), bytesText(n.Size))
	}
	fmt.Fprintf(w, "file list    %s  %s\n", m.Rootfs.SHA256.Short(), bytesText(m.Rootfs.Size))
	inspectOutside(w, m)
	for i := range m.Entries {
		inspectEntry(w, &m.Entries[i])
	}
	fmt.Fprintln(w, "\nexecutables")
	for _, x := range m.Executables {
		what := x.Entry
		if x.Script() {
			what = "#!" + quote(x.Interpreter)
		}
		fmt.Fprintf(w, "  %s  %-16s  %s\n", x.SHA256.Short(), what, strings.Join(quoted(x.Paths), " "))
	}
	return nil
}

// programInfo is what inspect tells of a module.
type programInfo struct {
	SHA256   manifest.Digest `json:"sha256"`
	Size     int             `json:"size"`
	Syscalls []string        `json:"syscalls"`
	Imports  []importInfo    `json:"imports"`
	Exports  []string        `json:"exports"`
	Memory   *memoryInfo     `json:"memory,omitempty"`
	Funcs    int             `json:"functions"`
}

// importInfo is one imported function.
type importInfo struct {
	Module  string `json:"module"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Known   bool   `json:"known"`             // this kernel has it
	Syscall string `json:"syscall,omitempty"` // that it is charged to
	Error   string `json:"error,omitempty"`   // why a program with it cannot be built
}

// memoryInfo is in pages of 64 KiB.
type memoryInfo struct {
	Min    uint32 `json:"min"`
	Max    uint32 `json:"max,omitempty"`
	Shared bool   `json:"shared,omitempty"`
}

func inspectProgram(w io.Writer, file string, asJSON bool) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(data, []byte("\x00asm")) {
		return fmt.Errorf("%s is neither a bundle nor a WebAssembly program: it does not start with \\0asm", file)
	}
	m, err := wasm.DecodeValidated(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	info := describeProgram(m, data)
	if asJSON {
		return writeJSON(w, info)
	}
	fmt.Fprintf(w, "%s: SHA-256 %s, %s, %s\n", file, info.SHA256, bytesText(uint64(info.Size)), count(info.Funcs, "function"))
	if mem := info.Memory; mem != nil {
		fmt.Fprintf(w, "memory       %s of 64 KiB to start with\n", count(int(mem.Min), "page"))
	}
	fmt.Fprintf(w, "exports      %s\n", strings.Join(quoted(info.Exports), " "))
	fmt.Fprintf(w, "\n%s\n", count(len(info.Syscalls), "system call"))
	fmt.Fprintln(w, wrap(quoted(info.Syscalls), 2, 90))
	printOtherImports(w, info.Imports)
	return nil
}

func printOtherImports(w io.Writer, imports []importInfo) {
	var foreign []importInfo
	other, wrong := []string{}, 0
	for _, im := range imports {
		switch {
		case im.Module == wasi.Module:
			foreign = append(foreign, im)
		case im.Syscall == "":
			other = append(other, im.Module+"."+im.Name)
		}
		if im.Error != "" || !im.Known {
			wrong++
		}
	}
	if len(foreign) > 0 {
		fmt.Fprintf(w, "\n%s of %s, each charged to a system call\n", count(len(foreign), "import"), wasi.Module)
		for _, im := range foreign {
			fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-24s %s", quote(im.Name), im.Syscall), " "))
		}
	}
	fmt.Fprintf(w, "\n%s\n", count(len(other), "other import"))
	fmt.Fprintln(w, wrap(quoted(other), 2, 90))
	if wrong == 0 {
		return
	}
	fmt.Fprintln(w, "\nnot in this kernel")
	for _, im := range imports {
		switch {
		case im.Error != "":
			fmt.Fprintf(w, "  %s: cannot be built\n", im.Error)
		case !im.Known:
			fmt.Fprintf(w, "  %s.%s: answers ENOSYS\n", im.Module, im.Name)
		}
	}
}

func describeProgram(m *wasm.Module, data []byte) programInfo {
	info := programInfo{
		SHA256: manifest.Sum(data), Size: len(data), Funcs: len(m.Funcs),
		Syscalls: []string{}, Imports: []importInfo{}, Exports: []string{},
	}
	for _, im := range m.ImportsOf(wasm.KindFunc) {
		li := layout.Import{Module: im.Module, Name: im.Name, Type: build.Signature(m.Types[im.Type])}
		known, err := imports.Check(li)
		call := imports.Syscall(im.Module, im.Name)
		i := importInfo{Module: li.Module, Name: li.Name, Type: li.Type, Known: known, Syscall: call}
		if err != nil {
			i.Error = err.Error()
		}
		info.Imports = append(info.Imports, i)
		if call != "" {
			info.Syscalls = append(info.Syscalls, call)
		}
	}
	slices.Sort(info.Syscalls)
	info.Syscalls = slices.Compact(info.Syscalls)
	for _, x := range m.Exports {
		info.Exports = append(info.Exports, x.Name)
	}
	if len(m.Mems) > 0 {
		l := m.Mems[0]
		info.Memory = &memoryInfo{Min: l.Min, Shared: l.Shared}
		if l.HasMax {
			info.Memory.Max = l.Max
		}
	}
	return info
}

// quote is a word of a module, or of a manifest that nobody has verified, for people: it is
// quoted if it would not just be printed.
func quote(word string) string {
	if strings.ContainsFunc(word, func(r rune) bool { return r == utf8.RuneError || r == ' ' || !strconv.IsPrint(r) }) {
		return strconv.Quote(word)
	}
	return word
}

func quoted(words []string) []string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = quote(word)
	}
	return list
}

// wrap sets words in lines of at most width characters.
func wrap(words []string, indent, width int) string {
	var b strings.Builder
	column := width
	for _, word := range words {
		if column+1+len(word) > width {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(strings.Repeat(" ", indent))
			column = indent
		} else {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
