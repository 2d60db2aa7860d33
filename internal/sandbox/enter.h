// What the constructor of a sandbox process has done, for the Go code that runs after it.
#ifndef VK_SANDBOX_ENTER_H
#define VK_SANDBOX_ENTER_H

// Descriptors of a sandbox process. Launcher and sandbox are one program, so both sides have
// these.
enum {
    VK_CONTROL = 3, // socket to the launcher
    VK_ROOT = 4,    // directory of the root file system's contents
    VK_PAGEMAP = 5, // /proc/self/pagemap, opened by the constructor
    VK_STATUS = 6,  // /proc/self/status, likewise
    VK_MOUNTS = 7,  // the first host mount
};

// What the launcher asks for, as bits. What the host lacks is left out and reported.
enum {
    VK_EMPTY_ROOT = 1, // the process has a mount namespace of its own
    VK_LANDLOCK = 2,
    VK_OWN_MOUNTS = 8,     // each directory that it gets is a mount of its own
    VK_KEEP_FILE_CAPS = 4, // the launcher is root, and there are host mounts
};

struct vk_entered {
    int entered;    // this is a sandbox process
    int empty_root; // its root is an empty directory, without procfs
    int own_mounts; // above each directory that it was given is nothing
    int landlock;   // version of Landlock's interface that it uses, 0: none
    int root_errno, mounts_errno, landlock_errno;
};

extern struct vk_entered vk_entered;

#endif
