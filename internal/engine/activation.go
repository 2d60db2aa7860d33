package engine

import (
	"slices"

	"golang.org/x/sys/unix"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

const (
	wasmRedZone   = 128      // what LLVM's leaf functions use below __stack_pointer
	nativeRedZone = 128      // what they use below the native stack pointer
	frameSize     = 7 * 8    // r15 r14 r13 r12 rbx rbp, return address
	handlerRoom   = 64 << 10 // stack that a handler finds at least
	maxDepth      = 1024     // activations
	leastFrame    = 1 << 20  // frames that the verifier accepts, whatever the file says
)

// frame is what a stub leaves on the native stack, and what resuming takes from there.
type frame struct{ r15, r14, r13, r12, rbx, rbp, ret uint64 }

// frameAt is the frame at a native stack address.
func frameAt(sp uintptr) *frame { return (*frame)(pointer(sp)) }

// control is what an activation may still need of the control page when another runs on top
// of it: a guest interrupted in the middle of a stub has stored a part of these words.
type control struct {
	kind, code uint64
	thrown     uint32
	guestSP    int64 // relative to base
	args       [layout.MaxArgs]uint64
	results    [layout.MaxResults][2]uint64
}

// snapshot is an activation below the current one.
type snapshot struct {
	state        leftAs
	held         bool
	result       uint64
	registers    registers // if interrupted; addresses are relative to nothing, see rebase
	fx           [512]byte
	control      control
	stackPointer uint32 // the guest's __stack_pointer
	records      uint32
	stackLow     uintptr // relative to the slot
}

func (i *Instance) guestSP() uintptr     { return uintptr(*i.u64(layout.GuestSP)) }
func (i *Instance) setGuestSP(p uintptr) { *i.u64(layout.GuestSP) = uint64(p) }

// sp is the lowest native stack address that the current activation uses.
func (i *Instance) sp() uintptr {
	if i.state == interrupted {
		return uintptr(i.save().gpr[rsp]) - nativeRedZone
	}
	return i.guestSP()
}

// Depth is the number of activations.
func (i *Instance) Depth() int {
	if !i.started {
		return 0
	}
	return len(i.below) + 1
}

// Start begins an activation of an export's thunk, with the arguments in the words of the
// control page; the next Resume runs it. Activations and records of before are dropped.
func (i *Instance) Start(thunk uint32, args ...uint64) {
	i.below, i.records, i.started = i.below[:0], i.records[:0], true
	*i.u32(layout.Records), *i.u32(layout.Thrown) = 0, 0
	i.shrinkStack(i.at + i.p.stackLow)
	copy(i.Args()[:], args)
	i.begin(i.at+i.p.stackTop, thunk, nil)
}

// begin prepares a frame below sp from which vk_enter calls the code at an offset.
func (i *Instance) begin(sp uintptr, code uint32, args []uint64) {
	var a [4]uint64
	copy(a[:], args)
	text := uint64(i.p.code.text)
	sp = sp&^15 - frameSize // vk_enter starts with an aligned stack
	*frameAt(sp) = frame{
		rbx: a[0], r12: a[1], r13: a[2], r14: a[3],
		rbp: text + uint64(code), ret: text + uint64(i.p.code.meta.Enter),
	}
	i.setGuestSP(sp)
	i.state, i.held = atFrame, false
}

// Call begins an activation of function index of table 0 on top of the interrupted context:
// a signal handler. Arguments that the function's type does not take are dropped. EFAULT if
// the index is out of range, null, or of a type that does not fit; ENOMEM if it nests too
// deep. The guest's __stack_pointer is lowered by its red zone and aligned to 16.
func (i *Instance) Call(index uint32, args ...uint64) linux.Errno {
	return i.CallAt((i.StackPointer()-wasmRedZone)&^15, index, args...)
}

// CallAt is Call with the guest's __stack_pointer set to stack: below a siginfo that the
// caller has put on the guest's stack, or an alternate stack. Return restores the old value.
func (i *Instance) CallAt(stack uint32, index uint32, args ...uint64) linux.Errno {
	code, n, e := i.lookup(index, len(args))
	if e != 0 {
		return e
	}
	if len(i.below)+2 > maxDepth {
		return linux.ENOMEM
	}
	sp, low := i.at+i.p.stackTop, i.stackLow
	if i.started {
		sp = i.sp()
		if e := i.growStack(sp); e != 0 {
			return e
		}
		i.push(low)
	}
	i.started = true
	i.setStackPointer(stack)
	i.begin(sp, code, args[:n])
	return 0
}

// lookup finds function index of table 0: its code and how many of n arguments it takes.
func (i *Instance) lookup(index uint32, n int) (code uint32, takes int, e linux.Errno) {
	m := i.p.Meta
	if len(m.Tables) == 0 {
		return 0, 0, linux.EFAULT
	}
	t := m.Tables[0]
	if t.Extern || index >= min(*i.u32(int(t.SizeOffset)), t.Cap) {
		return 0, 0, linux.EFAULT
	}
	entry := *i.u64(int(t.Offset) + int(index)*layout.EntrySize)
	code, id := uint32(entry), uint32(entry>>32)
	if id == 0 || int64(id) > int64(len(m.Types)) || uint64(code) >= i.p.code.textSize {
		return 0, 0, linux.EFAULT
	}
	params, ok := handlerType(m.Types[id-1])
	if !ok || params > n {
		return 0, 0, linux.EFAULT
	}
	return code, params, 0
}

// handlerType tells how many parameters a type has, if they are at most four i32 and it has
// no result or one integer.
func handlerType(t string) (params int, ok bool) {
	for params < len(t) && t[params] == 'i' {
		params++
	}
	if params == len(t) || params > 4 || t[params] != ':' {
		return 0, false
	}
	r := t[params+1:]
	return params, r == "" || r == "i" || r == "l"
}

// push keeps the current activation, whose stack reaches down to low.
func (i *Instance) push(low uintptr) {
	i.below = append(i.below, snapshot{
		state: i.state, held: i.held, result: i.result,
		stackPointer: i.StackPointer(), records: *i.u32(layout.Records), stackLow: low - i.at,
		control: control{
			kind: *i.u64(layout.ExitKind), code: *i.u64(layout.ExitCode), thrown: *i.u32(layout.Thrown), guestSP: int64(i.guestSP() - i.base),
			args: *i.Args(), results: *i.Results(),
		},
	})
	*i.u32(layout.Thrown) = 0 // an exception on its way waits until this activation goes on
	if i.state == interrupted {
		top, s := &i.below[len(i.below)-1], i.save()
		top.registers, top.fx = s.registers, s.fx
	}
}

// Return drops the current activation, after ExitReturn or to abandon it; the one below is
// current again.
func (i *Instance) Return() {
	n := len(i.below) - 1
	if n < 0 {
		i.started, i.state, i.held = false, returned, false
		return
	}
	b := &i.below[n]
	i.state, i.held, i.result = b.state, b.held, b.result
	if b.state == interrupted {
		s := i.save()
		s.registers, s.fx = b.registers, b.fx
	}
	*i.u64(layout.ExitKind), *i.u64(layout.ExitCode) = b.control.kind, b.control.code
	i.setGuestSP(i.base + uintptr(b.control.guestSP))
	*i.u32(layout.Thrown) = b.control.thrown
	*i.Args(), *i.Results() = b.control.args, b.control.results
	i.setStackPointer(b.stackPointer)
	*i.u32(layout.Records) = b.records
	i.shrinkStack(i.at + b.stackLow)
	i.below = i.below[:n]
}

// growStack makes room for a handler below sp. After a stack overflow that means mapping a
// reserve in the guard, which lasts as long as the handler's activation.
func (i *Instance) growStack(sp uintptr) linux.Errno {
	low := (sp - handlerRoom) &^ (pageSize - 1)
	if low >= i.stackLow {
		return 0
	}
	// What remains of the guard must be larger than any frame.
	if low > sp || low < i.at+uintptr(max(i.p.Meta.MaxFrame, leastFrame))+pageSize {
		return linux.ENOMEM
	}
	return i.reserveStack(low)
}

// reserveStack maps the stack down to low, if it does not reach there.
func (i *Instance) reserveStack(low uintptr) linux.Errno {
	if low >= i.stackLow {
		return 0
	}
	if e := mprotect(low, i.stackLow-low, unix.PROT_READ|unix.PROT_WRITE); e != 0 {
		return linux.ENOMEM
	}
	i.setStackLow(low)
	return 0
}

// shrinkStack gives up a reserve below low.
func (i *Instance) shrinkStack(low uintptr) {
	if low > i.stackLow {
		madvise(i.stackLow, low-i.stackLow, unix.MADV_DONTNEED)
		mprotect(i.stackLow, low-i.stackLow, unix.PROT_NONE)
		i.setStackLow(low)
	}
}

func (i *Instance) setStackLow(low uintptr) {
	i.stackLow = low
	i.save().stackBottom = uint64(low)
}

// rebase moves the addresses in registers that point into the slot of one instance to the
// slot of another: the stack pointer, and what an interrupted function derived from it.
func (r *registers) rebase(from, to *Instance) {
	low, high := uint64(from.at), uint64(from.base)
	for k, v := range r.gpr {
		if v >= low && v < high {
			r.gpr[k] = v - low + uint64(to.at)
		}
	}
}

// adopt makes the activations and records of parent those of i, whose area is a copy.
func (i *Instance) adopt(parent *Instance) {
	i.state, i.started, i.held, i.result = parent.state, parent.started, parent.held, parent.result
	i.below = slices.Clone(parent.below)
	i.records = slices.Clone(parent.records)
	i.kept.Store(int64(parent.Kept())) // about
	i.exceptions = parent.exceptions.clone()
	i.setGuestSP(parent.guestSP() - parent.base + i.base)
	i.save().rebase(parent, i)
	for k := range i.below {
		i.below[k].registers.rebase(parent, i)
	}
}
