// Package layout is the contract between compiled code (package emit, runtime/vk.h) and
// the engine (its assembly and Go): where the words of an instance lie.
//
// # Model
//
// A slot is the address range of one instance. GS holds base, the address of byte 0 of
// its linear memory; everything else of the instance lies below base:
//
//	[guard][native stack][instance area][linear memory 4 GiB][reach of offsets 4 GiB]
//	                                    ^ base = GS
//
// The instance area ends at base. Its last page is the control page, at the fixed negative
// offsets of this file. Below it lie, at offsets that the emitter chooses for each program
// and compiles in, the globals (16 bytes each) and the function tables (8 bytes an entry:
// low half the offset of the function's code from vk_text, high half its type id, never 0
// for an entry that is set). The area's first content is the program's instance image.
//
// Nothing in the area, or on the stack, is an address inside the slot; stack pointers that
// must be kept are kept by the engine. runtime/vk.h repeats the numbers; a test compares.
package layout

// Version names this contract. It is stored in the native code and must match.
const Version = "vk2"

// Offsets from base, in bytes.
const (
	HostSP   = -8    // u64: the host's stack pointer while the guest runs
	GuestSP  = -16   // u64: the guest's stack pointer while it is out
	ExitKind = -24   // u64: why the guest left, one of Exit*
	ExitCode = -32   // u64: import index of a Syscall; trap code of a Trap
	Pages    = -40   // u32: size of linear memory in WebAssembly pages
	Records  = -48   // u32: number of live setjmp records; compiled code restores it when a frame that called setjmp returns
	Thrown   = -56   // u32: identity of the tag of the exception that is on its way up, 0 if there is none; its values are in Results
	Args     = -512  // u64[MaxArgs]: arguments of an import call or of an export; 8 bytes each
	Results  = -2048 // 16 bytes each, [MaxResults]: results of an export, and of a function after its first
	Control  = 4096  // size of the control page
	Save     = -4096 // 2048 bytes of the engine's own: registers of an interrupted guest, bounds, preemption
)

// Limits on what a module may use of the control page; more is a build error.
const (
	MaxArgs    = 32
	MaxResults = 64
	MaxPayload = 16 // values of an exception
	GlobalSize = 16
	EntrySize  = 8
)

// Exit kinds, the values of ExitKind. Compiled code never stores ExitTrap or ExitPreempt;
// the engine's signal handler does.
const (
	ExitSyscall = 1  // an import was called: ExitCode its index in the program's import list, Args the arguments
	ExitReturn  = 2  // the activation that the engine began has returned; integer result in Args[0]
	ExitGrow    = 3  // memory.grow: Args[0] pages; resume with the old size or -1
	ExitSetjmp  = 4  // wali.setjmp/sigsetjmp: Args[0] buffer address, Args[1] savemask
	ExitLongjmp = 5  // wali.longjmp: Args[0] buffer address, Args[1] value
	ExitTrap    = 6  // a fault: ExitCode one of Trap*
	ExitPreempt = 7  // the engine asked the guest to leave
	ExitWait    = 8  // memory.atomic.wait on a shared memory: Args[0] address, [1] expected value, [2] timeout in ns (signed, < 0 = none), [3] width in bytes (4 or 8); resume with 0 woken, 1 not equal, 2 timed out
	ExitNotify  = 9  // memory.atomic.notify on a shared memory: Args[0] address, [1] most waiters to wake; resume with the number woken
	ExitSave    = 10 // make a reference to the exception of Thrown and its first ExitCode values; resume with it, or 0 if there are too many. The engine answers it itself
	ExitLoad    = 11 // the reverse: Args[0] a reference; resume with 1, or 0 if there is no such exception. The engine answers it itself
	ExitTable   = 12 // an operation on tables or segments: ExitCode one of Table*, Args as said there. The engine answers it itself
)

// Operations of ExitTable, with their arguments. Compiled code never writes a table: so that
// no table ever holds anything but a reference of Program.Refs. They resume with 0, or 1 if
// something is out of bounds; TableGrow with the old size or -1.
const (
	TableSet   = 1 // table, index, value
	TableFill  = 2 // table, index, value, count
	TableCopy  = 3 // destination table, source table, to, from, count
	TableInit  = 4 // table, element segment, to, from, count
	TableGrow  = 5 // table, value, count
	MemoryInit = 6 // data segment, to, from, count
)

// Trap codes: why WebAssembly code trapped. Codes below TrapFault are stored in ExitCode by
// compiled code just before its ud2 instruction; the rest come from the hardware fault.
const (
	TrapUnreachable   = 1
	TrapDivideByZero  = 2
	TrapOverflow      = 3  // integer overflow: division, truncation out of range
	TrapConversion    = 4  // truncation of a NaN
	TrapTableBounds   = 5  // "undefined element", "out of bounds table access"
	TrapNullElement   = 6  // "uninitialized element"
	TrapTypeMismatch  = 7  // "indirect call type mismatch"
	TrapMemoryBounds  = 8  // memory.copy, fill, init out of bounds
	TrapUnaligned     = 9  // unaligned atomic
	TrapUnshared      = 10 // memory.atomic.wait on a memory that is not shared
	TrapUncaught      = 11 // an exception left the activation
	TrapNullException = 12 // throw_ref of null
	TrapExceptions    = 13 // more exceptions are referred to than an instance can hold
	TrapFault         = 16 // a load or store hit an unmapped or protected page
	TrapStackOverflow = 17 // the native stack ran into its guard
)
