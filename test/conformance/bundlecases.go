package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"vkernel/internal/manifest"
)

const nativeFile = "megabinary.x86_64.aot"

// spoilt is a case in which one change to a signed bundle keeps it from starting.
func spoilt(name, why string, spoil func(b *theBundle)) *testCase {
	return &testCase{"bundle", name, func(t *trial) {
		b := t.copyBundle()
		spoil(b)
		b.refused(why)
	}}
}

// part is a file of which every region counts.
func part(file, why string) func(t *trial) {
	return func(t *trial) {
		b := t.copyBundle()
		spoil(b, file, b.refused, why)
		b.starts()
	}
}

// megabinaryChanged changes the part of which nothing is executed: a container starts, from the native code that was
// signed, and whoever reads that part refuses it.
func megabinaryChanged(t *trial) {
	b := t.copyBundle()
	spoil(b, "megabinary.wasm", func(why ...string) {
		b.unverified(why...)
		b.starts()
	}, "megabinary")
	if e := b.verify(); e.status != 0 {
		t.wrong("verify refuses a bundle that is in order: %.300s", e.stderr)
	}
}

// spoil changes a part of a bundle in every way, expects that it is refused each time, and puts it back.
func spoil(b *theBundle, file string, refused func(why ...string), why string) {
	data := b.read(file)
	n := len(data)
	for _, at := range []int{0, 1, n / 5, n / 3, n / 2, 2 * n / 3, n - 2, n - 1} {
		b.write(file, flip(bytes.Clone(data), at))
		refused(why)
	}
	b.write(file, data[:n-1])
	refused(why)
	b.write(file, append(bytes.Clone(data), 0))
	refused(why)
	b.write(file, nil)
	refused()
	b.t.must(os.Remove(b.path(file)))
	refused()
	b.t.must(os.Mkdir(b.path(file), 0o755))
	refused()
	b.t.must(os.Remove(b.path(file)))
	b.t.must(unix.Mkfifo(b.path(file), 0o644))
	refused() // and does not wait for a writer
	b.t.must(os.Remove(b.path(file)))
	b.write(file, data)
}

func bundleCases() []*testCase {
	return []*testCase{
		{"bundle", "control_bundle_starts", func(t *trial) { t.copyBundle().starts() }},
		{"bundle", "manifest_changed", part(manifest.File, "signature")},
		{"bundle", "root_list_changed", part(manifest.RootFile, "root file system")},
		{"bundle", "megabinary_changed", megabinaryChanged},
		{"bundle", "native_code_changed", part(nativeFile, "native code")},
		spoilt("manifest_with_white_space", "signature", func(b *theBundle) {
			b.edit(manifest.File, func(d []byte) []byte { return append(d, '\n') })
		}),
		spoilt("manifest_lists_another_digest", "signature", func(b *theBundle) {
			b.manifest(func(m map[string]any) {
				evil := manifest.Sum([]byte("#!/bin/interp\nmark EVIL\n")).String()
				m["executables"] = append(m["executables"].([]any), map[string]any{"sha256": evil, "interpreter": "/bin/interp", "paths": []any{}})
			})
		}),
		spoilt("root_list_with_another_mode", "root file system", func(b *theBundle) {
			b.edit(manifest.RootFile, func(d []byte) []byte { return bytes.Replace(d, []byte(`"0755"`), []byte(`"0777"`), 1) })
		}),
		spoilt("native_code_of_another_bundle", "native code", func(b *theBundle) {
			b.edit(nativeFile, func(d []byte) []byte { return d[:len(d)/2] })
		}),
		{"bundle", "file_of_the_root_changed", contentChanged},
		{"bundle", "file_of_the_root_replaced", contentReplaced},
		{"bundle", "file_added_to_the_root", func(t *trial) {
			b := t.copyBundle()
			t.must(copyFile(b.path("rootfs/bin/mark"), b.path("rootfs/bin/extra"), 0o755))
			t.refused(t.start(container{bundle: b.dir, command: []string{"/bin/extra", "EVIL"}}), 127)
		}},
		{"bundle", "directory_of_the_root_is_a_link", func(t *trial) {
			b := t.copyBundle()
			t.must(os.Rename(b.path("rootfs/bin"), b.path("moved")))
			t.must(os.Symlink("../moved", b.path("rootfs/bin")))
			notExecuted(t, b)
		}},
		{"bundle", "root_is_a_link", func(t *trial) {
			b := t.copyBundle()
			t.must(os.Rename(b.path("rootfs"), b.path("moved")))
			t.must(os.Symlink("moved", b.path("rootfs")))
			b.refused()
		}},
		{"bundle", "manifest_too_large", func(t *trial) {
			b := t.copyBundle()
			b.edit(manifest.File, func(d []byte) []byte { return append(d, bytes.Repeat([]byte(" "), manifest.MaxSize)...) })
			b.refused()
		}},
		{"bundle", "bundle_changed_while_it_runs", changedWhileRunning},
		{"bundle", "mount_of_the_bundle", func(t *trial) {
			b := t.copyBundle()
			for _, dir := range []string{b.dir, filepath.Dir(b.dir), b.path("rootfs"), b.path("rootfs/bin"), "/"} {
				t.refused(t.start(container{bundle: b.dir, flags: []string{"-v", dir + ":/mnt"}, command: payload}), 125)
			}
			link := filepath.Join(t.dir, "link")
			t.must(os.Symlink(b.dir, link))
			t.refused(t.start(container{bundle: b.dir, flags: []string{"-v", link + ":/mnt"}, command: payload}), 125)
		}},
		{"bundle", "mount_over_the_programs", func(t *trial) {
			dir := filepath.Join(t.dir, "bin")
			t.must(os.Mkdir(dir, 0o755))
			data, err := os.ReadFile(filepath.Join(t.bundle, "rootfs/bin/mark"))
			t.must(err)
			t.must(os.WriteFile(filepath.Join(dir, "mark"), append(data, 'x'), 0o755))
			e := t.start(container{flags: []string{"-v", dir + ":/bin"}, command: payload})
			t.refused(e, 126)
		}},
	}
}

