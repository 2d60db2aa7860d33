package main

// rule is one on the addresses of a call.
func rule(call string, addresses ...string) any {
	return map[string]any{"syscall": call, "addresses": strs(addresses...)}
}

// addressCases are policies about sockets, and about who is given a descriptor.
func addressCases() []*testCase {
	return []*testCase{
		held("addresses_that_are_open", func(m map[string]any) {
			entry(m, "attack")["rules"] = []any{
				rule("connect", "127.0.0.1:4000"), rule("bind", "127.0.0.1:4000"),
				rule("sendto", "127.0.0.1:4000"), rule("sendmsg", "127.0.0.1:4000"),
			}
		}),
		held("unix_addresses_that_are_open", func(m map[string]any) {
			entry(m, "attack")["rules"] = []any{
				rule("connect", "unix:/case/ok", "unix:@ok"), rule("bind", "unix:/case/ok", "unix:@ok"),
				rule("sendto", "unix:/case/ok"), rule("sendmsg", "unix:/case/ok"),
			}
		}),
		held("socket_families", func(m map[string]any) {
			entry(m, "attack")["rules"] = []any{map[string]any{"syscall": "socket", "arg": 0, "allow": numbers(1)}}
		}),
		held("passed_to_one_that_may_not_open", func(m map[string]any) {
			entry(m, "attack")["rules"] = []any{
				map[string]any{"paths": strs("/case"), "write": true},
				map[string]any{"paths": strs("/bin")},
				map[string]any{"paths": strs("/proc")},
			}
		}),
		held("passed_to_one_that_starts_nothing", func(m map[string]any) {
			entry(m, "attack")["starts"] = strs()
			entry(m, "attack")["inherit"] = true
		}),
	}
}
