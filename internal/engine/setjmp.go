package engine

import (
	"crypto/rand"
	"encoding/binary"

	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
)

// record is one live setjmp: where longjmp goes to. The guest holds its number only. A record
// dies with its frame: compiled code lowers the count in the control page when a frame that
// called setjmp returns, and the records from there on are dead.
type record struct {
	number uint64
	frame  frame  // registers and return address of the call of setjmp
	sp     int64  // of the frame, relative to base
	stack  uint32 // the guest's __stack_pointer
	buffer guest.Addr
	depth  int
	data   uint64
}

// The low bits of a number are the record's index, the others are never used twice in a
// Code, so that no other number of a dead or foreign record fits a live one.
const (
	indexBits  = 16
	maxRecords = 1 << indexBits
)

// firstRecord is where the numbers of a Code start.
func firstRecord() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:]) >> 24
}

// liveRecords drops the records whose frames have returned and gives the others.
func (i *Instance) liveRecords() []record {
	if n := *i.u32(layout.Records); int64(n) < int64(len(i.records)) {
		i.records = i.records[:n]
	}
	return i.records
}

// Setjmp makes a record of the current call, after ExitSetjmp, and writes its number to the
// first 8 bytes of the guest's jmp_buf; Resume(0) continues. The same buffer in the same frame
// has one record. data is the caller's. EFAULT if the buffer is bad, ENOMEM at the limit.
func (i *Instance) Setjmp(data uint64) linux.Errno {
	live := i.liveRecords()
	r := record{
		frame: *frameAt(i.guestSP()), sp: int64(i.guestSP() - i.base), stack: i.StackPointer(),
		buffer: guest.Addr(i.Arg(0)), depth: i.Depth(), data: data,
	}
	at := len(live)
	for k := at - 1; k >= 0 && live[k].sp == r.sp && live[k].depth == r.depth; k-- {
		if live[k].buffer == r.buffer {
			at = k
			break
		}
	}
	if at == maxRecords {
		return linux.ENOMEM
	}
	r.number = i.p.code.records.Add(1)<<indexBits | uint64(at)
	if e := guest.Put(i.Memory(), r.buffer, &r.number); e != 0 {
		return e
	}
	if at == len(live) {
		before := cap(i.records)
		i.records = append(live, r)
		i.countRecords(before)
		*i.u32(layout.Records) = uint32(at + 1)
	} else {
		live[at] = r
	}
	return 0
}

// Longjmp goes back to the record that the jmp_buf names, after ExitLongjmp: activations and
// records above it are dropped, and Resume(value) continues at the setjmp. If that record is
// not live it reports false and changes nothing.
func (i *Instance) Longjmp() (data uint64, ok bool) {
	number, e := guest.Get[uint64](i.Memory(), guest.Addr(i.Arg(0)))
	live := i.liveRecords()
	at := number & (maxRecords - 1)
	if e != 0 || at >= uint64(len(live)) || live[at].number != number || live[at].depth > i.Depth() {
		return 0, false
	}
	r := &live[at]
	for i.Depth() > r.depth {
		i.Return()
	}
	i.state, i.held = atFrame, false
	sp := i.base + uintptr(r.sp)
	*frameAt(sp) = r.frame
	i.setGuestSP(sp)
	i.setStackPointer(r.stack)
	i.records = live[:at+1]
	*i.u32(layout.Records), *i.u32(layout.Thrown) = uint32(at+1), 0
	return r.data, true
}
