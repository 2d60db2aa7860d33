package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// passphraseVariable holds the passphrase where there is no terminal and no file.
const passphraseVariable = "VKERNEL_PASSPHRASE"

const passphraseHelp = `The passphrase comes from --passphrase-file, else from the environment variable
VKERNEL_PASSPHRASE, else it is asked for at the terminal.`

// passphraseSource says where a passphrase comes from.
type passphraseSource struct {
	file string
	none bool // keygen: --no-passphrase
}

func (p *passphraseSource) addFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.file, "passphrase-file", "", "read the private key's passphrase from the first line of `FILE`")
}

// given returns the passphrase of the file or the environment, without its line's end; nil
// if there is neither.
func (p *passphraseSource) given() ([]byte, error) {
	if p.file == "" {
		if s, ok := os.LookupEnv(passphraseVariable); ok && s != "" {
			return []byte(s), nil
		}
		return nil, nil
	}
	f, err := os.Open(p.file)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPassphrase+2))
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	switch {
	case len(line) == 0:
		return nil, fmt.Errorf("passphrase: the first line of %s is empty", p.file)
	case len(line) > maxPassphrase:
		return nil, fmt.Errorf("passphrase: the first line of %s is longer than %d bytes", p.file, maxPassphrase)
	}
	return line, nil
}

const maxPassphrase = 1024

// forOld returns the passphrase of an existing key; name is the key's file.
func (p *passphraseSource) forOld(name string, out io.Writer) ([]byte, error) {
	pass, err := p.given()
	if err != nil || pass != nil {
		return pass, err
	}
	tty, done, err := promptTerminal()
	if err != nil {
		return nil, fmt.Errorf("private key %s is encrypted, and there is no terminal to ask for its passphrase: name a file with --passphrase-file, or set %s", name, passphraseVariable)
	}
	defer done()
	return ask(tty, out, "Passphrase of "+name+": ")
}

// forNew returns the passphrase for a new key; nil for none.
func (p *passphraseSource) forNew(name string, out io.Writer) ([]byte, error) {
	if p.none {
		return nil, nil
	}
	pass, err := p.given()
	if err != nil || pass != nil {
		return pass, err
	}
	tty, done, err := promptTerminal()
	if err != nil {
		return nil, nil // a script: the key's mode protects it
	}
	defer done()
	first, err := ask(tty, out, "Passphrase for "+name+" (empty: none): ")
	if err != nil || len(first) == 0 {
		return nil, err
	}
	again, err := ask(tty, out, "The same again: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, again) {
		return nil, errors.New("the two passphrases differ: nothing was made")
	}
	return first, nil
}

// promptTerminal is standard input if that is a terminal. A terminal of which only the
// device is there (/dev/tty) belongs to somebody who gave the command other input.
func promptTerminal() (*os.File, func(), error) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return os.Stdin, func() {}, nil
	}
	return nil, nil, errors.New("standard input is no terminal")
}

// ask reads a passphrase that is not shown. A signal that ends the command while it waits
// leaves the terminal as it was.
func ask(tty *os.File, out io.Writer, prompt string) ([]byte, error) {
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	signals, answered := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	defer close(answered)
	go func() {
		select {
		case <-answered:
		case s := <-signals:
			_ = term.Restore(int(tty.Fd()), before)
			signal.Reset(s)
			_ = syscall.Kill(os.Getpid(), s.(syscall.Signal))
		}
	}()
	fmt.Fprint(out, prompt)
	pass, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(out)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	if len(pass) > maxPassphrase {
		return nil, fmt.Errorf("passphrase: longer than %d bytes", maxPassphrase)
	}
	return pass, nil
}
