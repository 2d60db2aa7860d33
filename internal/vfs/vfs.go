// Package vfs is the file tree of a container: names, mounts, permissions, and the
// interfaces that file systems and open files implement.
//
// # Model
//
// A Node is an inode: a file, directory, symbolic link, FIFO, socket or device, without a
// name. An Entry is a name: a place in a directory of one file system, and the node that
// lies there; renaming moves the entry, so that whoever holds it (a working directory, an
// open file) follows. A Mount puts the tree of an FS on an entry of another, and a Path is
// an entry seen through a mount: where a walk stands. A File is a node that is open, or
// anything else that a descriptor may hold: a pipe's end, a terminal, an epoll set.
//
// A Namespace is one container's tree of mounts, with the openers of its devices. A
// Context is what a process brings to a call that takes a path: root, working directory,
// umask and credentials. Its methods are the system calls on paths.
//
//	Context.Open -> walk (component by component, here) -> Dir.Lookup (file system) -> Entry
//	             -> permission (here) -> Node.Open (file system, or opener of the device) -> File
//
// File systems do what only they can: look up, create, link and remove names atomically,
// and keep content. Everything that Linux decides above file systems is decided here:
// walks, permissions, sticky and setgid rules, mount points, read-only mounts, flags.
//
// Objects never block: a stream that cannot proceed returns EAGAIN (package wait).
//
// # Lock order
//
//	Namespace.mu          (mounting only)
//	rename lock of a file system
//	locks of its directories, an ancestor before a descendant, else by inode number
//	lock of a file's content
//	locks of accounting, queues of package wait
//
// This package holds no lock while it calls a file system, save Namespace.mu. Walks take
// no lock of this package: the mount table, the place of an entry and the state of a
// context are immutable values behind atomic pointers.
//
// # Rules of use
//
//   - Between a check here and the act in the file system the world may change; so Dir
//     methods check again, under their own locks, what must hold atomically (the name
//     is free; the entry is still there; the directory is not removed).
//   - p in File.Read and File.Write may be guest memory: it may fault, which unwinds as a
//     panic, and may change while it is read. Locks held meanwhile are released by defer.
package vfs
