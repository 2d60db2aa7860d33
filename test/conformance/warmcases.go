package main

// hot is a case in which /bin/heat may start warm.
func hot(name string, narrow func(m map[string]any), command ...string) *testCase {
	return &testCase{"warm", name, func(t *trial) {
		b := t.copyBundle()
		b.manifest(func(m map[string]any) {
			entry(m, "heat")["warm"] = map[string]any{}
			if narrow != nil {
				narrow(m)
			}
		})
		b.sign()
		t.judge(t.start(container{bundle: b.dir, command: command}))
	}}
}

// warmCases try to get by a warm start what a cold one would not give.
func warmCases() []*testCase {
	return []*testCase{
		hot("same_start", nil, "/bin/heat", "run", "/bin/heat", "look"),
		hot("other_secure_bits", nil, "/bin/heat", "bits"),
		hot("other_root_directory", nil, "/bin/heat", "jail"),
		hot("content_that_has_changed", nil, "/bin/heat", "changed"),
		hot("file_that_it_had_read_is_gone", nil, "/bin/heat", "removed"),
		hot("policy_of_who_starts_it", func(m map[string]any) {
			dash := entry(m, "dash")
			dash["inherit"] = true
			dash["rules"] = []any{
				map[string]any{"paths": strs("/bin")},
				map[string]any{"paths": strs("/usr")},
				map[string]any{"paths": strs("/dev"), "write": true},
			}
		}, "/bin/heat", "run", "/bin/dash", "-c", "i=0; while [ $i -lt 40 ]; do x=$(/bin/heat look); case $x in *wrong*) echo \"$x\";; esac; i=$((i+1)); done; exec /bin/heat look"),
		hot("starts_hold_for_it", func(m map[string]any) {
			entry(m, "dash")["starts"] = strs("dash")
		}, "/bin/heat", "run", "/bin/dash", "-c", "/bin/heat is-warm; [ $? = 126 ] && echo passed || echo failed"),
	}
}
