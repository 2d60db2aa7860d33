package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"vkernel/internal/bundle/build"
	"vkernel/internal/kernel"
	"vkernel/internal/sandbox"
)

// hostFindings are about the CPU and Linux.
func hostFindings() []finding {
	x := cpu.X86
	v2 := x.HasSSE3 && x.HasSSSE3 && x.HasSSE41 && x.HasSSE42 && x.HasPOPCNT && x.HasCX16
	return []finding{
		check("x86-64-v2", v2, "the CPU has what native code is compiled for", missing,
			"the CPU is older than x86-64-v2 (SSE4.2): native code cannot run"),
		check("FSGSBASE", auxv(atHWCAP2)&hwcap2FSGSBase != 0, "user space may set GS: entering a guest takes tens of nanoseconds", weak,
			"each entry into a guest is a system call more: Linux before 5.9, or 'nofsgsbase' on its command line"),
		checkOpenat2(),
		checkMemfd(),
		checkPagemap(),
		checkOvercommit(),
		checkMapCount(),
		checkAddressSpace(),
	}
}

// sandboxFindings are about what holds the process that a container runs in.
func sandboxFindings() (found []finding) {
	for _, f := range sandbox.Features() {
		otherwise := weak
		if f.Required {
			otherwise = missing
		}
		found = append(found, check(f.Name, f.Has, f.Detail, otherwise, f.Detail+": "+f.Cost))
	}
	return found
}

// Of the auxiliary vector.
const (
	atHWCAP2       = 26
	hwcap2FSGSBase = 1 << 1
)

// auxv is one value of the process's auxiliary vector, 0 if it is not there.
func auxv(key uint64) uint64 {
	data, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return 0
	}
	for ; len(data) >= 16; data = data[16:] {
		if binary.NativeEndian.Uint64(data) == key {
			return binary.NativeEndian.Uint64(data[8:])
		}
	}
	return 0
}

func checkOpenat2() finding {
	fd, err := unix.Openat2(unix.AT_FDCWD, ".", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS})
	if err == nil {
		unix.Close(fd)
	}
	return check("openat2", err == nil, "files of the host are opened beneath their mounts only", missing,
		fmt.Sprintf("openat2: %v: it needs Linux 5.6 and no seccomp filter that forbids it", err))
}

func checkMemfd() finding {
	fd, err := unix.MemfdCreate("doctor", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate("doctor", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err == nil {
		unix.Close(fd)
	}
	return check("sealed memfd", err == nil, "native code is mapped from memory that nobody can change", missing,
		fmt.Sprintf("memfd_create: %v: is vm.memfd_noexec set to 2?", err))
}

// pagemapScan is the ioctl PAGEMAP_SCAN. Asked with a structure of a wrong size, a kernel
// that has it says EINVAL, another ENOTTY.
const pagemapScan = 0xc0606610

func checkPagemap() finding {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return finding{"pagemap", missing, fmt.Sprintf("%v: fork and slot reuse find dirty pages there", err)}
	}
	defer f.Close()
	err = unix.IoctlSetPointerInt(int(f.Fd()), pagemapScan, 0)
	return check("PAGEMAP_SCAN", err == nil || errors.Is(err, unix.EINVAL), "dirty pages are found in microseconds", weak,
		"Linux before 6.7: fork and slot reuse read /proc/self/pagemap instead, which is slower for large programs")
}

func checkOvercommit() finding {
	mode := sysctl("vm/overcommit_memory")
	return check("overcommit", mode != 2, fmt.Sprintf("vm.overcommit_memory is %d", mode), weak,
		"vm.overcommit_memory is 2: memory that guests may use is charged before they use it, so fewer fit")
}

// mapsPerProcess is about what a process costs of vm.max_map_count.
const mapsPerProcess = 6

func checkMapCount() finding {
	n := sysctl("vm/max_map_count")
	enough := kernel.DefaultProcesses * mapsPerProcess
	return check("max_map_count", n >= enough, fmt.Sprintf("vm.max_map_count is %d: enough for the %d processes that a container may have", n, kernel.DefaultProcesses), weak,
		fmt.Sprintf("vm.max_map_count is %d: a container ends at about %d processes; for all %d: sysctl vm.max_map_count=%d", n, n/mapsPerProcess, kernel.DefaultProcesses, enough))
}

func checkAddressSpace() finding {
	var l unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_AS, &l)
	return check("address space", err == nil && l.Cur == unix.RLIM_INFINITY, "unlimited: each process reserves about 8 GiB of it", missing,
		fmt.Sprintf("limited to %s, and each process reserves about 8 GiB: ulimit -v unlimited", bytesText(l.Cur)))
}

// sysctl reads a number below /proc/sys, -1 if it cannot.
func sysctl(name string) int {
	data, err := os.ReadFile(filepath.Join("/proc/sys", name))
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return -1
	}
	return n
}

// toolFindings are about what builds need.
func toolFindings() []finding {
	var found []finding
	for _, tool := range build.Tools {
		path, err := exec.LookPath(tool.Program)
		found = append(found, check(tool.Program, err == nil, path, weak,
			fmt.Sprintf("not installed: 'vkernel build' needs it: apt-get install %s", tool.Package)))
	}
	return found
}

// keyFindings are about keys.
func keyFindings() []finding {
	config, err := configDir()
	if err != nil {
		return []finding{{"keys", weak, err.Error()}}
	}
	policy, _, err := (&trustFlags{}).load("")
	if err != nil {
		return []finding{{"trust policy", weak, err.Error()}}
	}
	found := []finding{{"trust policy", good, fmt.Sprintf("%s trusted, threshold %d, %s revoked (%s)",
		count(len(policy.Keys), "key"), policy.Threshold, count(len(policy.Revoked), "digest"), trustFile(config))}}
	for i := range policy.Keys {
		k := &policy.Keys[i]
		if at := k.Expires; !at.IsZero() && time.Until(at.Time) < 30*24*time.Hour {
			found = append(found, finding{"key " + k.Name, weak, "its time ends at " + at.Format(time.RFC3339) + ": have a new one trusted before ('vkernel trust --help')"})
		}
	}
	return found
}
