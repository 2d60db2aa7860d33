// Package sandbox runs a container in a process of its own, which has given up everything that
// a container does not need before the first guest instruction runs.
//
// # Model
//
// The launcher (`vkernel run`) verifies a bundle, opens its contents and the host's mounts, and
// starts its own program again as the sandbox process (New). It keeps keys, the trust policy,
// the audit file and the host's terminal. What the sandbox gets are descriptors: sealed memory
// with what to load (Spec) and with the native code, the directory of the root file system's
// contents, the directories of mounts, the streams, and a socket to the launcher. It has no
// path, and no key.
//
// The process starts (Begin) as soon as the manifest has been verified, while the launcher hashes the
// parts: all that it has by then is the directories, which its Landlock rules name, and it reads nothing in
// them. What to load follows (Load) when everything has been verified; if that is refused, it ends.
//
// The order in the sandbox process is fixed:
//
//  1. The launcher makes it in namespaces of its own (namespace.go).
//  2. A constructor in C, before the Go runtime has a thread, opens the two files of procfs that
//     the kernel reads, makes the root directory empty, drops capabilities, sets no_new_privs
//     and Landlock (enter.c).
//  3. Go starts, waits for what to load, and maps the code (container.go).
//  4. PR_SET_MDWE and seccomp close the door (seal.go, filter.go) for every thread.
//  5. It says so, and waits for a Start.
//
// So a guest runs in a process in which nobody can make memory executable, open a path, execute,
// fork or look at another process, whatever the guest has brought it to do.
//
// # Rules
//
// Without seccomp and no_new_privs nothing runs. Anything else that the host lacks is left out,
// and Confinements says so.
//
// The launcher trusts nothing that a sandbox says: a message may end the run, show a line, or
// write one to the audit file, and is bounded.
//
// # Lock order
//
// There are no locks that are held while another is taken.
package sandbox
