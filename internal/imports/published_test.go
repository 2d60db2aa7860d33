package imports

import (
	"strings"
	"testing"

	"vkernel/internal/engine/layout"
)

// published lists the system calls of the published WALI, package wali:linux64@1.0.0, with
// their parameters; each returns i64. nfds_t is a 32-bit word there, and a 64-bit one in
// other programs.
const published = `
read iii write iii open iii close i stat ii fstat ii lstat ii poll iii poll ili lseek ili mmap iiiiil mprotect iii munmap ii
brk i rt_sigaction iiii rt_sigprocmask iiii rt_sigreturn l ioctl iii pread64 iiil pwrite64 iiil readv iii writev iii
access ii pipe i select iiiii sched_yield - mremap iiiii msync iii madvise iii dup i dup2 ii nanosleep ii alarm i
setitimer iii getpid - socket iii connect iii accept iii sendto iiiiii recvfrom iiiiii sendmsg iii recvmsg iii shutdown ii
bind iii listen ii getsockname iii getpeername iii socketpair iiii setsockopt iiiii getsockopt iiiii fork - execve iii exit i
wait4 iiii kill ii uname i fcntl iii flock ii fsync i fdatasync i ftruncate il getdents iii getcwd ii chdir i fchdir i
rename ii mkdir ii rmdir i link ii unlink i symlink ii readlink iii chmod ii fchmod ii chown iii fchown iii umask i
getrlimit ii getrusage ii sysinfo i getuid - getgid - setuid i setgid i geteuid - getegid - setpgid ii getppid - setsid -
getgroups ii setgroups ii setresuid iii setresgid iii getpgid i getsid i rt_sigpending ii rt_sigsuspend ii sigaltstack ii
utime ii statfs ii fstatfs ii setrlimit ii chroot i gettid - tkill ii futex iiiiii getdents64 iii set_tid_address i
fadvise illi clock_gettime ii clock_getres ii clock_nanosleep iiii exit_group i epoll_ctl iiii openat iiii mkdirat iii
fchownat iiiii fstatat iiii unlinkat iii linkat iiiii symlinkat iii readlinkat iiii fchmodat iiii faccessat iiii
pselect6 iiiiii ppoll iiiii ppoll iliii utimensat iiii epoll_pwait iiiiii eventfd i accept4 iiii eventfd2 ii
epoll_create1 i dup3 iii pipe2 ii prlimit64 iiii renameat2 iiiii getrandom iii statx iiiii faccessat2 iiii`

// TestPublished: a program may import every published call by its published type. Those
// without a handler yet (sockets, epoll) answer ENOSYS.
func TestPublished(t *testing.T) {
	words := strings.Fields(published)
	for i := 0; i < len(words); i += 2 {
		im := layout.Import{Module: "wali", Name: "SYS_" + words[i], Type: strings.Trim(words[i+1], "-") + ":l"}
		if _, err := Check(im); err != nil {
			t.Error(err)
		}
	}
	for name, typ := range map[string]string{
		"SYS_exit": "i:", "__init": ":i", "__deinit": ":i", "__proc_exit": "i:", "__cl_get_argc": ":i", "__cl_get_argv_len": "i:i",
		"__cl_copy_argv": "ii:i", "__get_init_envfile": "ii:i", "__wasm_thread_spawn": "ii:i", "sigsetjmp": "ii:i", "setjmp": "i:i", "longjmp": "ii:",
	} {
		if known, err := Check(layout.Import{Module: "wali", Name: name, Type: typ}); err != nil || !known {
			t.Errorf("%s: %v", name, err)
		}
	}
}
