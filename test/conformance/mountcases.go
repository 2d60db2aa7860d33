package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/manifest"
)

// shared is a container with a directory of the host at /host, on which the manifest lets
// listed files be executed.
type shared struct {
	t   *trial
	b   *theBundle
	dir string
}

func (t *trial) share() *shared {
	s := &shared{t, t.copyBundle(), filepath.Join(t.dir, "host")}
	t.must(os.Mkdir(s.dir, 0o755))
	s.b.manifest(func(m map[string]any) {
		m["mounts"] = []any{
			map[string]any{"at": "/host", "write": true, "exec": true},
			map[string]any{"at": "/marks", "write": true},
		}
	})
	s.b.sign()
	return s
}

func (s *shared) path(name string) string { return filepath.Join(s.dir, name) }

// good and evil are the listed and an unlisted form of a file of the bundle.
func (s *shared) good(name string) []byte {
	data, err := os.ReadFile(filepath.Join(s.t.bundle, "rootfs", name))
	s.t.must(err)
	return data
}

func (s *shared) write(name string, data []byte) {
	s.t.must(os.WriteFile(s.path(name), data, 0o755))
}

func (s *shared) launch(name string, flags ...string) *running {
	return s.t.launch(container{
		bundle: s.b.dir, flags: append([]string{"-v", s.dir + ":/host"}, flags...), command: []string{"/bin/attack", name},
	})
}

// alone runs the guest's part, with nothing for the driver to do meanwhile.
func (s *shared) alone(name string, flags ...string) {
	c := s.launch(name, flags...)
	defer c.kill()
	s.t.judge(c.wait())
}

// meanwhile runs the guest's part, and turn again and again for as long as that lasts.
func (s *shared) meanwhile(name string, turn func(evil bool)) {
	turn(false)
	c := s.launch(name)
	defer c.kill()
	done := make(chan struct{})
	var turner sync.WaitGroup
	turner.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				turn(i%2 == 0)
				time.Sleep(20 * time.Microsecond)
			}
		}
	})
	e := c.wait()
	close(done)
	turner.Wait()
	s.t.judge(e)
}

