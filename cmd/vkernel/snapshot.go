package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"vkernel/internal/control"
	"vkernel/internal/snapshot"
)

func snapshotCommand() *cobra.Command {
	var o snapshotOptions
	cmd := &cobra.Command{
		Use:   "snapshot [flags] NAME DIR",
		Short: "Save a container that runs into a directory",
		Long: `Saves all of the container NAME (processes, threads, memory, pipes, terminals, timers, files) as it
is at one moment into DIR, from which 'vkernel restore DIR' makes it again, also several times. The container goes on.
A second snapshot into the same directory writes only what changed, and replaces the first in one step.

A snapshot is as trusted as code. It is authenticated with a key that only you hold
(snapshot.key in the state directory), so that nobody else's counts, and none that was changed. With --sign-key it is signed
instead, and can be restored wherever that key is trusted.

--prune removes what only older snapshots in DIR needed; NAME is not needed for that.`,
		Example: `  vkernel snapshot web web.snap
  vkernel snapshot --sign-key release.key web web.snap
  vkernel snapshot --prune web.snap`,
		Args: args(1, 2, "the name of a container and a directory"),
	}
	f := cmd.Flags()
	f.StringVar(&o.key, "sign-key", "", "sign with the private key in `FILE`, for another user or machine")
	f.BoolVar(&o.prune, "prune", false, "remove from DIR what its snapshot does not need")
	o.pass.addFlag(cmd)
	o.trust = addTrustFlags(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 && !o.prune {
			return &statusError{exitUsage, fmt.Errorf("snapshot takes the name of a container and a directory\nSee 'vkernel snapshot --help'")}
		}
		done, err := o.run(background(cmd), args, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), done)
		}
		return done.write(cmd.OutOrStdout())
	}
	return cmd
}

type snapshotOptions struct {
	key   string
	prune bool
	pass  passphraseSource
	trust *trustFlags
}

// snapshotDone is what the command says.
type snapshotDone struct {
	Dir    string           `json:"dir"`
	Taken  *control.Taken   `json:"taken,omitempty"`
	Pruned *snapshot.Pruned `json:"pruned,omitempty"`
}

func (o *snapshotOptions) run(ctx context.Context, args []string, prompt io.Writer) (done snapshotDone, err error) {
	done.Dir = args[len(args)-1]
	v, err := snapshotVerifier(o.trust, "", true)
	if err != nil {
		return done, err
	}
	if len(args) == 2 {
		c, err := find(args[0])
		if err != nil {
			return done, err
		}
		var seal snapshot.Authenticator = v.Key
		if o.key != "" {
			signer, err := (&signOptions{key: o.key, pass: o.pass}).privateKey(prompt)
			if err != nil {
				return done, err
			}
			seal = snapshot.Signed{Signer: signer}
		}
		taken, err := c.Snapshot(ctx, done.Dir, seal, v)
		if err != nil {
			return done, err
		}
		done.Taken = &taken
	}
	if o.prune {
		pruned, err := snapshot.Prune(done.Dir, v)
		if err != nil {
			return done, err
		}
		done.Pruned = &pruned
	}
	return done, nil
}

func (d *snapshotDone) write(w io.Writer) error {
	if t := d.Taken; t != nil {
		fmt.Fprintf(w, "saved into %s: %s of memory and files, of which %s in %s were new; the container stood for %v\n", d.Dir,
			bytesText(uint64(t.Saved.Bytes)), bytesText(uint64(t.Written.Bytes)), count(int(t.Written.Chunks), "part"), t.Saved.Paused.Round(100*time.Microsecond))
	}
	if p := d.Pruned; p != nil {
		fmt.Fprintf(w, "removed %s of %s\n", count(p.Chunks, "file"), bytesText(uint64(p.Bytes)))
	}
	return nil
}

// stateDir is the user's state of vkernel: $XDG_STATE_HOME/vkernel. No container may reach it.
func stateDir() (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no state directory: %w", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("XDG_STATE_HOME is %q: expected an absolute path", dir)
	}
	return filepath.Join(dir, "vkernel"), nil
}

// snapshotVerifier knows whose snapshots count: this user's, and those that a trusted key has signed.
func snapshotVerifier(t *trustFlags, bundle string, create bool) (*snapshot.Verifier, error) {
	v := &snapshot.Verifier{}
	dir, err := stateDir()
	if err != nil {
		return nil, err
	}
	if v.Key, err = snapshot.OpenKey(dir, create); err != nil && (create || !errors.Is(err, os.ErrNotExist)) {
		return nil, err
	}
	if policy, _, err := t.load(bundle); err == nil { // without one, this user's count
		v.Trust = policy
	} else if t.policy != "" || len(t.keys) > 0 {
		return nil, err
	}
	return v, nil
}
