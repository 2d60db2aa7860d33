package engine

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
)

// Instance is one live process of a program.
type Instance struct {
	p    *Program
	at   uintptr // start of the slot
	base uintptr // GS

	state   leftAs
	started bool   // there is an activation
	held    bool   // a kick came before the guest was entered; heldResult is still due
	result  uint64 // heldResult

	below      []snapshot // activations that others were put on top of, outermost first
	records    []record
	kept       atomic.Int64 // see Kept
	exceptions *exceptions  // to which there are references; nil until the first

	stackLow uintptr // lowest mapped address of the stack; below the slot's own in a reserve
	warm     int     // pages that the slot had kept
	changed  bool    // the layout of memory is not as New made it
	foreign  bool    // mappings may have been replaced: reset by mapping anew
	holes    []hole  // parts of the memory image that are no longer mapped from the file
	vmas     vmas    // what is mapped; nil as long as it is what New mapped
	areas    int64   // mappings declared by Areas, beyond the program's

	memory atomic.Pointer[sharedMemory] // of a process with threads: has taken over vmas, holes and areas

	image     *Image // that it was made from; nil: the program's
	parts     []part // of memory that are mapped from layers, in order of address
	partAreas int64  // mappings declared for them
	untouched bool   // parts are readable and writable: a child's, before any raw operation
	resident  uint64 // bytes, found while it was freed
	plan      *plan  // of the fork that goes on, see Settle

	kick sync.Mutex // guards live
	live bool
}

// leftAs is how the current activation left, and so how it goes on.
type leftAs uint8

const (
	atFrame     leftAs = iota // through a stub: seven words on the native stack, at GuestSP
	interrupted               // by a signal: all registers in the save area
	returned                  // it is over
)

func newInstance(p *Program, at uintptr) *Instance {
	i := &Instance{p: p, at: at, base: at + baseOffset, stackLow: at + p.stackLow, state: returned}
	i.setBounds()
	i.live = true
	return i
}

// setBounds tells the signal handler where the guest's code and stack are.
func (i *Instance) setBounds() {
	s := i.save()
	s.textLow, s.textHigh = uint64(i.p.code.text), uint64(i.p.code.text)+i.p.code.textSize
	s.slotLow, s.stackHigh = uint64(i.at), uint64(i.at+i.p.stackTop)
	s.stackBottom = uint64(i.stackLow)
	s.kick, s.tid = 0, 0
}

// save is struct vk_save of run.h.
type save struct {
	registers
	signo, addr        uint64
	textLow, textHigh  uint64
	slotLow, stackHigh uint64
	stackBottom        uint64
	kick, tid          uint32
	_                  [6]uint64
	fx                 [512]byte
}

// registers are the general ones, in the order of their encoding.
type registers struct {
	gpr        [16]uint64
	rip, flags uint64
}

const rsp = 4 // index in gpr

func (i *Instance) save() *save { return (*save)(i.word(layout.Save)) }

// word points to what lies at an offset from base.
func (i *Instance) word(off int) unsafe.Pointer { return pointer(i.base + uintptr(off)) }

func (i *Instance) u64(off int) *uint64 { return (*uint64)(i.word(off)) }
func (i *Instance) u32(off int) *uint32 { return (*uint32)(i.word(off)) }

// Program is what the instance runs.
func (i *Instance) Program() *Program { return i.p }

// Memory is the instance's linear memory.
func (i *Instance) Memory() guest.Memory { return guest.At(pointer(i.base)) }

// Pages is the size of linear memory (memory.size) in WebAssembly pages.
func (i *Instance) Pages() uint32 { return *i.u32(layout.Pages) }

// SetPages sets the size that the guest sees, in all views; it maps nothing.
func (i *Instance) SetPages(n uint32) {
	if m := i.memory.Load(); m != nil {
		m.setPages(n)
		return
	}
	i.storePages(n)
}

// StackPointer is the guest's __stack_pointer, 0 if the program has none.
func (i *Instance) StackPointer() uint32 {
	if off := i.p.Meta.StackPointer; off != 0 {
		return *i.u32(int(off))
	}
	return 0
}

func (i *Instance) setStackPointer(sp uint32) {
	if off := i.p.Meta.StackPointer; off != 0 {
		*i.u32(int(off)) = sp
	}
}

// Import is the index of the import that was called, after ExitSyscall.
func (i *Instance) Import() int { return int(*i.u64(layout.ExitCode)) }

