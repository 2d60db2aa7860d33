package kernel

import (
	"crypto/sha256"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"vkernel/internal/linux"
)

// TestRestoreOfScripts: a script whose interpreter runs is asked for again, too, also one that another program has led to.
func TestRestoreOfScripts(t *testing.T) {
	for _, text := range []string{"#!/bin/sh\n/bin/sleep 100\n:\n", "#!/bin/env sh\n/bin/sleep 100\n:\n"} {
		t.Run(strings.Fields(text)[0], func(t *testing.T) {
			c, root, m := pausedWith(t, func(c *container) {
				c.file("/root/run", text, script(strings.Fields(text[2:])[0]))
			}, "/root/run")
			digest := sha256.Sum256([]byte(text))
			for _, want := range []string{"", "revoked", "not in the manifest"} {
				config := c.like()
				switch want {
				case "revoked":
					config.Revoked = func(d [32]byte) bool { return d == digest }
				case "not in the manifest":
					config.Router = without(config.Router.(routes), digest)
				}
				k, err := Restore(config, root, m)
				if err == nil {
					k.Resume()
					k.table.Kill()
					k.Wait(t.Context())
				}
				if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
}

// TestPoolOfScript: no copy is started of a process that runs a script which has been revoked since.
func TestPoolOfScript(t *testing.T) {
	const text = "#!/bin/warm idle\n"
	digest := sha256.Sum256([]byte(text))
	var revoked atomic.Bool
	_, pool := newPoolOf(t, "/root/run", func(c *container) { c.file("/root/run", text, script("/bin/warm")) }, PoolLimits{}, func(config *Config) {
		config.Revoked = func(d [32]byte) bool { return revoked.Load() && d == digest }
	})
	copyOf(t, pool, Job{Argv: []string{"warm", "nothing"}})
	revoked.Store(true)
	if _, err := pool.Start(Job{Argv: []string{"warm", "nothing"}}, nil); !errors.Is(err, linux.EACCES) {
		t.Errorf("revoked: %v, want EACCES", err)
	}
	revoked.Store(false)
	copyOf(t, pool, Job{Argv: []string{"warm", "nothing"}})
}
