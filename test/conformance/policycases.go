package main

import (
	"encoding/json"
	"slices"
)

// held is a case whose container runs under a policy that the signer gave to entries.
func held(name string, narrow func(m map[string]any)) *testCase {
	return &testCase{"policy", name, func(t *trial) {
		b := t.copyBundle()
		b.manifest(narrow)
		b.sign()
		t.judge(t.start(container{bundle: b.dir, command: []string{"/bin/attack", name}}))
	}}
}

// withhold moves calls of an entry to those that it may not make.
func withhold(e map[string]any, calls ...string) {
	var allowed, withheld []any
	for _, c := range e["syscalls"].([]any) {
		if slices.Contains(calls, c.(string)) {
			withheld = append(withheld, c)
		} else {
			allowed = append(allowed, c)
		}
	}
	e["syscalls"], e["withheld"] = allowed, withheld
}

func numbers(n ...int) []any {
	var list []any
	for _, v := range n {
		list = append(list, v)
	}
	return list
}

func strs(s ...string) []any {
	list := []any{}
	for _, v := range s {
		list = append(list, v)
	}
	return list
}

func policyCases() []*testCase {
	return []*testCase{
		held("withheld_call_is_refused", func(m map[string]any) { withhold(entry(m, "attack"), "ftruncate", "memfd_create", "symlink") }),
		held("withheld_call_kills", func(m map[string]any) {
			withhold(entry(m, "attack"), "ftruncate")
			entry(m, "attack")["denied"] = "kill"
		}),
		{"policy", "call_that_no_list_names", func(t *trial) {
			b := t.copyBundle()
			b.manifest(func(m map[string]any) {
				e := entry(m, "mark")
				e["syscalls"] = slices.DeleteFunc(slices.Clone(e["syscalls"].([]any)), func(c any) bool { return c == "open" || c == "openat" })
			})
			b.sign()
			e := t.start(container{bundle: b.dir, command: payload})
			if e.status != 125 && e.status != 126 {
				t.wrong("a program whose code has a stub that its entry does not list: status %d", e.status)
			}
		}},
		held("starts_nothing", func(m map[string]any) { entry(m, "attack")["starts"] = strs() }),
		held("starts_one_program_alone", func(m map[string]any) { entry(m, "attack")["starts"] = strs("interp") }),
		held("deputy_that_starts_for_it", func(m map[string]any) {
			entry(m, "attack")["starts"] = strs("busybox", "dash")
			entry(m, "attack")["inherit"] = true
		}),
		held("deputy_with_more_rights", func(m map[string]any) {
			withhold(entry(m, "attack"), "symlink", "unlink")
			entry(m, "attack")["inherit"] = true
		}),
		held("policy_of_a_child", func(m map[string]any) { withhold(entry(m, "attack"), "symlink") }),
		held("paths_that_are_open", func(m map[string]any) {
			entry(m, "attack")["rules"] = []any{
				map[string]any{"paths": strs("/case"), "write": true},
				map[string]any{"paths": strs("/opt")},
				map[string]any{"paths": strs("/bin")},
				map[string]any{"paths": strs("/proc")},
			}
		}),
		held("values_of_arguments", func(m map[string]any) {
			entry(m, "attack")["rules"] = []any{
				map[string]any{"syscall": "prctl", "arg": 0, "allow": numbers(15, 16)}, // PR_SET_NAME, PR_GET_NAME
				map[string]any{"syscall": "fcntl", "arg": 1, "allow": numbers(1, 2, 3)},
			}
		}),
		held("limits_of_an_entry", func(m map[string]any) {
			entry(m, "attack")["limits"] = map[string]any{"memory": json.Number("67108864"), "cpu": 1}
		}),
		held("securebits_of_an_entry", func(m map[string]any) {
			entry(m, "attack")["securebits"] = strs("exec-restrict-file", "exec-deny-interactive")
		}),
	}
}
