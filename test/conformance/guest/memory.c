// Code that comes from memory instead of a file.
#include "attack.h"
#include <sys/prctl.h>
#include <sys/uio.h>

#ifndef MFD_EXEC
#define MFD_EXEC 16
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#endif

static int maps(int prot, int flags, int fd) {
    void *p = mmap(0, 65536, prot, flags, fd, 0);
    int e = p == MAP_FAILED ? errno : 0;
    if (!e) munmap(p, 65536);
    return e;
}

CASE("memory", mmap_anonymous_executable) {
    WANT(maps(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1), EACCES);
    WANT(maps(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1), EACCES);
    WANT(maps(PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1), EACCES);
    WANT(maps(PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1), EACCES);
    WANT(maps(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1), 0);
}

CASE("memory", mmap_of_a_file_executable) {
    int fd = must(open(MARK, O_RDONLY));
    WANT(maps(PROT_READ | PROT_EXEC, MAP_PRIVATE, fd), EACCES);
    evil_program("mark");
    fd = must(open("mark", O_RDONLY));
    WANT(maps(PROT_READ | PROT_EXEC, MAP_PRIVATE, fd), EACCES);
    WANT(maps(PROT_EXEC, MAP_SHARED, fd), EACCES);
}

CASE("memory", mprotect_executable) {
    char *p = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WANT(err(mprotect(p, 65536, PROT_READ | PROT_EXEC)), EACCES);
    WANT(err(mprotect(p, 65536, PROT_READ | PROT_WRITE | PROT_EXEC)), EACCES);
    WANT(err(mprotect(p, 65536, PROT_EXEC)), EACCES);
    int fd = must(open(MARK, O_RDONLY));
    p = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    WANT(err(mprotect(p, 4096, PROT_READ | PROT_EXEC)), EACCES);
    WANT(err(mprotect((void *)((uintptr_t)&fd & -4096), 4096, PROT_READ | PROT_WRITE | PROT_EXEC)), EACCES);
    WANT(err(mprotect((void *)0, 4096, PROT_READ | PROT_EXEC)), EACCES, ENOMEM);
}

CASE("memory", pkey_mprotect_executable) {
    char *p = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WANT(err(syscall(SYS_pkey_mprotect, p, 65536L, (long)(PROT_READ | PROT_EXEC), -1L)), EACCES, ENOSYS);
}

CASE("memory", mremap_gives_no_execution) {
    char *p = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p = mremap(p, 65536, 131072, MREMAP_MAYMOVE);
    if (p == MAP_FAILED) bad("mremap: %s", strerror(errno));
    WANT(err(mprotect(p, 131072, PROT_READ | PROT_EXEC)), EACCES);
}

CASE("memory", read_implies_exec) {
    const long read_implies_exec = 0x0400000;
    WANT(err(syscall(SYS_personality, read_implies_exec)), EINVAL, EPERM);
    if (syscall(SYS_personality, 0xffffffffL) & read_implies_exec) bad("READ_IMPLIES_EXEC is set");
    char *p = mmap(0, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) bad("mmap: %s", strerror(errno));
}

CASE("memory", shared_memory_segment_executable) {
    long id = syscall(SYS_shmget, 0L, 65536L, 01777L);
    if (id < 0) {
        WANT(errno, ENOSYS, EPERM, EACCES);
        return;
    }
    WANT(err(syscall(SYS_shmat, id, 0L, 0100000L)), EACCES); // SHM_EXEC
}

CASE("memory", memfd_unlisted) {
    size_t n;
    char *data = get(MARK, &n);
    int fd = must(memfd_create("mark", MFD_CLOEXEC));
    must(write(fd, data, n));
    must(write(fd, "x", 1));
    WANT(run_at(fd, "", AT_EMPTY_PATH, "EVIL"), EACCES, ETXTBSY);
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int ro = must(open(name, O_RDONLY));
    close(fd);
    WANT(run_at(ro, "", AT_EMPTY_PATH, "EVIL"), EACCES);
    snprintf(name, sizeof name, "/proc/self/fd/%d", ro);
    WANT(run(name, "EVIL"), EACCES);
}

CASE("memory", memfd_listed) {
    size_t n;
    char *data = get(MARK, &n);
    int fd = must(memfd_create("mark", MFD_EXEC));
    must(write(fd, data, n));
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int ro = must(open(name, O_RDONLY));
    close(fd);
    WANT(run_at(ro, "", AT_EMPTY_PATH, "GOOD"), 0);
}

CASE("memory", memfd_without_the_right_to_execute) {
    size_t n;
    char *data = get(MARK, &n);
    int fd = must(memfd_create("mark", MFD_NOEXEC_SEAL));
    must(write(fd, data, n));
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int ro = must(open(name, O_RDONLY));
    close(fd);
    WANT(run_at(ro, "", AT_EMPTY_PATH, "GOOD"), EACCES);
    WANT(err(fchmod(ro, 0755)), EPERM);
}

