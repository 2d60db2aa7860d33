package main

import (
	"strings"

	"vkernel/internal/manifest"
)

// malformed is a case with a manifest that is signed by the right key, and whose form could
// be read in two ways or not at all.
func malformed(name string, spoil func(text string) string) *testCase {
	return &testCase{"manifest", name, func(t *trial) {
		b := t.copyBundle()
		b.edit(manifest.File, func(d []byte) []byte {
			out := spoil(string(d))
			if out == string(d) {
				t.wrong("the manifest was not changed")
			}
			return []byte(out)
		})
		if err := t.suite.sign(b.dir); err != nil {
			b.signAnyway()
		}
		b.refused("manifest")
	}}
}

func once(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

// smuggled is an executable that is not in the root: the payload that a tricked parser
// would accept.
func smuggled() string {
	return `{"sha256": "` + manifest.Sum([]byte(evilScript)).String() + `", "interpreter": "/bin/interp", "paths": []}`
}

const evilScript = "#!/bin/interp\nmark EVIL\n"

func manifestCases() []*testCase {
	return []*testCase{
		malformed("name_given_twice", once(`"command":`, `"executables": [`+smuggled()+`], "command":`)),
		malformed("name_given_twice_deep_inside", once(`"entry":`, `"entry": "lua5.4", "entry":`)),
		malformed("name_in_other_case", once(`"executables":`, `"Executables":`)),
		malformed("name_in_both_cases", once(`"command":`, `"EXECUTABLES": [`+smuggled()+`], "command":`)),
		malformed("name_with_an_escape", once(`"command":`, `"execut\u0061bles": [`+smuggled()+`], "command":`)),
		malformed("name_with_a_kelvin_sign", once(`"command":`, "\"\u212Aey\": 1, \"command\":")),
		malformed("unknown_name", once(`"command":`, `"trusted": true, "command":`)),
		malformed("missing_name", once(`"paths":`, `"Paths":`)),
		malformed("trailing_object", func(s string) string { return s + `{"executables": [` + smuggled() + `]}` }),
		malformed("trailing_zero_byte", func(s string) string { return s + "\x00" }),
		malformed("byte_order_mark", func(s string) string { return "\ufeff" + s }),
		malformed("invalid_utf8", once(`"conformance"`, "\"conform\xffance\"")),
		malformed("unpaired_surrogate", once(`"clang": "`, `"clang": "\ud800`)),
		malformed("null_in_place_of_a_list", func(s string) string {
			i := strings.Index(s, `"syscalls"`)
			j := i + strings.Index(s[i:], "]") + 1
			return s[:i] + `"syscalls": null` + s[j:]
		}),
		malformed("fraction_and_exponent", once(`"module": 0`, `"module": 0e0`)),
		malformed("negative_number", once(`"module": 0`, `"module": -1`)),
		malformed("module_out_of_range", once(`"module": 0`, `"module": 99`)),
		malformed("number_beyond_53_bits", once(`"module": 0`, `"module": 18446744073709551616`)),
		malformed("comment", once(`"command":`, "/* */ \"command\":")),
		malformed("version_of_the_past", once(`"version": 2`, `"version": 1`)),
		malformed("version_of_the_future", once(`"version": 2`, `"version": 3`)),
		malformed("digest_in_capitals", upperDigest),
		malformed("digest_too_short", func(s string) string {
			i := strings.Index(s, `"sha256": "`) + len(`"sha256": "`)
			return s[:i] + s[i+1:]
		}),
		malformed("one_content_for_two_entries", func(s string) string {
			i := strings.Index(s, `"executables": [`) + len(`"executables": [`)
			j := i + strings.Index(s[i:], "}") + 1
			first := s[i:j]
			return s[:i] + strings.Replace(first, `"attack"`, `"dash"`, 1) + "," + s[i:]
		}),
		malformed("entry_that_does_not_exist", once(`"entry": "mark"`, `"entry": "none"`)),
		malformed("entry_and_interpreter", once(`"entry": "mark"`, `"entry": "mark", "interpreter": "/bin/interp"`)),
		malformed("path_that_is_not_clean", once(`"/bin/mark"`, `"/bin/../bin/mark"`)),
		malformed("deep_nesting", once(`"command":`, `"x": `+strings.Repeat("[", 100000)+strings.Repeat("]", 100000)+`, "command":`)),
		{"manifest", "native_code_of_another_machine", func(t *trial) {
			b := t.copyBundle()
			b.text(`"x86_64"`, `"aarch64"`)
			b.sign()
			b.refused("native code")
		}},
		{"manifest", "native_code_of_another_abi", func(t *trial) {
			b := t.copyBundle()
			b.manifest(func(m map[string]any) { m["native"].([]any)[0].(map[string]any)["abi"] = "vk0" })
			b.sign()
			b.refused("native code")
		}},
		{"manifest", "features_that_the_cpu_lacks", func(t *trial) {
			b := t.copyBundle()
			b.manifest(func(m map[string]any) {
				m["native"].([]any)[0].(map[string]any)["features"] = []any{"x86-64-v2", "x86-64-v9"}
			})
			b.sign()
			b.refused()
		}},
		{"manifest", "programs_in_another_order", func(t *trial) {
			b := t.copyBundle()
			b.manifest(func(m map[string]any) {
				modules := m["megabinary"].(map[string]any)["modules"].([]any)
				modules[0], modules[1] = modules[1], modules[0]
			})
			b.sign()
			b.refused("native code")
		}},
		{"manifest", "export_that_does_not_exist", func(t *trial) {
			b := t.copyBundle()
			b.manifest(func(m map[string]any) { entry(m, "mark")["export"] = "memory" })
			b.sign()
			e := b.t.start(container{bundle: b.dir, command: payload})
			if e.status != 125 && e.status != 126 {
				t.wrong("status %d, expected 125 or 126", e.status)
			}
		}},
		{"manifest", "script_with_another_interpreter", func(t *trial) {
			b := t.copyBundle()
			sum := manifest.Sum(b.read("rootfs/opt/good.sh")).String()
			b.manifest(func(m map[string]any) {
				for _, x := range m["executables"].([]any) {
					if x := x.(map[string]any); x["sha256"] == sum {
						x["interpreter"] = "/bin/sh"
					}
				}
			})
			b.sign()
			t.refused(t.start(container{bundle: b.dir, command: []string{"/opt/good.sh"}}), 126)
		}},
		{"manifest", "control_paths_decide_nothing", func(t *trial) {
			b := t.copyBundle()
			b.manifest(func(m map[string]any) {
				for _, x := range m["executables"].([]any) {
					x.(map[string]any)["paths"] = []any{"/opt/evil.sh"}
				}
			})
			b.sign()
			t.judge(t.start(container{bundle: b.dir, command: []string{"/bin/attack", "data_file_of_the_bundle_made_executable"}}))
		}},
	}
}

func upperDigest(s string) string {
	i := strings.Index(s, `"sha256": "`) + len(`"sha256": "`)
	return s[:i] + strings.ToUpper(s[i:i+64]) + s[i+64:]
}
