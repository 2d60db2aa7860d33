package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// Exit statuses of vkernel itself. `run` gives the container's status, and for its own
// failures those that shells and container runtimes use.
const (
	exitError     = 1
	exitUsage     = 2
	exitRefused   = 125 // run: the container was not started
	exitNoExec    = 126 // run: the command may not be executed
	exitNotFound  = 127 // run: there is no such command
	exitSignalled = 128 // plus the number of the signal
)

// statusError carries an exit status. With a nil cause nothing is printed.
type statusError struct {
	status int
	cause  error
}

func (e *statusError) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.cause.Error()
}

func (e *statusError) Unwrap() error { return e.cause }

// execute runs one command line and returns its exit status.
func execute(args []string, std stdio) int {
	root := newRoot(std)
	root.SetArgs(args)
	err := root.Execute()
	var status *statusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		if status.cause != nil {
			fmt.Fprintf(std.err, "vkernel: %s\n", visible(status.cause.Error()))
		}
		return status.status
	}
	fmt.Fprintf(std.err, "vkernel: %s\n", visible(err.Error()))
	return exitError
}

// visible writes out what would speak to the terminal in a message: names in a bundle, and what a
// sandbox says of its end, are an attacker's.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || r == '\t' || r != utf8.RuneError && strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

func newRoot(std stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "vkernel",
		Short: "A Linux-compatible kernel in user space, for signed WebAssembly programs",
		Long: `vkernel runs containers whose programs were compiled to WebAssembly and then, ahead of
time, to native code. A file is executed only if its SHA-256 is in the container's
signed manifest.

From source to a running container:

  vkcc -O2 -o root/bin/hello hello.c        compile for the container
  vkernel build --cmd /bin/hello -o hello.vk root
  vkernel keygen --trust                    once: make a key, and trust it
  vkernel sign hello.vk
  vkernel run hello.vk`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.Version = version
	root.Flags().Bool("version", false, "print the version") // else cobra takes -v for it
	root.SetVersionTemplate("vkernel {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &statusError{exitUsage, fmt.Errorf("%w\nSee '%s --help'", err, cmd.CommandPath())}
	})
	root.AddCommand(
		keygenCommand(), buildCommand(), signCommand(), verifyCommand(), trustCommand(), inspectCommand(), policyCommand(),
		runCommand(), psCommand(), execCommand(), pauseCommand(), resumeCommand(), snapshotCommand(), restoreCommand(), forkCommand(), rmCommand(), poolCommand(), auditCommand(), doctorCommand(), syscallsCommand(), versionCommand(), guardCommand(),
	)
	return root
}

// args makes a check of the number of arguments that says what they are.
func args(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, got []string) error {
		if len(got) >= least && (most < 0 || len(got) <= most) {
			return nil
		}
		return &statusError{exitUsage, fmt.Errorf("%s takes %s, %d arguments given\nSee '%s --help'", cmd.CommandPath(), what, len(got), cmd.CommandPath())}
	}
}
