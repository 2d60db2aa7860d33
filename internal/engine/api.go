package engine

import (
	"os"

	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
)

// Exit says why a guest left compiled code: one of layout.Exit*.
type Exit int

// Code is the mapped native code of one megabinary.
type Code struct{ programs []*Program }

// Load checks the ELF file and its metadata and maps it. The file must not change afterwards.
func Load(f *os.File) (*Code, error) { return nil, linux.ENOSYS }

// Programs lists the programs in the order of the metadata.
func (c *Code) Programs() []*Program { return c.programs }

// Close unmaps the code and every slot. No instance may be in use.
func (c *Code) Close() error { return nil }

// Program is one core module of the code.
type Program struct{ Meta *layout.Program }

// New makes an instance from the program's image. ENOMEM or EAGAIN if the host has no room.
func (p *Program) New() (*Instance, linux.Errno) { return nil, linux.ENOSYS }

// Fork makes an instance that continues where parent stands: the area, the used stack, the
// activations and the setjmp records are copied; memory is the program's image and empty
// pages (CopyPages, Map and Protect do the rest, see mm.Space.Fork).
func (p *Program) Fork(parent *Instance) (*Instance, linux.Errno) { return nil, linux.ENOSYS }

// Instance is one live process of a program.
type Instance struct{ p *Program }

// Program is what the instance runs.
func (i *Instance) Program() *Program { return i.p }

// Memory is the instance's linear memory.
func (i *Instance) Memory() guest.Memory { return guest.Memory{} }

// Pages is the size of linear memory (memory.size) in WebAssembly pages; SetPages sets it.
func (i *Instance) Pages() uint32     { return 0 }
func (i *Instance) SetPages(n uint32) {}

// StackPointer is the guest's __stack_pointer, 0 if the program has none.
func (i *Instance) StackPointer() uint32 { return 0 }

// Start begins an activation of an export's thunk; the next Resume runs it.
func (i *Instance) Start(thunk uint32, args ...uint64) {}

// Call begins an activation of function index of table 0 on top of the interrupted context:
// a signal handler. Arguments that the function's type does not take are dropped. EFAULT if
// the index is out of range, null, or of a type that does not fit; ENOMEM if it nests too
// deep. The guest's __stack_pointer is lowered by its red zone (128) and aligned to 16.
func (i *Instance) Call(index uint32, args ...uint64) linux.Errno { return linux.ENOSYS }

// CallAt is Call with the guest's __stack_pointer set to sp (below a siginfo that the caller
// has put on the stack, or on an alternate stack). Return restores the old value.
func (i *Instance) CallAt(sp uint32, index uint32, args ...uint64) linux.Errno { return linux.ENOSYS }

// Resume runs the guest until it leaves. A context that left through an import gets result;
// one that was interrupted gets all its registers back, and result is ignored. After
// ExitPreempt without progress the first result is kept and later ones are ignored.
func (i *Instance) Resume(result uint64) Exit { return 0 }

// Import is the index of the import that was called, after ExitSyscall.
func (i *Instance) Import() int { return 0 }

// Arg is argument n of the import; Args all of them. They are in the instance: copy what
// must survive the next Resume. After Return they are those of the interrupted call again.
func (i *Instance) Arg(n int) uint64              { return 0 }
func (i *Instance) Args() *[layout.MaxArgs]uint64 { return nil }

// ReturnValue is the integer result of the activation, after ExitReturn.
func (i *Instance) ReturnValue() uint64 { return 0 }

// Trap describes a trap.
type Trap struct {
	Code int    // layout.Trap*
	Addr uint64 // of a fault: the guest address (may lie above 4 GiB), or 0
	PC   uint32 // code offset of the instruction
}

// Trap describes the last ExitTrap.
func (i *Instance) Trap() Trap { return Trap{} }

// Return drops the current activation, after ExitReturn or to abandon it; the one below is
// current again. Depth is the number of activations.
func (i *Instance) Return()    {}
func (i *Instance) Depth() int { return 0 }

// Setjmp pushes a record, after ExitSetjmp, and writes its number to the guest's jmp_buf (8
// bytes). data is the caller's. EFAULT if the buffer is bad, ENOMEM if there are too many.
func (i *Instance) Setjmp(data uint64) linux.Errno { return linux.ENOSYS }

// Longjmp goes back to the record that the jmp_buf names, after ExitLongjmp: Resume(value)
// continues there. It reports false, and changes nothing, if that record is not live.
func (i *Instance) Longjmp() (data uint64, ok bool) { return 0, false }

// Aside is what a vfork child may overwrite.
type Aside struct{}

// SetAside copies the used stack, the area (globals), the activations and the records.
func (i *Instance) SetAside() *Aside { return nil }

// Restore puts them back. The size of memory stays what it is.
func (a *Aside) Restore() {}

// Kick makes the guest leave with ExitPreempt: now if it runs, else at the next Resume. Any
// goroutine may call it, at any time.
func (i *Instance) Kick() {}

// Free resets the slot and gives it back. No old byte survives.
func (i *Instance) Free() {}

// Protection of guest pages.
const (
	ProtNone  = 0
	ProtRead  = 1
	ProtWrite = 2
)

// Map makes the unmapped pages of [addr, addr+length) zero memory; shared memory stays one
// memory when Share gives it to another instance. Addresses and lengths of all raw
// operations are multiples of the page size within 4 GiB, else EINVAL; PROT_EXEC is EACCES.
func (i *Instance) Map(addr, length uint64, prot int, shared bool) linux.Errno { return linux.ENOSYS }

// Protect changes the protection of mapped pages.
func (i *Instance) Protect(addr, length uint64, prot int) linux.Errno { return linux.ENOSYS }

// Unmap drops pages.
func (i *Instance) Unmap(addr, length uint64) linux.Errno { return linux.ENOSYS }

// Discard drops the content of pages (MADV_DONTNEED) and keeps them mapped.
func (i *Instance) Discard(addr, length uint64) linux.Errno { return linux.ENOSYS }

// Move moves length bytes of pages from one mapped range to an unmapped one; the old range is
// unmapped after it.
func (i *Instance) Move(from, to, length uint64) linux.Errno { return linux.ENOSYS }

// CopyPages copies the private pages of the range into the same range of dst, where it must be
// mapped writable and be as New left it or empty. Here it must be readable.
func (i *Instance) CopyPages(dst *Instance, addr, length uint64) linux.Errno { return linux.ENOSYS }

// Share maps the shared range [addr, addr+length) into dst at the same place.
func (i *Instance) Share(dst *Instance, addr, length uint64, prot int) linux.Errno {
	return linux.ENOSYS
}

// Resident counts the pages of the range that are in the host's memory.
func (i *Instance) Resident(addr, length uint64) uint64 { return 0 }
