package timerfd

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// clocks is a clock that goes by hand.
type clocks struct{ now atomic.Int64 }

func (c *clocks) Clock(int32) time.Duration { return time.Duration(c.now.Load()) }

func read(f *File) (uint64, linux.Errno) {
	var p [8]byte
	_, e := f.Read(p[:], 0)
	return binary.LittleEndian.Uint64(p[:]), e
}

func TestCounts(t *testing.T) {
	c := new(clocks)
	c.now.Store(int64(time.Hour))
	f := New(c, linux.CLOCK_MONOTONIC)
	defer f.Close()
	f.Set(Setting{10 * time.Second, 3 * time.Second}, 0)
	for _, tt := range []struct {
		after time.Duration // since the setting
		n     uint64
		e     linux.Errno
		left  time.Duration // after the read
	}{
		{9 * time.Second, 0, linux.EAGAIN, time.Second},
		{10 * time.Second, 1, 0, 3 * time.Second},
		{12 * time.Second, 0, linux.EAGAIN, time.Second},
		{20 * time.Second, 3, 0, 2 * time.Second},
	} {
		c.now.Store(int64(time.Hour + tt.after))
		if ready := f.Poll() == wait.In; ready != (tt.e == 0) {
			t.Errorf("after %v: ready %v", tt.after, ready)
		}
		n, e := read(f)
		if n != tt.n || e != tt.e || f.Get().Value != tt.left {
			t.Errorf("after %v: %d %v, left %v", tt.after, n, e, f.Get().Value)
		}
	}
	if old := f.Set(Setting{}, 0); old.Interval != 3*time.Second || f.Get().Value != 0 || f.Poll() != 0 {
		t.Errorf("disarmed: %+v %+v", old, f.Get())
	}
}

// After the clock has jumped, as at a restore, Rearm tells of what has expired.
func TestRearm(t *testing.T) {
	c := new(clocks)
	f := New(c, linux.CLOCK_REALTIME)
	defer f.Close()
	f.Set(Setting{Value: time.Hour}, 0)
	w := wait.New()
	var e wait.Entry
	f.Queue().Add(&e, w, wait.In)
	defer e.Remove()
	c.now.Store(int64(2 * time.Hour))
	f.Rearm()
	if !w.Sleep(10 * time.Second) {
		t.Error("not told")
	}
}

// FuzzSetting holds that no setting overflows, and that counts and times left fit together.
func FuzzSetting(f *testing.F) {
	f.Add(int64(1), int64(0), int64(5), int64(7), uint32(0), int64(100))
	f.Add(int64(1<<62), int64(999999999), int64(1<<62), int64(1), uint32(1), int64(1<<62))
	f.Fuzz(func(t *testing.T, sec, nsec, isec, insec int64, flags uint32, later int64) {
		v, e1 := linux.Timespec{Sec: sec, Nsec: nsec}.Duration()
		i, e2 := linux.Timespec{Sec: isec, Nsec: insec}.Duration()
		if e1 != 0 || e2 != 0 {
			return
		}
		c := new(clocks)
		c.now.Store(int64(60 * 365 * 24 * time.Hour))
		file := New(c, 0)
		defer file.Close()
		file.Set(Setting{v, i}, flags)
		c.now.Add(max(later, 0) % int64(100*365*24*time.Hour))
		before := file.Get()
		n, e := read(file)
		after := file.Get()
		switch {
		case before.Value < 0 || after.Value < 0:
			t.Fatalf("negative time left: %v %v", before, after)
		case e == 0 && n == 0, e != 0 && n != 0:
			t.Fatalf("%d and %v", n, e)
		case e == 0 && file.Poll() != 0:
			t.Fatal("ready right after a read")
		case i > 0 && v > 0 && (after.Value > i && e == 0 || after.Value == 0):
			t.Fatalf("%v left of an interval of %v", after.Value, i)
		}
	})
}
