package audit

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// Budgets of a Log.
const (
	bytesPerSecond = 256 << 10 // sustained, for allowed and refused each
	burst          = 4 << 20   // bytes that may come at once
	most           = 1 << 30   // bytes of a whole log
)

// Log writes records as JSON lines.
type Log struct {
	now func() time.Time

	mu sync.Mutex

	// guarded by mu
	w       io.Writer
	err     error
	written int64
	allowed budget
	refused budget
}

// budget is a bucket of bytes that fills by the second, and what did not fit.
type budget struct {
	left   float64
	filled time.Time
	missed uint64
}

// missing is a line that stands for records that were not written.
type missing struct {
	Time    time.Time `json:"time"`
	Dropped uint64    `json:"dropped"`
	Refused bool      `json:"refused"` // which kind was dropped
}

// NewLog makes a Log that writes to w.
func NewLog(w io.Writer) *Log { return newLog(w, time.Now) }

func newLog(w io.Writer, now func() time.Time) *Log {
	start := now()
	full := budget{left: burst, filled: start}
	return &Log{now: now, w: w, allowed: full, refused: full}
}

// Decided writes one line, or counts it as missing.
func (l *Log) Decided(r Record) {
	line, err := json.Marshal(&r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil { // a Record has nothing that JSON lacks
		l.err = err
		return
	}
	b := &l.allowed
	if !r.Allowed() {
		b = &l.refused
	}
	if l.err != nil || l.written >= most || !b.take(len(line)+1, l.now()) {
		b.missed++
		return
	}
	l.settleLocked(b, r.Time)
	l.writeLocked(line)
}

// take takes n bytes if they are there.
func (b *budget) take(n int, now time.Time) bool {
	if passed := now.Sub(b.filled); passed > 0 {
		b.left = min(burst, b.left+passed.Seconds()*bytesPerSecond)
		b.filled = now
	}
	if b.left < float64(n) {
		return false
	}
	b.left -= float64(n)
	return true
}

// settleLocked says how many records are missing before this point.
func (l *Log) settleLocked(b *budget, at time.Time) {
	if b.missed == 0 {
		return
	}
	line, err := json.Marshal(missing{Time: at, Dropped: b.missed, Refused: b == &l.refused})
	if err == nil {
		b.missed = 0
		l.writeLocked(line)
	}
}

func (l *Log) writeLocked(line []byte) {
	n, err := l.w.Write(append(line, '\n'))
	l.written += int64(n)
	if err != nil && l.err == nil {
		l.err = err
	}
}

// Close says what is missing at the end, and gives the first error of the writer. Records that
// come later are not written.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.settleLocked(&l.allowed, l.now())
		l.settleLocked(&l.refused, l.now())
	}
	l.written = most
	return l.err
}
