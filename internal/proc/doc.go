// Package proc is processes and threads: their tree, their life from fork to wait, what
// runs them, and what signals do to them.
//
// # Model
//
// A Table is all processes of one container: ids, the tree of parents, process groups and
// sessions. A Process is made of parts that belong to other packages (descriptors, file
// system context, signals, address space) or to a file here (credentials, limits, usage,
// timers); each part has its own lock and its own Fork. A Thread is a goroutine that runs
// the guest:
//
//	resume compiled code -> it leaves: system call -> handler -> result
//	                                   trap        -> signal
//	                                   return      -> end of a signal handler
//	                     -> Work, if any: exit, stop, signals -> resume
//
// The only loops in which a thread sleeps are Block and Sleep here, the end of a stop, and
// the wait of a vfork parent. A sleeping thread holds no thread of the host.
//
// A call that was interrupted returns an Errno above 511 (ERESTARTSYS and friends), which
// tells the loop here whether it is done again after the signal; no guest sees one.
//
// # Lock order
//
//	Table.mu
//	locks of a process's parts (memory, credentials, limits, timers)
//	signal.State.mu
//	wait.Queue.mu
//
// Table.mu guards the tree, groups, sessions, and the state of each process. No handler of
// an ordinary call takes it; fork, exit, wait, setpgid and job control do.
//
// # Rules
//
//   - Fields of a Thread without a comment belong to its goroutine.
//   - After vfork the child runs in its parent's instance until it execs or exits. The
//     parent cannot be interrupted meanwhile, save by SIGKILL, with which the instance
//     becomes the child's: two threads never run in one instance.
package proc