CASE("memory", memfd_changed_after_it_ran) {
    size_t n;
    char *data = get(MARK, &n);
    int fd = must(memfd_create("mark", 0)), ro;
    must(write(fd, data, n));
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ro = must(open(name, O_RDONLY));
    close(fd);
    WANT(run_at(ro, "", AT_EMPTY_PATH, "GOOD"), 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", ro);
    fd = must(open(name, O_RDWR));
    must(pwrite(fd, "x", 1, 64));
    close(fd);
    WANT(run_at(ro, "", AT_EMPTY_PATH, "EVIL"), EACCES);
}

CASE("memory", memfd_script) {
    int fd = must(memfd_create("s", 0));
    must(write(fd, EVIL_TEXT, strlen(EVIL_TEXT)));
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int ro = must(open(name, O_RDONLY));
    close(fd);
    WANT(run_at(ro, "", AT_EMPTY_PATH, "EVIL"), EACCES);
}

CASE("memory", proc_mem_is_not_writable) {
    WANT(err(open("/proc/self/mem", O_RDWR)), ENOENT, EACCES, EPERM);
    WANT(err(open("/proc/self/mem", O_WRONLY)), ENOENT, EACCES, EPERM);
    WANT(err(open("/dev/mem", O_RDWR)), ENOENT, EACCES, EPERM);
    WANT(err(open("/dev/kmem", O_RDWR)), ENOENT, EACCES, EPERM);
    WANT(err(open("/proc/kcore", O_RDONLY)), ENOENT, EACCES, EPERM);
}

CASE("memory", ptrace_of_another_process) {
    pid_t pid = must(fork());
    if (pid == 0) {
        pause();
        _exit(0);
    }
    WANT(err(syscall(SYS_ptrace, 16L, (long)pid, 0L, 0L)), EPERM);     // PTRACE_ATTACH
    WANT(err(syscall(SYS_ptrace, 0x4206L, (long)pid, 0L, 0L)), EPERM); // PTRACE_SEIZE
    WANT(err(syscall(SYS_ptrace, 0L, 0L, 0L, 0L)), EPERM);             // PTRACE_TRACEME
    kill(pid, SIGKILL);
    must(waitpid(pid, 0, 0));
}

CASE("memory", process_vm_writev) {
    static int word = 1;
    pid_t pid = must(fork());
    if (pid == 0) {
        pause();
        _exit(0);
    }
    int evil = 2;
    struct iovec from = {&evil, sizeof evil}, to = {&word, sizeof word};
    WANT(err(syscall(SYS_process_vm_writev, (long)pid, &from, 1L, &to, 1L, 0L)), EPERM, ENOSYS);
    WANT(err(syscall(SYS_process_vm_readv, (long)pid, &from, 1L, &to, 1L, 0L)), EPERM, ENOSYS);
    kill(pid, SIGKILL);
    must(waitpid(pid, 0, 0));
}

CASE("memory", code_loading_calls) {
    WANT(err(syscall(SYS_uselib, "/bin/mark")), ENOSYS, EPERM);
    WANT(err(syscall(SYS_init_module, 0L, 0L, "")), ENOSYS, EPERM);
    WANT(err(syscall(SYS_finit_module, 0L, "", 0L)), ENOSYS, EPERM);
    WANT(err(syscall(SYS_kexec_load, 0L, 0L, 0L, 0L)), ENOSYS, EPERM);
    WANT(err(syscall(SYS_bpf, 5L, 0L, 0L)), ENOSYS, EPERM);
    WANT(err(syscall(SYS_modify_ldt, 1L, 0L, 0L)), ENOSYS, EPERM);
    WANT(err(syscall(SYS_userfaultfd, 0L)), ENOSYS, EPERM);
    WANT(err(syscall(SYS_io_uring_setup, 1L, 0L)), ENOSYS, EPERM);
    WANT(err(syscall(SYS_perf_event_open, 0L, 0L, -1L, -1L, 0L)), ENOSYS, EPERM);
    WANT(err(syscall(SYS_seccomp, 1L, 0L, 0L)), ENOSYS, EPERM, EINVAL, EFAULT);
}

CASE("memory", prctl_that_loosens) {
    WANT(err(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)), EINVAL);
    WANT(err(prctl(PR_SET_MM, 1, 0, 0, 0)), EINVAL, EPERM);
    WANT(err(prctl(65, 0, 0, 0, 0)), EINVAL, EPERM);  // PR_SET_MDWE without flags
    WANT(err(prctl(28, -1, 0, 0, 0)), EINVAL, EPERM); // PR_SET_SECUREBITS with unknown bits
}
