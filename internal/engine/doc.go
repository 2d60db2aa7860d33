// Package engine runs compiled programs: it maps native code, lends address space to
// processes, enters and leaves their code, and copies them.
//
// # Model
//
// Code is a mapped .aot file (package layout, the contract with compiled code). A Program is
// one core module in it; an Instance is one live process of a program: an address range (a
// slot), a native stack, an instance area and linear memory, and nothing else. A guest runs
// only inside Resume, which returns when the guest leaves: for a system call, a trap, a
// preemption, or because an activation has returned.
//
// An instance holds a stack of activations. Start begins the first one, Call puts another on
// top of whatever was interrupted (a signal handler), Return drops a finished one. What an
// activation needs to go on is kept here, out of the guest's reach: either a frame of seven
// words on its native stack (it left through an import) or all registers (it was interrupted).
//
// # Threads
//
// The threads of a process are views: instances with a slot, a stack and an area each, over one
// linear memory. The first one turns the memory into a file that all views map (sharedMemory).
// An operation on the memory of one view is made in all of them, also while they run: what runs
// meanwhile and touches what is gone traps, and the kernel's copies are EFAULT. A fork of a view
// is a process without threads: the caller's stack and area, and a copy of memory.
//
// # Lock order
//
// sharedMemory.mu, then Program.mu or slots.mu or sharedSet.mu; Instance.kick is held alone.
// Two memories are locked at once in Share only, whose destination then nobody else knows. An
// operation that takes sharedMemory.mu touches guest memory by system calls, which give errors, or
// where nobody else can unmap it.
//
// # Rules of use
//
//   - An Instance belongs to one goroutine at a time; only Kick may be called by others, and the
//     raw operations and SetPages of an instance that has threads.
//   - After ExitReturn call Return before the next Resume.
//   - Map, Protect, Unmap and friends are raw operations on pages; package mm holds the policy.
//   - Free gives the address range back; the Instance must not be used after it (Kick may).
//
// # Signals
//
// The handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP and one real-time signal are the
// only process-wide state. A signal that does not come from the guest code of the instance that
// the thread runs goes to the handler that was there before, as if ours did not exist.
package engine
