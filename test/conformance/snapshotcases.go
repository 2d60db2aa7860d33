package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/klauspost/compress/zstd"

	"vkernel/internal/manifest"
)

// frozen is a snapshot of a container that waits to be let go, and then leaves a mark.
type frozen struct {
	t        *trial
	dir, ctl string
}

// freeze makes one, and ends the container.
func (t *trial) freeze(script string) *frozen { return t.freezeAfter("", script) }

// freezeAfter is freeze after something else was begun, with a line for each command.
func (t *trial) freezeAfter(first, script string) *frozen {
	dir, err := os.MkdirTemp(t.dir, "frozen")
	t.must(err)
	f := &frozen{t, filepath.Join(dir, "snap"), filepath.Join(dir, "ctl")}
	t.must(os.Mkdir(f.ctl, 0o755))
	name := "c" + filepath.Base(dir)
	step := func(args ...string) {
		if e := t.vkernelRun(args, ""); e.status != 0 {
			t.wrong("%s: status %d: %.300s", args[0], e.status, e.stderr)
			panic(stopped{})
		}
	}
	step("run", "-d", "--name", name, "--key", t.key+".pub", "-v", t.marks+":/marks", "-v", f.ctl+":/ctl", t.bundle,
		"/bin/dash", "-c", first+": >/ctl/ready; until [ -e /ctl/go ]; do sleep 0.01; done; "+script)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Lstat(filepath.Join(f.ctl, "ready")); err == nil {
			break
		} else if time.Now().After(end) {
			t.wrong("the container does not get ready: %v", err)
			panic(stopped{})
		}
	}
	step("snapshot", name, f.dir)
	step("rm", name)
	t.must(os.WriteFile(filepath.Join(f.ctl, "go"), nil, 0o644))
	return f
}

// restore runs what was saved to its end.
func (f *frozen) restore(flags ...string) ended {
	return f.t.vkernelRun(append(append([]string{"restore"}, flags...), f.dir), "")
}

// refused expects that the snapshot is not restored.
func (f *frozen) refused(why string, flags ...string) {
	f.t.refused(f.restore(append(flags, "--key", f.t.key+".pub")...), 125, why)
}

// edit changes a file of the snapshot.
func (f *frozen) edit(name string, change func([]byte) []byte) {
	name = filepath.Join(f.dir, name)
	data, err := os.ReadFile(name)
	f.t.must(err)
	f.t.must(os.WriteFile(name, change(bytes.Clone(data)), 0o600))
}

// parts are the contents that the index names, as files.
func (f *frozen) parts() (files []string) {
	index, err := os.ReadFile(filepath.Join(f.dir, "index"))
	f.t.must(err)
	for _, m := range regexp.MustCompile(`(?m)^([0-9a-f]{64}) [0-9]+$`).FindAllSubmatch(index, -1) {
		files = append(files, filepath.Join("chunks", string(m[1][:2]), string(m[1])))
	}
	return files
}