func mountCases() []*testCase {
	goodScript := []byte("#!/bin/interp\nmark GOOD\n")
	evil := []byte(evilScript)
	text := func(bad bool) []byte {
		if bad {
			return evil
		}
		return goodScript
	}
	race := func(name string, turn func(s *shared, bad bool)) *testCase {
		return &testCase{"mounts", name, func(t *trial) {
			s := t.share()
			s.meanwhile("host_race", func(bad bool) { turn(s, bad) })
		}}
	}
	return []*testCase{
		{"mounts", "nothing_is_executable_unless_the_manifest_says_so", func(t *trial) {
			s := t.share()
			s.b.manifest(func(m map[string]any) { delete(m, "mounts") })
			s.b.sign()
			s.write("mark", s.good("bin/mark"))
			s.alone("host_noexec")
		}},
		{"mounts", "place_that_the_manifest_does_not_allow", func(t *trial) {
			s := t.share()
			for _, at := range []string{"/", "/bin", "/host/sub", "/hostx", "/opt", "/host/../bin"} {
				for _, how := range []string{"", ":ro"} {
					e := t.start(container{bundle: s.b.dir, flags: []string{"-v", s.dir + ":" + at + how}, command: payload})
					t.refused(e, 125)
				}
			}
		}},
		{"mounts", "writable_where_the_manifest_says_read_only", func(t *trial) {
			s := t.share()
			s.b.manifest(func(m map[string]any) { m["mounts"].([]any)[0].(map[string]any)["write"] = false })
			s.b.sign()
			t.refused(t.start(container{bundle: s.b.dir, flags: []string{"-v", s.dir + ":/host"}, command: payload}), 125)
		}},
		{"mounts", "listed_and_unlisted_files_of_the_host", func(t *trial) {
			s := t.share()
			s.write("good", s.good("bin/mark"))
			s.write("mark", append(s.good("bin/mark"), 'x'))
			s.write("s", evil)
			s.write("good.sh", goodScript)
			s.alone("host_files")
		}},
		{"mounts", "host_file_changed_between_two_execs", func(t *trial) {
			s := t.share()
			s.write("mark", s.good("bin/mark"))
			s.write("s", goodScript)
			c := s.launch("host_changed")
			defer c.kill()
			c.expect("ready")
			s.write("mark", append(s.good("bin/mark"), 'x'))
			s.write("s", evil)
			c.say("go")
			t.judge(c.wait())
		}},
		{"mounts", "host_file_changed_with_its_times_restored", func(t *trial) {
			s := t.share()
			s.write("mark", s.good("bin/mark"))
			s.write("s", goodScript)
			c := s.launch("host_changed")
			defer c.kill()
			c.expect("ready")
			for _, name := range []string{"mark", "s"} {
				st, err := os.Stat(s.path(name))
				t.must(err)
				data := s.good("bin/mark")
				data[100] ^= 1
				if name == "s" {
					data = evil
				}
				s.write(name, data)
				t.must(os.Chtimes(s.path(name), st.ModTime(), st.ModTime()))
			}
			c.say("go")
			t.judge(c.wait())
		}},
		{"mounts", "host_file_changed_through_a_mapping", func(t *trial) {
			s := t.share()
			s.write("mark", s.good("bin/mark"))
			s.write("s", goodScript)
			maps := map[string][]byte{}
			for _, name := range []string{"mark", "s"} {
				f, err := os.OpenFile(s.path(name), os.O_RDWR, 0)
				t.must(err)
				st, err := f.Stat()
				t.must(err)
				maps[name], err = unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
				t.must(err)
				maps[name][0] ^= 1 // its page is dirty before the first exec
				maps[name][0] ^= 1
				t.must(f.Close())
			}
			c := s.launch("host_changed")
			defer c.kill()
			c.expect("ready")
			copy(maps["mark"][100:], "evil")
			copy(maps["s"], evil)
			c.say("go")
			t.judge(c.wait())
		}},
		{"mounts", "script_of_the_host_swapped_before_it_is_read", func(t *trial) {
			s := t.share()
			s.write("s", s.good("opt/wait.sh"))
			c := s.launch("host_swap")
			defer c.kill()
			c.expect("ready")
			s.write("new", []byte("#!/bin/interp -w\nmark EVIL\n"))
			t.must(os.Rename(s.path("new"), s.path("s")))
			c.say("go")
			t.judge(c.wait())
		}},
		{"mounts", "script_of_the_host_written_before_it_is_read", func(t *trial) {
			s := t.share()
			s.write("s", s.good("opt/wait.sh"))
			c := s.launch("host_swap")
			defer c.kill()
			c.expect("ready")
			s.write("s", []byte("#!/bin/interp -w\nmark EVIL\n"))
			c.say("go")
			t.judge(c.wait())
		}},
		race("race_with_the_host_writing_in_place", func(s *shared, bad bool) {
			f, err := os.OpenFile(s.path("s"), os.O_WRONLY|os.O_CREATE, 0o755)
			s.t.must(err)
			_, err = f.WriteAt(text(bad), 0)
			s.t.must(err)
			s.t.must(f.Close())
		}),
		race("race_with_the_host_renaming", func(s *shared, bad bool) {
			s.write("new", text(bad))
			s.t.must(os.Rename(s.path("new"), s.path("s")))
		}),
		race("race_with_the_host_turning_a_link", func(s *shared, bad bool) {
			s.write("good", goodScript)
			s.write("evil", evil)
			_ = os.Remove(s.path("l"))
			s.t.must(os.Symlink(map[bool]string{true: "evil", false: "good"}[bad], s.path("l")))
			s.t.must(os.Rename(s.path("l"), s.path("s")))
		}),
		race("race_with_the_host_exchanging_names", func(s *shared, bad bool) {
			if _, err := os.Stat(s.path("other")); err != nil {
				s.write("s", goodScript)
				s.write("other", evil)
				return
			}
			s.t.must(unix.Renameat2(unix.AT_FDCWD, s.path("s"), unix.AT_FDCWD, s.path("other"), unix.RENAME_EXCHANGE))
		}),
		race("race_with_the_host_cutting_and_growing", func(s *shared, bad bool) {
			s.t.must(os.WriteFile(s.path("s"), text(bad), 0o755))
		}),
		{"mounts", "links_lead_out_of_the_mount_to_nowhere", func(t *trial) {
			s := t.share()
			s.write("evil", append(s.good("bin/mark"), 'x'))
			outside := filepath.Join(t.dir, "outside")
			t.must(os.Mkdir(outside, 0o755))
			t.must(os.WriteFile(filepath.Join(outside, "mark"), s.good("bin/mark"), 0o755))
			t.must(os.Symlink(filepath.Join(outside, "mark"), s.path("absolute")))
			t.must(os.Symlink("../outside/mark", s.path("relative")))
			t.must(os.Symlink("/proc/self/exe", s.path("magic")))
			t.must(os.Symlink("evil", s.path("mark")))
			s.alone("host_links")
		}},
		{"mounts", "special_files_of_the_host", func(t *trial) {
			s := t.share()
			t.must(unix.Mkfifo(s.path("fifo"), 0o755))
			t.must(os.Mkdir(s.path("dir"), 0o755))
			l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			t.must(err)
			defer unix.Close(l)
			t.must(unix.Bind(l, &unix.SockaddrUnix{Name: s.path("socket")}))
			_ = unix.Mknod(s.path("zero"), unix.S_IFCHR|0o755, int(unix.Mkdev(1, 5))) // as root only
			s.write("plain", s.good("bin/mark"))
			t.must(os.Chmod(s.path("plain"), 0o644))
			s.alone("host_special")
		}},
		{"mounts", "huge_sparse_file_of_the_host", func(t *trial) {
			s := t.share()
			s.write("mark", s.good("bin/mark"))
			t.must(os.Truncate(s.path("mark"), 1<<42))
			s.alone("host_unlisted")
		}},
		{"mounts", "file_of_the_host_that_grows_while_it_is_hashed", func(t *trial) {
			s := t.share()
			s.write("mark", s.good("bin/mark"))
			s.meanwhile("host_growing", func(bool) {
				f, err := os.OpenFile(s.path("mark"), os.O_WRONLY|os.O_APPEND, 0)
				t.must(err)
				_, err = f.Write(make([]byte, 1<<20))
				t.must(err)
				if st, _ := f.Stat(); st.Size() > 64<<20 {
					t.must(f.Truncate(int64(len(s.good("bin/mark")))))
				}
				t.must(f.Close())
			})
		}},
		{"mounts", "set_user_id_on_the_host", func(t *trial) {
			s := t.share()
			s.write("mark", s.good("bin/mark"))
			t.must(os.Chmod(s.path("mark"), 0o755|os.ModeSetuid))
			s.alone("host_setuid")
		}},
		{"mounts", "directory_replaced_by_a_link_after_the_start", func(t *trial) {
			s := t.share()
			s.write("mark", append(s.good("bin/mark"), 'x'))
			t.must(os.Mkdir(s.path("d"), 0o755))
			s.write("d/mark", s.good("bin/mark"))
			c := s.launch("host_directory")
			defer c.kill()
			c.expect("ready")
			t.must(os.Rename(s.path("d"), s.path("old")))
			outside := filepath.Join(t.dir, "outside")
			t.must(os.Mkdir(outside, 0o755))
			t.must(os.WriteFile(filepath.Join(outside, "mark"), s.good("bin/mark"), 0o755))
			t.must(os.Symlink(outside, s.path("d")))
			c.say("go")
			t.judge(c.wait())
		}},
		{"mounts", "keys_and_policy_are_not_mounted", func(t *trial) {
			s := t.share()
			keys := filepath.Join(t.dir, "keys")
			t.must(os.Mkdir(keys, 0o755))
			t.must(copyFile(t.key+".pub", filepath.Join(keys, "k.pub"), 0o644))
			t.must(copyFile(t.policyFile(nil, t.key), filepath.Join(keys, "trust.json"), 0o644))
			e := t.start(container{
				bundle: s.b.dir, key: filepath.Join(keys, "k.pub"), flags: []string{"-v", keys + ":/host"}, command: payload,
			})
			t.refused(e, 125)
			e = t.start(container{
				bundle: s.b.dir, key: "none", flags: []string{"--trust", filepath.Join(keys, "trust.json"), "-v", keys + ":/host"}, command: payload,
			})
			t.refused(e, 125)
			if strings.Contains(string(s.b.read(manifest.File)), "EVIL") {
				t.wrong("the manifest was changed")
			}
		}},
		{"mounts", "audit_file_is_not_mounted", func(t *trial) {
			s := t.share()
			e := t.start(container{
				bundle: s.b.dir, flags: []string{"--audit", s.path("audit"), "-v", s.dir + ":/host"}, command: payload,
			})
			t.refused(e, 125)
		}},
	}
}