// Arg is argument n of the import. It lies in the instance: copy what must survive the next
// Resume. After Return the arguments are those of the interrupted call again.
func (i *Instance) Arg(n int) uint64 { return i.Args()[n] }

// Args are all the arguments.
func (i *Instance) Args() *[layout.MaxArgs]uint64 {
	return (*[layout.MaxArgs]uint64)(i.word(layout.Args))
}

// ReturnValue is the integer result of the activation, after ExitReturn.
func (i *Instance) ReturnValue() uint64 { return *i.u64(layout.Args) }

// Results are the results of an export's thunk, 16 bytes each, after ExitReturn.
func (i *Instance) Results() *[layout.MaxResults][2]uint64 {
	return (*[layout.MaxResults][2]uint64)(i.word(layout.Results))
}

// Trap describes why a guest trapped.
type Trap struct {
	Code   int    // layout.Trap*
	Signal int    // the host's signal
	Addr   uint64 // of a fault: the guest address (it may lie above 4 GiB), or 0
	PC     uint32 // code offset of the instruction
}

// Trap describes the last ExitTrap, until the next Resume.
func (i *Instance) Trap() Trap {
	s := i.save()
	t := Trap{Signal: int(s.signo), PC: uint32(s.rip - s.textLow)}
	switch t.Signal {
	case int(unix.SIGSEGV), int(unix.SIGBUS):
		t.Code = layout.TrapFault
		if s.addr >= s.slotLow && s.addr < s.stackBottom {
			t.Code = layout.TrapStackOverflow
		} else if s.addr >= uint64(i.base) {
			t.Addr = s.addr - uint64(i.base)
		}
	case int(unix.SIGFPE):
		t.Code = layout.TrapDivideByZero
	default:
		t.Code = i.trapCode(t.PC)
	}
	return t
}

// trapCode is what compiled code stored before its ud2, if the instruction is one.
func (i *Instance) trapCode(pc uint32) int {
	c := i.p.code
	code := *i.u64(layout.ExitCode)
	if uint64(pc)+2 > c.textSize || code == 0 || code >= layout.TrapFault {
		return layout.TrapUnreachable
	}
	if binary.BigEndian.Uint16(bytesAt(c.text+uintptr(pc), 2)) != 0x0f0b {
		return layout.TrapUnreachable
	}
	return int(code)
}

// Kick makes the guest leave with ExitPreempt: now if it runs, else at the next Resume. Any
// goroutine may call it, at any time. A kick is never lost: here the word is set before the
// thread is looked up, in vk_run it is the other way round. While the word is set there is nothing
// to do: the signal has been sent, or the guest has not been entered since; so an instance never
// has more than one signal in the queue, whose limit the host's user shares.
func (i *Instance) Kick() {
	i.kick.Lock()
	defer i.kick.Unlock()
	if !i.live {
		return
	}
	s := i.save()
	if atomic.SwapUint32(&s.kick, 1) != 0 {
		return
	}
	if tid := atomic.LoadUint32(&s.tid); tid != 0 {
		// The thread may be gone by now: then the guest has left. The host's queue of signals
		// may be full (EAGAIN) for a while.
		for unix.Tgkill(unix.Getpid(), int(tid), kickSignal) == unix.EAGAIN && atomic.LoadUint32(&s.tid) == tid {
			runtime.Gosched()
		}
	}
}

// Free resets the slot and gives it back: no old byte survives. The instance must not be
// used after it, but may be kicked. It tells how many bytes were resident, stack and area included.
func (i *Instance) Free() (resident uint64) {
	i.kick.Lock()
	i.live = false
	i.kick.Unlock()
	p := i.p
	if m := i.memory.Load(); m != nil {
		m.leave(i)
	}
	p.code.slots.undeclare(p.mappings, i.areas+i.partAreas)
	i.areas, i.partAreas = 0, 0
	p.recycle(i)
	return i.resident
}

// Areas declares how many mappings the instance needs of the host beyond those of a fresh
// one. ENOMEM, and no change, if the host's limit does not allow it. All instances together
// get no more than half of that, so that there is always room for a new one.
func (i *Instance) Areas(n int) linux.Errno {
	if i.memory.Load() != nil {
		return 0 // the operations count what they need, in all views
	}
	if !i.p.code.slots.declareAreas(int64(n) - i.areas) {
		return linux.ENOMEM
	}
	i.areas = int64(n)
	return 0
}
