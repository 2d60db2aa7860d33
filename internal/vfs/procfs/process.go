package procfs

import (
	"fmt"
	"strconv"
	"strings"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Files about one process.

func stat(r *request) []byte {
	f := r.proc.Facts()
	foreground := f.Foreground
	if f.TTY == 0 {
		foreground = -1
	}
	prio := 20 + f.Nice
	ticks := linux.ToTicks
	start := ticks(f.Started.Sub(r.fs.sys.Boot()))
	return fmt.Appendf(nil, "%d (%s) %c %d %d %d %d %d 0 0 0 0 0 %d %d %d %d %d %d %d 0 %d %d %d %d "+
		"0 0 0 0 0 %d %d %d %d 0 0 0 %d 0 0 0 0 0 0 0 0 0 0 0 0 0 %d\n",
		f.TID, f.Name, f.State, f.Parent, f.Group, f.Session, int32(uint32(f.TTY)), foreground,
		ticks(f.User), ticks(f.System), ticks(f.ChildrenUser), ticks(f.ChildrenSystem), prio, f.Nice, f.Threads, start, f.Virtual, f.Resident>>12, uint64(linux.RLIM_INFINITY),
		(f.Pending|f.Private)&0x7fffffff, f.Blocked&0x7fffffff, f.Ignored&0x7fffffff, f.Caught&0x7fffffff, f.ExitSignal, f.ExitCode)
}

var stateNames = map[byte]string{
	'R': "R (running)", 'S': "S (sleeping)", 'T': "T (stopped)", 'Z': "Z (zombie)", 'X': "X (dead)",
}

func status(r *request) []byte {
	f := r.proc.Facts()
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("Name:\t%s", escape(f.Name))
	p("Umask:\t%04o", r.proc.FS().Umask())
	p("State:\t%s", stateNames[f.State])
	p("Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0", f.PID, f.TID, f.Parent)
	p("Uid:\t%d\t%d\t%d\t%d", f.UID[0], f.UID[1], f.UID[2], f.UID[3])
	p("Gid:\t%d\t%d\t%d\t%d", f.GID[0], f.GID[1], f.GID[2], f.GID[3])
	p("FDSize:\t%d", max(64, len(r.proc.Files().Numbers())))
	b.WriteString("Groups:\t")
	for _, g := range f.Groups {
		fmt.Fprintf(&b, "%d ", g)
	}
	p("\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d", f.PID, f.TID, f.Group, f.Session)
	if f.State != 'Z' {
		memory(p, &f)
	}
	p("Threads:\t%d\nSigQ:\t0/4096", f.Threads)
	p("SigPnd:\t%016x\nShdPnd:\t%016x\nSigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t%016x", f.Private, f.Pending, f.Blocked, f.Ignored, f.Caught)
	capabilities := uint64(0)
	if f.UID[1] == 0 {
		capabilities = 1<<41 - 1
	}
	p("CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x", 0, capabilities, capabilities, uint64(1<<41-1), 0)
	p("NoNewPrivs:\t%d\nSeccomp:\t0", map[bool]int{true: 1}[f.NoNewPrivs])
	p("voluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t%d", f.Switches[0], f.Switches[1])
	return []byte(b.String())
}

// memory prints the Vm lines of status.
func memory(p func(string, ...any), f *Facts) {
	for _, l := range []struct {
		name  string
		bytes uint64
	}{
		{"VmPeak", f.Virtual},
		{"VmSize", f.Virtual},
		{"VmLck", 0},
		{"VmPin", 0},
		{"VmHWM", max(f.Peak, f.Resident)},
		{"VmRSS", f.Resident},
		{"RssAnon", f.Resident},
		{"RssFile", 0},
		{"RssShmem", 0},
		{"VmData", f.Data},
		{"VmStk", 0},
		{"VmExe", 0},
		{"VmLib", 0},
		{"VmPTE", 0},
		{"VmSwap", 0},
	} {
		p("%s:\t%8d kB", l.name, l.bytes>>10)
	}
}

// escape keeps a name on one line, as Linux does in status.
func escape(s string) string {
	return strings.NewReplacer("\\", "\\\\", "\n", "\\n").Replace(s)
}

func statm(r *request) []byte {
	f := r.proc.Facts()
	return fmt.Appendf(nil, "%d %d 0 0 0 %d 0\n", f.Virtual>>12, f.Resident>>12, f.Data>>12)
}

// strings0 joins strings, each ended by a NUL.
func strings0(list []string) []byte {
	var b []byte
	for _, s := range list {
		b = append(append(b, s...), 0)
	}
	return b
}

func cmdline(r *request) []byte {
	if r.proc.Facts().State == 'Z' {
		return nil
	}
	return strings0(r.proc.Argv())
}

func environ(r *request) []byte { return strings0(r.proc.Env()) }

// environLines is the environment for C libraries that read it from a file, a variable in a
// line; one with a newline in it is left out.
func environLines(r *request) []byte {
	var b strings.Builder
	for _, v := range r.proc.Env() {
		if !strings.Contains(v, "\n") {
			b.WriteString(v + "\n")
		}
	}
	return []byte(b.String())
}

func comm(r *request) []byte { return []byte(r.proc.Facts().Name + "\n") }

// setComm renames a process; others than itself may not.
func setComm(r *request, p []byte) linux.Errno {
	if r.c == nil || r.fs.sys.Self(r.c) != r.proc.Facts().PID {
		return linux.EINVAL
	}
	r.proc.SetName(strings.TrimSuffix(string(p), "\n"))
	return 0
}

// mapLine prints the line of an area.
func mapLine(b *strings.Builder, a *Area) {
	bit := func(on bool, c byte) byte {
		if on {
			return c
		}
		return '-'
	}
	share := byte('p')
	if a.Shared {
		share = 's'
	}
	line := fmt.Sprintf("%08x-%08x %c%c%c%c %08x %02x:%02x %d ", a.Start, a.End,
		bit(a.Prot&linux.PROT_READ != 0, 'r'), bit(a.Prot&linux.PROT_WRITE != 0, 'w'), '-', share, a.Offset, linux.Major(a.Dev), linux.Minor(a.Dev), a.Ino)
	b.WriteString(line)
	if a.Name != "" {
		fmt.Fprintf(b, "%*s%s", max(0, 73-len(line)), "", strings.ReplaceAll(a.Name, "\n", "\\012"))
	}
	b.WriteByte('\n')
}

func maps(r *request) []byte {
	var b strings.Builder
	for _, a := range r.proc.Areas() {
		mapLine(&b, &a)
	}
	return []byte(b.String())
}

// smaps knows sizes, and counts an area as resident in the proportion that the whole
// address space is.
func smaps(r *request) []byte {
	var b strings.Builder
	f := r.proc.Facts()
	for _, a := range r.proc.Areas() {
		mapLine(&b, &a)
		size := (a.End - a.Start) >> 10
		rss := uint64(0)
		if f.Virtual > 0 {
			rss = uint64(float64(size) * float64(f.Resident) / float64(f.Virtual))
		}
		for _, l := range []struct {
			name string
			kB   uint64
		}{
			{"Size", size},
			{"KernelPageSize", 4},
			{"MMUPageSize", 4},
			{"Rss", rss},
			{"Pss", rss},
			{"Shared_Clean", 0},
			{"Shared_Dirty", 0},
			{"Private_Clean", 0},
			{"Private_Dirty", rss},
			{"Referenced", rss},
			{"Anonymous", rss},
			{"Swap", 0},
		} {
			fmt.Fprintf(&b, "%-16s%8d kB\n", l.name+":", l.kB)
		}
	}
	return []byte(b.String())
}

func ioCounts(*request) []byte {
	return []byte("rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n")
}

var limitNames = [linux.RLIM_NLIMITS][2]string{
	{"Max cpu time", "seconds"},
	{"Max file size", "bytes"},
	{"Max data size", "bytes"},
	{"Max stack size", "bytes"},
	{"Max core file size", "bytes"},
	{"Max resident set", "bytes"},
	{"Max processes", "processes"},
	{"Max open files", "files"},
	{"Max locked memory", "bytes"},
	{"Max address space", "bytes"},
	{"Max file locks", "locks"},
	{"Max pending signals", "signals"},
	{"Max msgqueue size", "bytes"},
	{"Max nice priority", ""},
	{"Max realtime priority", ""},
	{"Max realtime timeout", "us"},
}

func limits(r *request) []byte {
	text := func(v uint64) string {
		if v == linux.RLIM_INFINITY {
			return "unlimited"
		}
		return strconv.FormatUint(v, 10)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units")
	for i, l := range r.proc.Limits() {
		fmt.Fprintf(&b, "%-25s %-20s %-20s %-10s\n", limitNames[i][0], text(l.Cur), text(l.Max), limitNames[i][1])
	}
	return []byte(b.String())
}

func listTask(r *request) []member {
	var members []member
	for _, tid := range r.proc.Threads() {
		members = append(members, member{strconv.Itoa(tid), tid, linux.DT_DIR})
	}
	return members
}

func findTask(r *request, name string) (vfs.Node, bool) {
	tid, ok := decimal(name)
	if !ok {
		return nil, false
	}
	if _, ok := r.proc.Thread(tid); !ok {
		return nil, false
	}
	return dir{node{fs: r.fs, kind: taskDirKind, pid: r.proc.Facts().PID, tid: tid}}, true
}
