package sandbox

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// verdict runs the filter on a call, in a machine for BPF.
func verdict(t *testing.T, mounts bool, arch uint32, nr uint32, args ...uint64) int {
	t.Helper()
	p, err := program(1, mounts, false)
	must(t, err)
	vm, err := bpf.NewVM(p)
	must(t, err)
	data := make([]byte, 64) // struct seccomp_data, each word the way the machine reads it
	binary.BigEndian.PutUint32(data, nr)
	binary.BigEndian.PutUint32(data[4:], arch)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[16+8*i:], uint32(a))
		binary.BigEndian.PutUint32(data[20+8*i:], uint32(a>>32))
	}
	n, err := vm.Run(data)
	must(t, err)
	return n
}

// What is in no list is refused, whatever the arguments, also if they look like numbers of calls
// that may be made.
func TestFilterIsAList(t *testing.T) {
	known := map[uint32]bool{unix.SYS_CLONE3: true}
	for _, c := range checked(1) {
		known[c.nr] = true
	}
	for _, list := range [][]uint32{plainCalls, deadly} {
		for _, nr := range list {
			if known[nr] {
				t.Errorf("call %d is listed twice", nr)
			}
			known[nr] = true
		}
	}
	for nr := range uint32(1000) {
		for _, arg := range []uint64{0, 9, unix.SYS_READ, ^uint64(0)} {
			got := verdict(t, false, arch, nr, arg, arg, arg, arg, arg, arg)
			if !known[nr] && got != eperm {
				t.Errorf("call %d(%d, ...): %#x, want EPERM", nr, arg, got)
			}
		}
	}
	for _, nr := range plainCalls {
		if got := verdict(t, false, arch, nr, 9, 9, 9, 9, 9, 9); got != allow {
			t.Errorf("call %d: %#x, want to be allowed", nr, got)
		}
	}
	for _, nr := range deadly {
		if got := verdict(t, true, arch, nr); got != kill {
			t.Errorf("call %d: %#x, want to kill", nr, got)
		}
	}
}

func TestFilterLooksAtArguments(t *testing.T) {
	const i386 = 0x40000003
	for _, test := range []struct {
		name   string
		mounts bool
		arch   uint32
		nr     uint32
		args   []uint64
		want   int
	}{
		{"another architecture", false, i386, unix.SYS_READ, nil, kill},
		{"x32", false, arch, x32 | unix.SYS_READ, nil, kill},
		{"mmap", false, arch, unix.SYS_MMAP, []uint64{0, page, rw}, allow},
		{"mmap to execute", false, arch, unix.SYS_MMAP, []uint64{0, page, rx}, kill},
		{"mmap to execute and more", false, arch, unix.SYS_MMAP, []uint64{0, page, ^uint64(0)}, kill},
		{"mprotect to execute", false, arch, unix.SYS_MPROTECT, []uint64{0, page, unix.PROT_EXEC}, kill},
		{"a thread", false, arch, unix.SYS_CLONE, []uint64{threadFlags}, allow},
		{"a thread, detached", false, arch, unix.SYS_CLONE, []uint64{threadFlags | threadIgnored}, allow},
		{"a thread in a namespace", false, arch, unix.SYS_CLONE, []uint64{threadFlags | unix.CLONE_NEWNET}, kill},
		{"a thread with files of its own", false, arch, unix.SYS_CLONE, []uint64{threadFlags &^ unix.CLONE_FILES}, kill},
		{"a process", false, arch, unix.SYS_CLONE, []uint64{uint64(unix.SIGCHLD)}, kill},
		{"dirty pages", false, arch, unix.SYS_IOCTL, []uint64{fdPagemap, pagemapScan}, allow},
		{"another ioctl", false, arch, unix.SYS_IOCTL, []uint64{pagemapScan, unix.TIOCSTI}, eperm},
		{"own threads", false, arch, unix.SYS_TGKILL, []uint64{1, 2, 3}, allow},
		{"others' threads", false, arch, unix.SYS_TGKILL, []uint64{2, 1, 1}, eperm},
		{"memory to be executed", false, arch, unix.SYS_MEMFD_CREATE, []uint64{0, mfdExec | 1}, kill},
		{"the launcher", false, arch, unix.SYS_SENDMSG, []uint64{fdControl}, allow},
		{"not the launcher", false, arch, unix.SYS_SENDMSG, []uint64{fdControl + 1}, kill},
		{"stat without mounts", false, arch, unix.SYS_NEWFSTATAT, nil, eperm},
		{"stat with mounts", true, arch, unix.SYS_NEWFSTATAT, nil, allow},
		{"chmod", true, arch, unix.SYS_FCHMODAT, []uint64{9, 0, 0o1777}, allow},
		{"chmod with setuid", true, arch, unix.SYS_FCHMODAT, []uint64{9, 0, 0o4755}, eperm},
		{"mkdir with setgid", true, arch, unix.SYS_MKDIRAT, []uint64{9, 0, 0o2755}, eperm},
	} {
		if got := verdict(t, test.mounts, test.arch, test.nr, test.args...); got != test.want {
			t.Errorf("%s: %#x, want %#x", test.name, got, test.want)
		}
	}
}
