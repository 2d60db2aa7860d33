package kernel

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// What a container may use of the host's memory is bounded by killing: guests get memory
// when they touch it, so that nobody can be refused then. A goroutine looks at what the
// host process uses, the kernel's own memory included, the more often the nearer that is to
// the limit, and beyond it kills the largest processes.

// DefaultMemory is half of what the host has, or of what its control group lets this process
// have: many processes that grow at once pass the limit before they are dead.
func DefaultMemory() uint64 {
	total := uint64(1) << 40
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) == nil {
		total = s.Totalram * uint64(s.Unit)
	}
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 64); err == nil {
			total = min(total, n)
		}
	}
	return total / 2
}

// hostMemory is what the host says that this process has in memory.
type hostMemory struct {
	private uint64 // and what is mapped from files on disk
	shared  uint64 // mapped from memory files: each page as often as it is mapped
}

// statusSize bounds /proc/self/status, which has some 1,500 bytes.
const statusSize = 8192

// resident reads it from the open /proc/self/status: a sandbox has no procfs.
func resident(status *os.File) (m hostMemory) {
	var buf [statusSize]byte
	n, err := status.ReadAt(buf[:], 0)
	if n == 0 && err != nil {
		return m
	}
	b := buf[:n]
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch string(name) {
		case "RssAnon", "RssFile":
			m.private += kilobytes(value)
		case "RssShmem":
			m.shared += kilobytes(value)
		}
	}
	return m
}

func kilobytes(value []byte) uint64 {
	f := bytes.Fields(value)
	if len(f) == 0 {
		return 0
	}
	n, err := strconv.ParseUint(string(f[0]), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// used is the memory of this process that is in use: what is private, the layers that forks
// have made, the memory of processes with threads, files that were mapped, and what guests share. Of this the host says only how often it is mapped, so it
// counts as what the guests have asked for, if that is less. What guests map of the host's own files is the host's cache.
func (r *reaper) used() uint64 {
	m := resident(r.status)
	layers := r.code.LayerBytes() + r.code.ThreadBytes() + r.files()
	if all := m.private + m.shared + layers; all <= r.limit {
		return all
	}
	asked, cached := uint64(0), uint64(0)
	for _, p := range r.table.All() {
		p.View(func(m *proc.Memory) { asked, cached = asked+m.Space.Shared(), cached+m.Space.Cached() })
	}
	return m.private - min(m.private, cached) + layers + min(m.shared, asked)
}

// heap is the memory of the kernel's own objects, dead ones included.
func heap() (n uint64) {
	s := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(s)
	for i := range s {
		if s[i].Value.Kind() == metrics.KindUint64 {
			n += s[i].Value.Uint64()
		}
	}
	return n
}

// touchRate is how many bytes one processor can make resident in a second, at most.
const touchRate = 5 << 30

// pause is how long the limit cannot be reached from used.
func pause(used, limit uint64) time.Duration {
	if used >= limit {
		return 10 * time.Millisecond
	}
	rate := float64(touchRate) * float64(runtime.GOMAXPROCS(0))
	d := time.Duration(float64(limit-used) / rate * float64(time.Second))
	return min(max(d, 5*time.Millisecond), 500*time.Millisecond)
}

// candidate is a process that might be killed for its memory.
type candidate struct {
	p     *proc.Process
	bytes uint64
}

// reaper enforces the limit.
type reaper struct {
	limit  uint64
	status *os.File // /proc/self/status
	table  *proc.Table
	code   *engine.Code
	files  func() uint64 // bytes of files that were mapped
	log    *slog.Logger
	warm   *warmImages
	dying  []candidate // killed, and not gone when last looked at
	freed  time.Time   // when the kernel's own garbage was last given back
}

func (k *Kernel) reaper() *reaper {
	return &reaper{limit: k.config.Limits.Memory, status: k.config.Status, table: k.table, code: k.config.Code, files: k.memoryFiles, log: k.config.Log, warm: k.warm}
}

// memoryFiles is what the memory file systems have in files that were mapped. What they have on the heap is
// the kernel's own memory.
func (k *Kernel) memoryFiles() (n uint64) {
	seen := map[vfs.FS]bool{}
	add := func(fs vfs.FS) {
		if m, ok := fs.(interface{ MemoryBytes() uint64 }); ok && !seen[fs] {
			seen[fs] = true
			n += m.MemoryBytes()
		}
	}
	add(k.table.Anonymous())
	for _, m := range k.ns.Mounts() {
		add(m.FS)
	}
	return n
}

// watch enforces the limit until ctx is done.
func (r *reaper) watch(ctx context.Context) {
	if r.status == nil {
		var err error
		if r.status, err = os.Open("/proc/self/status"); err != nil {
			r.log.Error("the limit of memory is not enforced", "reason", err)
			return
		}
		defer r.status.Close()
	}
	for used := r.used(); ; used = r.used() {
		if used > r.limit {
			r.relieve(used)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause(used, r.limit)):
		}
	}
}

// relieve gives back the kernel's garbage and its warm images first, and then kills.
func (r *reaper) relieve(used uint64) {
	if r.warm != nil && r.warm.relieve() {
		if used = r.used(); used <= r.limit {
			return
		}
	}
	if time.Since(r.freed) > time.Second && heap() > r.limit/8 {
		debug.FreeOSMemory()
		r.freed = time.Now()
		if used = r.used(); used <= r.limit {
			return
		}
	}
	r.dying = slices.DeleteFunc(r.dying, func(c candidate) bool { return c.p.State() >= proc.Zombie })
	for _, c := range r.dying {
		used -= min(used, c.bytes)
	}
	if used <= r.limit {
		return // it is on its way
	}
	for _, c := range victims(r.candidates(), used-r.limit+r.limit/16) {
		r.log.Warn("out of memory: killed", "pid", c.p.PID(), "name", c.p.Thread().Name(), "bytes", c.bytes, "limit", r.limit)
		outside := c.p.Table().Outside()
		outside.RLock()
		c.p.Signal(linux.Info(linux.SIGKILL, linux.SI_KERNEL))
		outside.RUnlock()
		r.dying = append(r.dying, c)
	}
}

// candidates measures the processes that live and are not dying. The first one counts half,
// since its end is that of all.
func (r *reaper) candidates() (all []candidate) {
	init := r.table.Init()
	for _, p := range r.table.All() {
		if p.State() >= proc.Zombie || slices.ContainsFunc(r.dying, func(c candidate) bool { return c.p == p }) {
			continue
		}
		c := candidate{p: p, bytes: kernelBytes(p)}
		p.View(func(m *proc.Memory) {
			u := m.Space.Usage()
			c.bytes += u.Resident - min(u.Lent, u.Resident) + uint64(u.Areas)*perArea
		})
		if p == init {
			c.bytes /= 2
		}
		all = append(all, c)
	}
	return all
}

// perArea is what the kernel keeps for an area of memory.
const perArea = 128

// kernelBytes is about what the kernel keeps for a process, where a process can make it
// much.
func kernelBytes(p *proc.Process) uint64 {
	const perFile, perString = 512, 32
	n := uint64(len(p.Files().Numbers()))*perFile + p.Kept()
	if image := p.Image(); image != nil {
		for _, list := range [][]string{image.Argv, image.Env} {
			for _, s := range list {
				n += uint64(len(s)) + perString
			}
		}
	}
	return n
}

// victims chooses the largest, until their memory is enough.
func victims(all []candidate, need uint64) []candidate {
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(b.bytes, a.bytes) })
	sum := uint64(0)
	for i := range all {
		if sum += all[i].bytes; sum >= need {
			return all[:i+1]
		}
	}
	return all
}
