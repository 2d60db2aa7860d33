package procfs

import (
	"crypto/rand"
	"fmt"
)

// Files of /proc/sys: constants, and the names of the system.

// value is a sysctl file with a fixed value.
func value(name, v string) *kind { return &kind{name: name, mode: fileMode, text: constant(v + "\n")} }

// named is a sysctl file that shows one of the system's names.
func named(name string, get func(Names) string) *kind {
	return &kind{name: name, mode: fileMode, text: func(r *request) []byte {
		return []byte(get(r.fs.sys.Names()) + "\n")
	}}
}

func group(name string, rows ...*kind) *kind { return &kind{name: name, mode: dirMode, rows: rows} }

func sysRows() []*kind {
	return []*kind{
		group("kernel",
			named("ostype", func(n Names) string { return n.Sysname }),
			named("osrelease", func(n Names) string { return n.Release }),
			named("version", func(n Names) string { return n.Version }),
			named("hostname", func(n Names) string { return n.Node }),
			named("domainname", func(n Names) string { return n.Domain }),
			value("pid_max", "32768"),
			value("threads-max", "32768"),
			value("ngroups_max", "65536"),
			value("cap_last_cap", "40"),
			value("overflowuid", "65534"),
			value("overflowgid", "65534"),
			value("randomize_va_space", "2"),
			value("printk", "4\t4\t1\t7"),
			value("core_pattern", "core"),
			group("random",
				&kind{name: "boot_id", mode: fileMode, text: bootID},
				&kind{name: "uuid", mode: fileMode, text: newID},
				value("entropy_avail", "256"),
				value("poolsize", "256"),
			),
		),
		group("fs",
			value("file-max", "1048576"),
			value("nr_open", "1048576"),
			value("pipe-max-size", "1048576"),
			value("pipe-user-pages-soft", "16384"),
			group("epoll", value("max_user_watches", "65536")),
			group("inotify",
				value("max_queued_events", "16384"),
				value("max_user_instances", "128"),
				value("max_user_watches", "65536"),
			),
		),
		group("vm",
			value("overcommit_memory", "1"),
			value("max_map_count", "65530"),
			value("swappiness", "60"),
		),
	}
}

// uuid prints bytes as a version 4 UUID.
func uuid(id [16]byte) []byte {
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Appendf(nil, "%x-%x-%x-%x-%x\n", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

func bootID(r *request) []byte { return uuid(r.fs.id) }

func newID(*request) []byte {
	var id [16]byte
	rand.Read(id[:])
	return uuid(id)
}
