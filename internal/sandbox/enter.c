// The constructor of a sandbox process: it runs before the Go runtime has made a thread, so
// that what it gives up, it gives up for all of them.
#define _GNU_SOURCE
#include "enter.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct vk_entered vk_entered;

// die ends a process that cannot be made a sandbox. The launcher shows what is written to
// standard error.
static void die(const char *what) {
    dprintf(2, "%s: %s\n", what, strerror(errno));
    _exit(125);
}

// open_as opens a file of procfs under a number.
static void open_as(const char *path, int number) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (fd != number && dup3(fd, number, O_CLOEXEC) < 0)) die(path);
    if (fd != number) close(fd);
}

// close_from closes all descriptors from a number on: those that whoever started the launcher has left
// open are not the container's.
static void close_from(int first) {
    if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
    DIR *d = opendir("/proc/self/fd"); // Linux before 5.9, or a filter around the launcher
    if (!d) die("/proc/self/fd");
    for (struct dirent *e; (e = readdir(d));) {
        int fd = atoi(e->d_name); // 0 for what is no number
        if (fd >= first && fd != dirfd(d) && close(fd)) die("close");
    }
    closedir(d);
}

// empty_root makes the root an empty directory that nobody can write to, and lets go of all
// that was mounted. It gives an errno.
static int empty_root(void) {
    const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    const char *at = "/proc"; // any directory; the process had to find this one
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) return errno;
    if (mount("none", at, "tmpfs", flags, "size=4k,nr_inodes=1,mode=555")) return errno;
    if (chdir(at)) return errno;
    if (syscall(SYS_pivot_root, ".", ".") == 0) {
        if (umount2(".", MNT_DETACH)) return errno;
    } else {
        // The root is the initial one, which cannot be moved away: it is covered.
        if (mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".")) return errno;
    }
    return chdir("/") ? errno : 0;
}

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif

// own_mount replaces a directory by a mount of its own, in which nothing can be executed: from
// its root no path leads up. The descriptor comes from another mount namespace, so the directory
// is found again by its name, and has to be the same. It gives an errno.
static int own_mount(int fd, int read_only) {
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0 || n == sizeof path - 1) return ENAMETOOLONG;
    path[n] = 0;
    int tree = syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    if (tree < 0) return errno;
    struct stat a, b;
    struct {
        uint64_t set, clear, propagation, userns;
    } attr = {.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | (read_only ? MOUNT_ATTR_RDONLY : 0)};
    int e = 0;
    if (fstat(fd, &a) || fstat(tree, &b))
        e = errno;
    else if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
        e = ESTALE;
    else if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof attr) || dup3(tree, fd, O_CLOEXEC) < 0)
        e = errno;
    close(tree);
    return e;
}

// own_mounts does that for the contents and the host's mounts.
static int own_mounts(const char *mounts) {
    int e = own_mount(VK_ROOT, 1);
    for (int i = 0; mounts[i]; i++) {
        int f = own_mount(VK_MOUNTS + i, mounts[i] == 'r');
        if (f) e = f;
    }
    return e;
}

// drop_capabilities keeps those that root's access to contents, and to host mounts, rests on, or
// none.
static void drop_capabilities(int keep_file_caps) {
    uint64_t keep = geteuid() ? 0 : 1ull << CAP_DAC_READ_SEARCH; // root runs anybody's bundle
    if (keep_file_caps)
        // Not CAP_FSETID: openat2 can make a file with a setuid bit, which no filter sees, and without it the bit
        // is gone before the file has a content.
        keep = 1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_FOWNER;
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];
    for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++) {}
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &h, d)) die("capget");
    for (int i = 0; i < 2; i++) {
        d[i].permitted &= (uint32_t)(keep >> (32 * i));
        d[i].effective = d[i].permitted;
        d[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &h, d)) die("capset");
}

// Rights of Landlock, by the version of its interface that brought them.
#define RIGHTS_1 ((1ull << 13) - 1)
#define REFER (1ull << 13)     // 2
#define TRUNCATE (1ull << 14)  // 3
#define IOCTL_DEV (1ull << 15) // 5
#define NET 3ull               // 4: bind and connect TCP
#define SCOPES 3ull            // 6: abstract UNIX sockets, signals

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE                                                                                                          \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                  \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM | REFER | TRUNCATE)

