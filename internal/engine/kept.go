package engine

import "unsafe"

// Sizes of what a guest makes the engine keep.
const (
	recordBytes    = int64(unsafe.Sizeof(record{}))
	exceptionBytes = int64(unsafe.Sizeof(exception{}))
	valueBytes     = 16
)

// Kept is about how many bytes of the host's own memory the guest made the engine keep:
// records of setjmp and exceptions. Any goroutine may call it.
func (i *Instance) Kept() uint64 { return uint64(max(0, i.kept.Load())) }

// countRecords notes that the list of records has got room for more.
func (i *Instance) countRecords(before int) {
	if now := cap(i.records); now != before {
		i.kept.Add(int64(now-before) * recordBytes)
	}
}

// bytes is what an exception in use takes.
func (e *exception) bytes() int64 { return exceptionBytes + int64(len(e.values))*valueBytes }
