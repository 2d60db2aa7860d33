package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine lacks",
		Long: `Looks at what vkernel uses of the CPU, of Linux and of the build tools, and says what each
missing thing costs: in speed, or in what holds the process that a container runs in. The exit status is 1 if containers cannot run here; missing build
tools do not count, since they are not needed to run.`,
		Args: args(0, 0, "no arguments"),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		found := append(hostFindings(), sandboxFindings()...)
		found = append(found, toolFindings()...)
		found = append(found, keyFindings()...)
		sick := false
		for _, f := range found {
			sick = sick || f.State == missing
		}
		if *asJSON {
			if err := writeJSON(cmd.OutOrStdout(), found); err != nil {
				return err
			}
		} else {
			for _, f := range found {
				fmt.Fprintf(cmd.OutOrStdout(), "%-8s %-18s %s\n", f.State, f.Name, f.Detail)
			}
		}
		if sick {
			return &statusError{status: exitError}
		}
		return nil
	}
	return cmd
}

// state is how serious a finding is.
type state string

const (
	good    state = "ok"
	weak    state = "weak"    // works, with the cost that the detail names
	missing state = "missing" // containers cannot run
)

// finding is one line of doctor.
type finding struct {
	Name   string `json:"name"`
	State  state  `json:"state"`
	Detail string `json:"detail"`
}

// check makes a finding of a condition: what it is, or else how serious it is that it is
// not, and why.
func check(name string, ok bool, is string, otherwise state, why string) finding {
	if ok {
		return finding{name, good, is}
	}
	return finding{name, otherwise, why}
}
