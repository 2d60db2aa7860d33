// Package sched decides which guest threads run compiled code, and counts how long each ran.
//
// # Model
//
// A Scheduler has a fixed number of run slots. A thread that runs compiled code holds one; a
// thread that sleeps holds none. A thread takes a slot in Enter, before it enters compiled
// code, and keeps it through its system calls until it sleeps, yields, ends, or the
// scheduler takes the slot away: then the thread is kicked out of compiled code, and waits
// in Enter for its turn. A system call that does not sleep does not come here at all.
//
// While slots are free, taking one is a compare-and-swap, and nobody watches. Only while
// threads wait does a timer end time slices.
//
// Those who wait stand in one of two queues:
//
//   - brief: threads that have credit. A thread earns it while it sleeps and spends it while
//     it runs, as CPU time that the host really gave (pace.go). It takes the slot of a thread
//     without credit at once. Who has most credit comes first, and waiting counts as earning.
//   - long: the others. The thread with the least virtual run time comes first, which is run
//     time divided by the weight of its nice value.
//
// While both have threads, brief gets up to four fifths of the time, long the rest, so that
// neither starves. A child gets half of its parent's credit, which the parent loses, but 10 ms
// at least: a process tree that forks much is brief, at the price of other brief ones only.
//
// # CPU time
//
// A thread's CPU time is the time that it neither slept nor waited for a slot, by the host's
// monotonic clock. The part of it that system calls took is estimated from a sample of them
// (Thread.Sample). An Account is the sum of a process's threads.
//
// # Lock order
//
// Scheduler.mu and Account.mu are leaves: under them nothing is called that locks, but for
// the waiter's channel. Kicks happen after Scheduler.mu is released.
//
// # Rules
//
// The methods of a Thread belong to its goroutine, but for those whose comment says other.
package sched
