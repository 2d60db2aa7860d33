package procfs

import (
	"vkernel/internal/linux"
)

// Modes of rows.
const (
	fileMode    = linux.S_IFREG | 0o444
	secretMode  = linux.S_IFREG | 0o400
	storeMode   = linux.S_IFREG | 0o644
	dirMode     = linux.S_IFDIR | 0o555
	privateMode = linux.S_IFDIR | 0o500
	linkMode    = linux.S_IFLNK | 0o777
	magicMode   = linux.S_IFLNK | 0o700
)

// The tables. They are filled once, by init, because rows refer to functions that refer to
// rows, and never change after it.
var (
	rootKind, pidKind, taskKind, taskDirKind *kind
	fdDirKind, fdinfoDirKind                 *kind
	linkFD, infoFD, exeLink                  *kind
)

func init() {
	exeLink = &kind{name: "exe", mode: magicMode, link: readExe, jump: jumpExe, private: true}
	linkFD = &kind{mode: magicMode, link: readFD, jump: jumpFD, private: true}
	infoFD = &kind{mode: secretMode, text: fdinfo, private: true}
	fdDirKind = &kind{name: "fd", mode: privateMode, list: listFD, find: findFD, private: true}
	fdinfoDirKind = &kind{name: "fdinfo", mode: privateMode, list: listFD, find: findFDInfo, private: true}
	common := []*kind{
		{name: "stat", mode: fileMode, text: stat},
		{name: "status", mode: fileMode, text: status},
		{name: "statm", mode: fileMode, text: statm},
		{name: "cmdline", mode: fileMode, text: cmdline},
		{name: "comm", mode: storeMode, text: comm, store: setComm},
		{name: "maps", mode: fileMode, text: maps, private: true},
		{name: "smaps", mode: fileMode, text: smaps, private: true},
		{name: "environ", mode: secretMode, text: environ, private: true},
		{name: "environ.lines", mode: secretMode, text: environLines, private: true},
		{name: "limits", mode: fileMode, text: limits},
		{name: "mounts", mode: fileMode, text: mounts},
		{name: "mountinfo", mode: fileMode, text: mountinfo},
		{name: "cgroup", mode: fileMode, text: constant("0::/\n")},
		{name: "oom_score", mode: fileMode, text: constant("0\n")},
		{name: "oom_score_adj", mode: storeMode, text: constant("0\n"), store: ignore},
		{name: "wchan", mode: fileMode, text: constant("0")},
		{name: "io", mode: secretMode, text: ioCounts, private: true},
		{name: "cwd", mode: magicMode, link: readCwd, jump: jumpCwd, private: true},
		{name: "root", mode: magicMode, link: readRoot, jump: jumpRoot, private: true},
		{name: "net", mode: dirMode, rows: netRows()},
		exeLink, fdDirKind, fdinfoDirKind,
	}
	taskDirKind = &kind{mode: dirMode, rows: common}
	taskKind = &kind{name: "task", mode: dirMode, list: listTask, find: findTask}
	pidKind = &kind{mode: dirMode, rows: append(common[:len(common):len(common)], taskKind)}
	rootKind = &kind{mode: dirMode, list: listPID, find: findPID, rows: []*kind{
		{name: "self", mode: linkMode, link: self},
		{name: "thread-self", mode: linkMode, link: threadSelf},
		{name: "mounts", mode: linkMode, link: toSelf("self/mounts")},
		{name: "net", mode: linkMode, link: toSelf("self/net")},
		{name: "uptime", mode: fileMode, text: uptime},
		{name: "loadavg", mode: fileMode, text: loadavg},
		{name: "meminfo", mode: fileMode, text: meminfo},
		{name: "stat", mode: fileMode, text: systemStat},
		{name: "version", mode: fileMode, text: version},
		{name: "cpuinfo", mode: fileMode, text: cpuinfo},
		{name: "filesystems", mode: fileMode, text: filesystems},
		{name: "cmdline", mode: fileMode, text: constant("vkernel\n")},
		{name: "devices", mode: fileMode, text: constant(devices)},
		{name: "partitions", mode: fileMode, text: constant("major minor  #blocks  name\n\n")},
		{name: "swaps", mode: fileMode, text: constant("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")},
		{name: "vmstat", mode: fileMode, text: vmstat},
		{name: "sys", mode: dirMode, rows: sysRows()},
	}}
	number(rootKind.rows, 1)
	number(common, 1)
	for i, k := range []*kind{rootKind, pidKind, taskDirKind, taskKind, linkFD, infoFD} {
		k.ino = 200 + uint64(i)
	}
	nameAll()
}

// number gives rows their inode numbers, those of subdirectories included.
func number(rows []*kind, next uint64) uint64 {
	for _, k := range rows {
		k.ino = next
		next = number(k.rows, next+1)
	}
	return next
}

const devices = "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n"

// constant is the content of a file that never changes.
func constant(s string) func(*request) []byte {
	return func(*request) []byte { return []byte(s) }
}

// ignore takes a value that has no effect here.
func ignore(*request, []byte) linux.Errno { return 0 }