// The structure of the newest interface; a host takes as much of it as it knows.
struct ruleset {
    uint64_t fs, net, scoped;
};

static int allow(int ruleset, int fd, uint64_t rights) {
    struct landlock_path_beneath_attr a = {.allowed_access = rights, .parent_fd = fd};
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0);
}

// restrict_files lets the process reach the container's contents and its mounts and nothing
// else of the host's files. mounts has a letter for each: r or w. It gives an errno.
static int restrict_files(const char *mounts) {
    int abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 0) return errno;
    struct ruleset r = {.fs = RIGHTS_1};
    if (abi >= 2) r.fs |= REFER;
    if (abi >= 3) r.fs |= TRUNCATE;
    if (abi >= 4) r.net = NET;
    if (abi >= 5) r.fs |= IOCTL_DEV;
    if (abi >= 6) r.scoped = SCOPES;
    size_t size = abi >= 6 ? sizeof r : abi >= 4 ? 16 : 8;
    int ruleset = syscall(SYS_landlock_create_ruleset, &r, size, 0);
    if (ruleset < 0) return errno;
    int failed = allow(ruleset, VK_ROOT, READ);
    for (int i = 0; mounts[i] && !failed; i++)
        failed = allow(ruleset, VK_MOUNTS + i, (READ | (mounts[i] == 'w' ? WRITE : 0)) & r.fs);
    if (!failed) failed = syscall(SYS_landlock_restrict_self, ruleset, 0);
    int e = failed ? errno : 0;
    close(ruleset);
    if (!e) vk_entered.landlock = abi;
    return e;
}

static void set_limit(int resource, rlim_t n) {
    struct rlimit l = {n, n};
    if (setrlimit(resource, &l)) die("setrlimit");
}

// arguments reads the process's arguments, at most some of them, into buf, and gives their number. Not every C
// library passes them to a constructor.
static int arguments(char *buf, size_t size, char **argv, int most) {
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, buf, size);
    close(fd);
    int argc = 0;
    if (n <= 0 || n == (ssize_t)size || buf[n - 1]) return 0; // not those of a sandbox
    for (char *at = buf; at < buf + n && argc < most; at += strlen(at) + 1) argv[argc++] = at;
    return argc;
}

// enter, in a process that only asks what the host allows, tries to make the root empty and gives
// the errno as the status. It makes this process a sandbox if the launcher has started it as one:
// argv is the program, "sandbox-process", what is asked for, and the letters of the mounts.
__attribute__((constructor)) static void enter(void) {
    char buf[4096];
    char *argv[5];
    int argc = arguments(buf, sizeof buf, argv, 5);
    if (argc == 2 && !strcmp(argv[1], "sandbox-probe")) _exit(empty_root());
    if (argc != 4 || strcmp(argv[1], "sandbox-process")) return;
    int wanted = atoi(argv[2]);
    const char *mounts = argv[3];
    vk_entered.entered = 1;
    close_from(VK_MOUNTS + (int)strlen(mounts));
    open_as("/proc/self/pagemap", VK_PAGEMAP);
    open_as("/proc/self/status", VK_STATUS);
    for (int fd = VK_CONTROL; fd < VK_MOUNTS + (int)strlen(mounts); fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC)) die("descriptors of the sandbox");
    set_limit(RLIMIT_CORE, 0); // memory of guests is nobody's business
    if (wanted & VK_OWN_MOUNTS) {
        vk_entered.mounts_errno = own_mounts(mounts);
        vk_entered.own_mounts = vk_entered.mounts_errno == 0;
    }
    if (wanted & VK_EMPTY_ROOT) {
        vk_entered.root_errno = empty_root();
        vk_entered.empty_root = vk_entered.root_errno == 0;
    }
    drop_capabilities(wanted & VK_KEEP_FILE_CAPS);
    if (personality(PER_LINUX) < 0) die("personality"); // else memory may be executable without being asked for
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) die("no_new_privs");
    if (wanted & VK_LANDLOCK) vk_entered.landlock_errno = restrict_files(mounts);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) die("PR_SET_PDEATHSIG");
}
