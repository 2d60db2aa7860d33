package wasi_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
)

// differs holds the lines of guest/c/files.c in which vkernel is right, as Linux, and wazero
// is not: what vkernel says.
var differs = map[string]bool{
	"readlink short: 3":             true, // as much as fits
	"a link that leads up: refused": true, // wazero leaves links to the host
}

// TestFiles runs guest/c/files.c in wazero and in a container, on equal trees.
func TestFiles(t *testing.T) {
	run := func(host func(dir string) result) []string {
		dir := t.TempDir()
		for _, d := range []string{"d0/sub"} {
			if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range map[string]string{"plain": "plain\n", "d0/inner": "inner\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("..", filepath.Join(dir, "d0", "up")); err != nil {
			t.Fatal(err)
		}
		r := host(dir)
		if r.status != 0 || r.err != "" {
			t.Errorf("status %d: %s", r.status, r.err)
		}
		return strings.Split(r.out, "\n")
	}
	want := run(func(dir string) result {
		return reference(t, time.Minute, built(t, "root/bin/files"), wazero.NewFSConfig().WithDirMount(dir, "/"), nil, "files")
	})
	onHost := run(func(dir string) result {
		return vkernel(t, time.Minute, []string{"-v", dir + ":/w", "-w", "/w"}, "wasi.vk", "/bin/files")
	})
	inMemory := run(func(dir string) result {
		return vkernel(t, time.Minute, []string{"-v", dir + ":/w"}, "wasi.vk", "/bin/sh", "-c", "cp -a /w /tmp/w && cd /tmp/w && exec files")
	})
	compare(t, "a directory of the host", want, onHost)
	compare(t, "memory", want, inMemory)
}

func compare(t *testing.T, where string, want, got []string) {
	if len(want) != len(got) {
		t.Errorf("%s: %d lines, wazero has %d", where, len(got), len(want))
	}
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] && !differs[got[i]] {
			t.Errorf("%s: %q, wazero says %q", where, got[i], want[i])
		}
	}
}
