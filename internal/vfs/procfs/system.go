package procfs

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Files about the whole container.

func self(r *request) (string, linux.Errno) {
	pid := r.fs.sys.Self(r.c)
	if pid == 0 {
		return "", linux.ENOENT
	}
	return strconv.Itoa(pid), 0
}

func threadSelf(r *request) (string, linux.Errno) {
	pid, e := self(r)
	return pid + "/task/" + pid, e
}

func toSelf(s string) func(*request) (string, linux.Errno) {
	return func(*request) (string, linux.Errno) { return s, 0 }
}

func listPID(r *request) []member {
	pids := r.fs.sys.PIDs()
	members := make([]member, 0, len(pids))
	for _, pid := range pids {
		members = append(members, member{strconv.Itoa(pid), pid, linux.DT_DIR})
	}
	return members
}

// decimal reads a number as a name writes it: no signs, no leading zeros.
func decimal(name string) (int, bool) {
	n, err := strconv.Atoi(name)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == name
}

func findPID(r *request, name string) (vfs.Node, bool) {
	pid, ok := decimal(name)
	if !ok || pid == 0 {
		return nil, false
	}
	if _, ok := r.fs.sys.Find(pid); !ok {
		return nil, false
	}
	return dir{node{fs: r.fs, kind: pidKind, pid: pid}}, true
}

// seconds prints a duration as 12.34.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%d.%02d", d/time.Second, d%time.Second/(10*time.Millisecond))
}

// up is the time since boot, and idle what the processors did not work of it.
func up(r *request) (total, idle time.Duration) {
	total = time.Since(r.fs.sys.Boot())
	return total, max(0, total*time.Duration(runtime.NumCPU())-busy(r))
}

// busy is the CPU time of all processes.
func busy(r *request) time.Duration {
	user, system := r.fs.sys.Busy()
	return user + system
}

func uptime(r *request) []byte {
	total, idle := up(r)
	return []byte(seconds(total) + " " + seconds(idle) + "\n")
}

// running counts the processes that run.
func running(r *request) (run, all int) {
	for _, pid := range r.fs.sys.PIDs() {
		if p, ok := r.fs.sys.Find(pid); ok {
			all++
			if p.Facts().State == 'R' {
				run++
			}
		}
	}
	return run, all
}

func loadavg(r *request) []byte {
	run, all := running(r)
	load := r.fs.sys.Load()
	return fmt.Appendf(nil, "%.2f %.2f %.2f %d/%d %d\n", load[0], load[1], load[2], run, all, r.fs.sys.LastPID())
}

func meminfo(r *request) []byte {
	total, free := r.fs.sys.Memory()
	var b strings.Builder
	line := func(name string, bytes uint64) { fmt.Fprintf(&b, "%-16s%8d kB\n", name+":", bytes>>10) }
	line("MemTotal", total)
	line("MemFree", free)
	line("MemAvailable", free)
	for _, name := range []string{"Buffers", "Cached", "SwapCached", "Active", "Inactive", "SwapTotal", "SwapFree", "Dirty", "Writeback"} {
		line(name, 0)
	}
	line("AnonPages", total-min(free, total))
	for _, name := range []string{"Mapped", "Shmem", "Slab", "SReclaimable", "SUnreclaim"} {
		line(name, 0)
	}
	return []byte(b.String())
}

func systemStat(r *request) []byte {
	_, idle := up(r)
	cpus := runtime.NumCPU()
	user, system := r.fs.sys.Busy()
	run, _ := running(r)
	var b strings.Builder
	ticks := linux.ToTicks
	fmt.Fprintf(&b, "cpu  %d 0 %d %d 0 0 0 0 0 0\n", ticks(user), ticks(system), ticks(idle))
	for i := range cpus {
		n := int64(cpus)
		fmt.Fprintf(&b, "cpu%d %d 0 %d %d 0 0 0 0 0 0\n", i, ticks(user)/n, ticks(system)/n, ticks(idle)/n)
	}
	fmt.Fprintf(&b, "intr 0\nctxt 0\nbtime %d\nprocesses %d\nprocs_running %d\nprocs_blocked 0\nsoftirq 0\n",
		r.fs.boot.Sec, r.fs.sys.Born(), max(run, 1))
	return []byte(b.String())
}

func version(r *request) []byte {
	n := r.fs.sys.Names()
	return fmt.Appendf(nil, "%s version %s (vkernel) %s\n", n.Sysname, n.Release, n.Version)
}

func cpuinfo(*request) []byte {
	var b strings.Builder
	for i := range runtime.NumCPU() {
		fmt.Fprintf(&b, "processor\t: %d\nvendor_id\t: vkernel\ncpu family\t: 6\nmodel\t\t: 0\nmodel name\t: WebAssembly\nstepping\t: 0\n"+
			"cpu MHz\t\t: 1000.000\nphysical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\nflags\t\t: \nbogomips\t: 2000.00\n\n",
			i, runtime.NumCPU(), i, runtime.NumCPU())
	}
	return []byte(b.String())
}

func filesystems(*request) []byte {
	return []byte("nodev\tproc\nnodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tdevpts\nnodev\tpipefs\nnodev\toverlay\n")
}

func vmstat(r *request) []byte {
	_, free := r.fs.sys.Memory()
	return fmt.Appendf(nil, "nr_free_pages %d\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\n", free>>12)
}
