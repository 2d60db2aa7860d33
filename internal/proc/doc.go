// Package proc is processes and threads: their tree, their life from fork to wait, what
// runs them, and what signals do to them.
//
// # Model
//
// A Table is all processes of one container: ids, the tree of parents, process groups and
// sessions. A Process is made of parts that belong to other packages (descriptors, file
// system context, signals, address space) or to a file here (credentials, limits, usage,
// timers), and of threads; each part has its own lock and its own Fork. A Thread is a
// goroutine that runs the guest:
//
//	resume compiled code -> it leaves: system call -> handler -> result
//	                                   trap        -> signal
//	                                   return      -> end of a signal handler
//	                     -> Work, if any: exit, stop, signals -> resume
//
// The only loops in which a thread sleeps are Block, Sleep and AwaitFutex here, the end of a
// stop, the wait of a vfork parent, and that of a thread that executes a program for the end
// of the others. A sleeping thread holds no thread of the host.
//
// A call that was interrupted returns an Errno above 511 (ERESTARTSYS and friends), which
// tells the loop here whether it is done again after the signal; no guest sees one.
//
// # The hash rule
//
// Whatever is to be executed passes examine: it is opened for execution (a regular file, an x bit, no
// noexec mount; EACCES before a byte is read), nobody may write to it from then on (ETXTBSY), it is
// hashed, and Programs.Decide is asked with the digest, each time. Of a program nothing of the file but
// the digest counts: its code was mapped before. Of a script the bytes that were hashed are kept, and
// its interpreter's first open of the name it was given yields them (sealed.go), so that a rename or
// write in between changes nothing. AT_EXECVE_CHECK asks the same, and makes the checked
// descriptor show the hashed bytes from then on.
//
// # Why the cache of digests misses no change
//
// A digest is remembered under (file system, inode number, version), all told by the open file itself
// and never by a name: links, renames, mounts and descriptors lead to the same key or to another file's.
// Inode numbers of package memfs are never given twice. Its version counts every operation that can
// change a byte or the size (write, append, truncate, O_TRUNC, fallocate), also one that fails half-way, and
// is raised under the lock of the content, which the change holds. The hash reads under the same lock, piece by piece, and
// the version is read before the first piece and after the last one: if both are equal, no such
// operation lay in between, so the digest is of the content that the version names; and as long as the
// version is the same, so is the content. Contents below a memfs come from a bundle, which compares them
// with signed digests; should the host's file change all the same, a script's bytes are read and hashed
// again before they are kept. Files of the host (package hostfs) have no version that proves anything
// and are hashed at each execve.
//
// # Lock order
//
//	Table.mu
//	locks of a process's parts (memory, credentials, limits, timers)
//	signal.State.mu
//	wait.Queue.mu
//
// Table.mu guards the tree, groups, sessions, the state of each process, and which threads it
// has. No handler of an ordinary call takes it; fork, the start and the end of a thread, wait,
// setpgid, signals and job control do. The locks of package futex are taken with none of these
// held, and under them guest memory is touched.
//
// # Rules
//
//   - Fields of a Thread without a comment belong to its goroutine.
//   - After vfork the child runs in its parent's instance until it execs or exits. The
//     parent cannot be interrupted meanwhile, save by SIGKILL, with which the instance
//     becomes the child's: two threads never run in one instance. Such a child has one thread.
//   - A thread runs in an instance of its own. It gives that up before it leaves its process's
//     list of threads, and touches no memory of the guest after it: who is the last one on the
//     list, or alone on it, may free what they had in common.
//   - The guest's threads change memory while a call reads it: what is read is copied once, and
//     the copy is checked (package guest).
package proc