// notExecuted expects that the payload does not run: the container may start, the file may
// not be executed.
func notExecuted(t *trial, b *theBundle) {
	e := t.start(container{bundle: b.dir, command: payload})
	if e.status != 125 && e.status != 126 && e.status != 127 {
		t.wrong("status %d, expected 125 to 127: %.300s", e.status, e.stderr)
	}
}

// contentChanged changes the content of a program: it is hashed at its first open.
func contentChanged(t *trial) {
	b := t.copyBundle()
	const file = "rootfs/bin/mark"
	data := b.read(file)
	for _, at := range []int{0, 8, len(data) / 2, len(data) - 1} {
		b.write(file, flip(bytes.Clone(data), at))
		notExecuted(t, b)
	}
	b.write(file, data[:len(data)-1])
	notExecuted(t, b)
	b.write(file, append(bytes.Clone(data), 'x'))
	notExecuted(t, b)
	b.write("rootfs/opt/good.sh", []byte("#!/bin/interp\nmark EVIL\n"))
	b.write(file, data)
	e := t.start(container{bundle: b.dir, command: []string{"/opt/good.sh", "EVIL"}})
	if e.status != 125 && e.status != 126 {
		t.wrong("a script of the root that was changed: status %d", e.status)
	}
}

func contentReplaced(t *trial) {
	b := t.copyBundle()
	file := b.path("rootfs/bin/mark")
	outside := filepath.Join(t.dir, "mark")
	t.must(os.Rename(file, outside))
	notExecuted(t, b)
	t.must(os.Symlink(outside, file)) // even the right content is not looked for outside
	notExecuted(t, b)
	t.must(os.Remove(file))
	t.must(unix.Mkfifo(file, 0o755))
	notExecuted(t, b)
	t.must(os.Remove(file))
	t.must(os.Mkdir(file, 0o755))
	notExecuted(t, b)
}

// changedWhileRunning spoils every part of a bundle from which a container runs already.
func changedWhileRunning(t *trial) {
	b := t.copyBundle()
	c := t.launch(container{bundle: b.dir, command: []string{"/bin/attack", "bundle_changed_while_it_runs"}})
	defer c.kill()
	c.expect("ready")
	evil := append(b.read("rootfs/bin/mark"), 'x')
	b.write("rootfs/bin/mark", evil)
	for _, name := range []string{"rootfs/opt/good.sh", "rootfs/opt/many/s1"} {
		b.write(name, []byte(evilScript))
	}
	for _, name := range []string{nativeFile, "megabinary.wasm", manifest.File, manifest.RootFile} {
		b.edit(name, func(d []byte) []byte { return []byte(strings.Repeat("x", len(d))) })
	}
	c.say("go")
	t.judge(c.wait())
}
