// Package session_test is a shell session as people have it, byte for byte the same on
// Linux and on vkernel: what commands print, and their exit status.
//
// The cases are in cases/*.txt, archives of scripts. Each runs in a container of its own;
// /src is the source tree of busybox, mounted read-only.
package session_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"vkernel/test/oracle"
)

const limit = 60 * time.Second // for one case

var container = oracle.Container{
	Native: "out/session/root",
	Bundle: "out/demo.vk",
	Mounts: []oracle.Mount{{Host: "out/src/busybox", Guest: "/src"}},
	Env:    []string{"PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/root", "TZ=UTC0"},
	Dir:    "/tmp",
}

func TestSession(t *testing.T) {
	files, err := filepath.Glob("cases/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			for _, f := range a.Files {
				t.Run(f.Name, func(t *testing.T) {
					t.Parallel()
					runCase(t, f.Name, string(f.Data))
				})
			}
		})
	}
}

func runCase(t *testing.T, name, script string) {
	shell := "/bin/sh"
	if strings.HasPrefix(name, "dash ") {
		shell = "/bin/dash"
	}
	linux := container.OnLinux(t, limit, shell, "-c", script)
	if linux.TimedOut {
		t.Fatalf("does not end on Linux\n%s\n%s", linux.Stdout, linux.Stderr)
	}
	vkernel := container.OnVKernel(t, limit, shell, "-c", script)
	if d := oracle.Difference(linux, vkernel); d != "" {
		t.Error(d)
	}
}