// flip changes the last byte of a compressed content.
func (t *trial) flip(packed []byte) []byte {
	r, err := zstd.NewReader(nil)
	t.must(err)
	defer r.Close()
	b, err := r.DecodeAll(packed, nil)
	t.must(err)
	b[len(b)-1] ^= 1
	w, err := zstd.NewWriter(nil)
	t.must(err)
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// snapshotCases try to run by a restore what a start would refuse.
func snapshotCases() []*testCase {
	const evil = "exec /bin/mark EVIL"
	revokes := func(t *trial, file string) string {
		return t.policyFile(map[string]any{"revoked": revoked(t.copyBundle().read(file))}, t.key)
	}
	return []*testCase{
		{"snapshots", "restore_of_what_still_counts", func(t *trial) {
			f := t.freeze("exit 9")
			for range 2 {
				t.refused(f.restore("--key", t.key+".pub"), 9)
			}
		}},
		{"snapshots", "restore_of_a_revoked_program", func(t *trial) {
			f := t.freeze(evil)
			t.refused(f.restore("--trust", revokes(t, "rootfs/bin/dash")), 125, "revoked")
		}},
		{"snapshots", "restore_and_start_of_a_revoked_program", func(t *trial) {
			f := t.freeze(evil)
			t.refused(f.restore("--trust", revokes(t, "rootfs/bin/mark")), 126)
		}},
		{"snapshots", "restore_of_a_revoked_script", func(t *trial) {
			f := t.freezeAfter("mkdir /case\n/opt/wait.sh & until [ -e /case/ready ]; do sleep 0.01; done\n", ">/case/go; wait $!; exit $?")
			t.refused(f.restore("--key", t.key+".pub"), 42)
			t.refused(f.restore("--trust", revokes(t, "rootfs/opt/wait.sh")), 125, "revoked")
		}},
		{"snapshots", "restore_of_a_revoked_manifest", func(t *trial) {
			f := t.freeze(evil)
			t.refused(f.restore("--trust", revokes(t, manifest.File)), 125, "revoked")
		}},
		{"snapshots", "restore_under_another_manifest", func(t *trial) {
			f := t.freeze(evil)
			b := t.copyBundle()
			b.manifest(func(m map[string]any) { m["release"] = 99 })
			b.sign()
			f.refused("snapshot: manifest: ", "--bundle", b.dir)
		}},
		{"snapshots", "index_changed", func(t *trial) {
			f := t.freeze(evil)
			f.edit("index", func(b []byte) []byte { return bytes.Replace(b, []byte("\nname c"), []byte("\nname d"), 1) })
			f.refused("snapshot: authentication: ")
		}},
		{"snapshots", "index_of_another_user", func(t *trial) {
			f := t.freeze(evil)
			f.edit("index", func(b []byte) []byte {
				return regexp.MustCompile(`hmac-sha256 [0-9a-f]{64}`).ReplaceAll(b, append([]byte("hmac-sha256 "), bytes.Repeat([]byte("0"), 64)...))
			})
			f.refused("snapshot: authentication: it was made with the key of another user")
		}},
		{"snapshots", "index_without_authentication", func(t *trial) {
			f := t.freeze(evil)
			f.edit("index", func(b []byte) []byte { return b[:bytes.LastIndex(b, []byte("hmac-sha256"))] })
			f.refused("snapshot: authentication: ")
		}},
		{"snapshots", "parts_changed", func(t *trial) {
			f := t.freeze(evil)
			parts := f.parts()
			last, err := os.ReadFile(filepath.Join(f.dir, parts[len(parts)-1]))
			t.must(err)
			for i, name := range parts[:len(parts)-1] {
				var good []byte
				f.edit(name, func(b []byte) []byte { good = b; return last })
				why := "snapshot: chunk "
				if i == 0 {
					why = "snapshot: state 0: "
				}
				f.refused(why)
				f.edit(name, func([]byte) []byte { return good })
			}
		}},
		{"snapshots", "bytes_of_memory_changed", func(t *trial) {
			f := t.freeze(evil)
			for _, name := range f.parts()[1:] {
				var good []byte
				f.edit(name, func(b []byte) []byte { good = b; return t.flip(b) })
				f.refused("snapshot: chunk ")
				f.edit(name, func([]byte) []byte { return good })
			}
		}},
		{"snapshots", "fork_after_a_revocation", func(t *trial) {
			policy := t.policyFile(nil, t.key)
			name := "c" + filepath.Base(t.dir) + "f"
			e := t.vkernelRun([]string{"run", "-d", "--name", name, "--trust", policy, "-v", t.marks + ":/marks", t.bundle, "/bin/dash", "-c", "sleep 100; " + evil}, "")
			t.refused(e, 0)
			dash, err := os.ReadFile(filepath.Join(t.bundle, "rootfs/bin/dash"))
			t.must(err)
			t.must(os.Rename(t.policyFile(map[string]any{"revoked": revoked(dash)}, t.key), policy))
			t.refused(t.vkernelRun([]string{"fork", name}, ""), 1, "revoked")
			t.refused(t.vkernelRun([]string{"rm", name}, ""), 0)
		}},
	}
}
