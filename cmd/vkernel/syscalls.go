package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"vkernel/internal/syscalls"
	"vkernel/internal/wasi"
)

func syscallsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "syscalls",
		Short: "List the system calls of this kernel",
		Long: `Lists the table from which calls are dispatched: number on x86-64, name, type of the
import (parameters, colon, result; i is a 32-bit word, l a 64-bit one), how much of
Linux's behaviour it has, and what is missing. A call that is not listed answers ENOSYS.
With --wasi, the calls of WASI: name, type, the system call that it is charged to.`,
		Example: `  vkernel syscalls | grep partial
  vkernel syscalls --markdown > docs/syscalls.md`,
		Args: args(0, 0, "no arguments"),
	}
	markdown := cmd.Flags().Bool("markdown", false, "write a table in Markdown")
	ofWASI := cmd.Flags().Bool("wasi", false, "list the calls of wasi_snapshot_preview1")
	asJSON := jsonFlag(cmd)
	cmd.MarkFlagsMutuallyExclusive("json", "markdown", "wasi")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch out := cmd.OutOrStdout(); {
		case *ofWASI:
			for _, c := range wasi.Table {
				fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-24s  %-12s  %-14s  %s", c.Name, c.Sig, c.Linux, c.Note), " "))
			}
		case *asJSON:
			return syscallsJSON(out)
		case *markdown:
			syscallsMarkdown(out)
		default:
			for _, c := range syscalls.Table {
				line := fmt.Sprintf("%3d  %-24s  %-10s  %-8s  %s", c.Num, c.Name, firstWord(c.Sig), levelNames[c.Level], c.Note)
				fmt.Fprintln(out, strings.TrimRight(line, " "))
			}
		}
		return nil
	}
	return cmd
}

var levelNames = map[syscalls.Level]string{
	syscalls.Full: "full", syscalls.Partial: "partial", syscalls.Denied: "denied",
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(s, " ")
	return w
}

func syscallsJSON(w io.Writer) error {
	type call struct {
		Number int    `json:"number"`
		Name   string `json:"name"`
		Type   string `json:"type"`
		Level  string `json:"level"`
		Note   string `json:"note,omitempty"`
	}
	calls := []call{}
	for _, c := range syscalls.Table {
		calls = append(calls, call{c.Num, c.Name, firstWord(c.Sig), levelNames[c.Level], c.Note})
	}
	return writeJSON(w, calls)
}

func syscallsMarkdown(w io.Writer) {
	fmt.Fprint(w, "| number | name | type | level | note |\n| ---: | --- | --- | --- | --- |\n")
	for _, c := range syscalls.Table {
		fmt.Fprintf(w, "| %d | `%s` | `%s` | %s | %s |\n", c.Num, c.Name, firstWord(c.Sig), levelNames[c.Level], strings.ReplaceAll(c.Note, "|", "\\|"))
	}
}
