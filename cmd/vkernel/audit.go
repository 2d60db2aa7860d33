package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"vkernel/internal/audit"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit FILE",
		Short: "Summarise what was executed, and what was refused",
		Long: `Reads a file that 'vkernel run --audit FILE' has written, and shows for each content how often
it was executed, or refused, and why; what was refused comes first.

The file has one line of JSON for each decision: time, action (exec, or check for
AT_EXECVE_CHECK), pid, the entry that asked, path, SHA-256, and the entry that is started
(for a script: its interpreter) or the reason of the refusal. A container that makes more
decisions than fit (256 KiB a second, 4 MiB at once, 1 GiB in all) leaves lines that say
how many are missing.`,
		Example: `  vkernel run --audit decisions app.vk; vkernel audit decisions
  vkernel audit --json decisions | jq '.rows[] | select(.reason)'`,
		Args: args(1, 1, "an audit file, or - for standard input"),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in, name := cmd.InOrStdin(), args[0]
		if name != "-" {
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			in = f
		}
		s, err := audit.Summarize(in)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), s)
		}
		return auditText(cmd.OutOrStdout(), s)
	}
	return cmd
}

// auditText writes a summary for people. Paths are the guest's, and quoted where they would speak to the
// terminal.
func auditText(w io.Writer, s *audit.Summary) error {
	fmt.Fprintf(w, "%d allowed, %d refused", s.Allowed, s.Refused)
	if s.Dropped > 0 {
		fmt.Fprintf(w, ", %d not recorded: too many at once", s.Dropped)
	}
	fmt.Fprintln(w)
	if len(s.Rows) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nCOUNT\tACTION\tSHA-256\tOUTCOME\tPATH")
	for _, r := range s.Rows {
		sum := "-"
		if r.SHA256 != "" {
			sum = printable(r.SHA256[:min(12, len(r.SHA256))])
		}
		paths := make([]string, len(r.Paths))
		for i, p := range r.Paths {
			paths[i] = quote(p)
		}
		list := strings.Join(paths, " ")
		if r.MorePaths {
			list += " ..."
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", r.Count, r.Action, sum, auditOutcome(&r), list)
	}
	return t.Flush()
}

// openAudit opens the file of --audit, if there is one: a sink, and what ends it.
func (o *runOptions) openAudit() (audit.Sink, func() error, error) {
	if o.auditFile == "" {
		return nil, func() error { return nil }, nil
	}
	f, err := os.OpenFile(o.auditFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("--audit: %w", err)
	}
	log := audit.NewLog(f)
	return log, func() error {
		err := errors.Join(log.Close(), f.Close())
		if err != nil {
			err = fmt.Errorf("--audit: %w", err)
		}
		return err
	}, nil
}

// printable is a text that is quoted if it would speak to the terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// auditOutcome says in few words what was decided.
func auditOutcome(r *audit.Row) string {
	switch {
	case r.Reason != "":
		return "refused: " + printable(r.Reason)
	case r.Interpreter != "":
		return "script of " + printable(r.Interpreter)
	}
	return "entry " + printable(r.Entry)
}
