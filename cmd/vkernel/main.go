// Command vkernel builds, signs, checks and runs containers whose programs are
// WebAssembly compiled ahead of time.
//
// Each subcommand is a file of its own name, with its help. What several share:
// output.go (text or JSON), trust.go (whose signature counts), terminal.go and guard.go
// (the host's terminal).
package main

import (
	"io"
	"os"

	"vkernel/internal/sandbox"
)

func main() {
	if sandbox.Entered() {
		os.Exit(sandbox.Main())
	}
	os.Exit(execute(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// stdio is what a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}
