package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The process in which a guest runs, seen from outside. What it cannot do is tried from within by
// the tests of package sandbox; here is that it is so for a container that really runs.

// sealed runs a container that waits, and shows its sandbox processes to look.
func sealed(name string, look func(t *trial, pid int)) *testCase {
	return sealedWith(name, func(*trial) []string { return nil }, look)
}

// sealedWith does that with flags of run.
func sealedWith(name string, flags func(t *trial) []string, look func(t *trial, pid int)) *testCase {
	return &testCase{"sealed", name, func(t *trial) {
		c := t.launch(container{flags: flags(t), command: []string{"/bin/attack", "wait_to_be_looked_at"}})
		defer c.kill()
		c.expect("ready")
		pids := descendants(c.cmd.Process.Pid)
		if len(pids) == 0 {
			t.wrong("vkernel has no sandbox process")
		}
		for _, pid := range pids {
			look(t, pid)
		}
		c.say("go")
		t.judge(c.wait())
	}}
}

// descendants lists the processes below one.
func descendants(of int) (list []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	parents := map[int]int{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		var pid, parent int
		var state string
		if _, err := fmt.Sscan(string(data), &pid); err != nil {
			continue
		}
		if _, err := fmt.Sscan(string(data[strings.LastIndexByte(string(data), ')')+1:]), &state, &parent); err == nil {
			parents[pid] = parent
		}
	}
	for todo := []int{of}; len(todo) > 0; todo = todo[1:] {
		for pid, parent := range parents {
			if parent == todo[0] {
				list, todo = append(list, pid), append(todo, pid)
			}
		}
	}
	return list
}

// fileCapabilities are those that root's access to the files of a mount rests on: CAP_CHOWN,
// CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER.
const fileCapabilities = 0xf

func sealedCases() []*testCase {
	return []*testCase{
		sealedWith("log_and_audit_are_not_its_files", func(t *trial) []string {
			return []string{"--log", filepath.Join(t.dir, "log"), "--audit", filepath.Join(t.dir, "audit")}
		}, func(t *trial, pid int) {
			links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
			if len(links) == 0 {
				t.wrong("process %d has no descriptors", pid)
			}
			for _, l := range links {
				if to, err := os.Readlink(l); err == nil && (strings.HasSuffix(to, "/log") || strings.HasSuffix(to, "/audit")) {
					t.wrong("%s leads to %s", l, to)
				}
			}
		}),
		sealed("every_thread_has_seccomp_and_no_new_privs", func(t *trial, pid int) {
			files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
			if len(files) == 0 {
				t.wrong("process %d has no threads", pid)
			}
			for _, f := range files {
				data, _ := os.ReadFile(f)
				for _, line := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
					if !strings.Contains(string(data), line) {
						t.wrong("%s lacks %q", f, line)
					}
				}
			}
		}),
		sealed("no_capability_but_those_over_mounted_files", func(t *trial, pid int) {
			data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			t.must(err)
			for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
				var bits uint64
				_, after, found := strings.Cut(string(data), set+":\t")
				if _, err := fmt.Sscanf(after, "%x", &bits); err != nil || !found {
					t.wrong("process %d: no %s in its status", pid, set)
				}
				if bits&^fileCapabilities != 0 {
					t.wrong("process %d: %s is %x", pid, set, bits)
				}
			}
		}),
		sealed("nothing_is_writable_and_executable", func(t *trial, pid int) {
			data, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
			t.must(err)
			code := 0
			for line := range strings.Lines(string(data)) {
				f := strings.Fields(line)
				if len(f) < 2 || !strings.Contains(f[1], "x") {
					continue
				}
				if strings.Contains(f[1], "w") {
					t.wrong("writable and executable: %s", line)
				}
				if strings.Contains(line, "memfd:") {
					code++
				} else if len(f) < 6 {
					t.wrong("executable memory of no file: %s", line)
				}
			}
			if code == 0 {
				t.wrong("no code is mapped from a sealed copy")
			}
		}),
		sealed("root_is_empty", func(t *trial, pid int) {
			list, err := os.ReadDir(fmt.Sprintf("/proc/%d/root/", pid))
			t.must(err)
			if len(list) > 0 {
				t.wrong("the root of process %d holds %s", pid, list[0].Name())
			}
		}),
		sealed("no_descriptor_of_keys_or_manifest", func(t *trial, pid int) {
			files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
			if len(files) == 0 {
				t.wrong("process %d shows no descriptors", pid)
			}
			for _, f := range files {
				to, _ := os.Readlink(f)
				if strings.Contains(to, "signer.key") || strings.Contains(to, "manifest.json") || strings.HasSuffix(to, ".aot") || strings.Contains(to, "config") {
					t.wrong("descriptor %s leads to %s", filepath.Base(f), to)
				}
			}
		}),
		sealed("namespaces_of_its_own", func(t *trial, pid int) {
			for _, ns := range []string{"mnt", "net", "ipc", "uts"} {
				own, err := os.Readlink("/proc/self/ns/" + ns)
				t.must(err)
				its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, ns))
				t.must(err)
				if own == its {
					t.wrong("process %d shares the host's namespace %s", pid, ns)
				}
			}
		}),
	}
}
