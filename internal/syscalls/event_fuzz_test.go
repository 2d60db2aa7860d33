package syscalls

import (
	"encoding/binary"
	"testing"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/vfs/epoll"
	"vkernel/internal/vfs/eventfd"
	"vkernel/internal/vfs/timerfd"
	"vkernel/internal/wait"
)

// as reads a structure from bytes, the rest being zero.
func as[T any](data []byte) (v T) {
	whole := make([]byte, binary.Size(v))
	copy(whole, data)
	if _, err := binary.Decode(whole, binary.LittleEndian, &v); err != nil {
		panic(err)
	}
	return v
}

type fuzzHome struct{ epoll.Registry }

func (h *fuzzHome) Epolls() *epoll.Registry { return &h.Registry }

// FuzzEpollEvents makes calls of epoll_ctl with any events on counters, of which one is a set, and reads: what comes out
// belongs to a registration, with its data and no event that was not asked for.
func FuzzEpollEvents(f *testing.F) {
	f.Add([]byte{1, 0, 1, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0})
	f.Add([]byte{1, 1, 1, 0, 0, 0xc0, 1, 2, 3, 4, 5, 6, 7, 8, 3, 1, 4, 0, 0, 0x80, 9, 9, 9, 9, 9, 9, 9, 9})
	f.Add([]byte{1, 3, 1, 0, 0, 0x10, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		home := new(fuzzHome)
		set := epoll.New(home)
		files := []vfs.File{eventfd.New(0, false), eventfd.New(1, false), eventfd.New(5, true), epoll.New(home)}
		var all []*fd.Description
		for _, x := range files {
			all = append(all, fd.New(x, anon.Path("anon_inode:[fuzz]"), linux.O_RDWR))
		}
		asked := map[int32]linux.EpollEvent{}
		for len(data) >= 2 {
			op, n := int32(data[0]%5), int32(data[1])%int32(len(all))
			ev := as[linux.EpollEvent](data[2:])
			data = data[min(len(data), 2+linux.SizeofEpollEvent):]
			switch e := set.Control(op, all[n], n, ev, nil); {
			case e != 0:
			case op == linux.EPOLL_CTL_DEL:
				delete(asked, n)
			default:
				asked[n] = ev
			}
			p := make([]byte, 8*linux.SizeofEpollEvent)
			var got int64
			set.Take(nil, p, 8, &got)
			if got > int64(len(asked)) {
				t.Fatalf("%d events of %d registrations", got, len(asked))
			}
			for i := range got {
				checkEvent(t, p[i*linux.SizeofEpollEvent:], asked)
			}
		}
		for _, d := range all {
			d.Unref()
		}
		set.Close()
	})
}

// checkEvent looks for the registration that an event belongs to.
func checkEvent(t *testing.T, p []byte, asked map[int32]linux.EpollEvent) {
	t.Helper()
	events := binary.LittleEndian.Uint32(p)
	data := [2]uint32{binary.LittleEndian.Uint32(p[4:]), binary.LittleEndian.Uint32(p[8:])}
	for _, ev := range asked {
		if ev.Data == data && events != 0 && events&^(ev.Events|uint32(wait.Err|wait.Hup)) == 0 {
			return
		}
	}
	t.Fatalf("event %x with data %x, asked for %x", events, data, asked)
}

type fuzzClock time.Duration

func (c *fuzzClock) Clock(int32) time.Duration { return time.Duration(*c) }

// FuzzItimerspec sets a timer to any struct itimerspec, and lets any time pass: what is left is never negative, nor more
// than was set, and the interval stays.
func FuzzItimerspec(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}, uint32(0), int64(5e9))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, uint32(1), int64(1<<62))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 127, 255, 201, 154, 59, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 127}, uint32(1), int64(1))
	f.Fuzz(func(t *testing.T, data []byte, flags uint32, pass int64) {
		v := as[linux.Itimerspec](data)
		value, e1 := v.Value.Duration()
		interval, e2 := v.Interval.Duration()
		if e1 != 0 || e2 != 0 {
			return
		}
		now := fuzzClock(time.Hour)
		timer := timerfd.New(&now, linux.CLOCK_MONOTONIC)
		defer timer.Close()
		timer.Set(timerfd.Setting{Value: value, Interval: interval}, flags&linux.TFD_TIMER_ABSTIME)
		now += fuzzClock(max(0, pass) % int64(100*365*24*time.Hour))
		s := timer.Get()
		if s.Value < 0 || s.Interval != interval && (value != 0 || s.Interval != 0) || s.Value > max(value, interval) {
			t.Fatalf("set to %v %v, %v later %v", value, interval, time.Duration(now)-time.Hour, s)
		}
		var p [8]byte
		if n, e := timer.Read(p[:], 0); e == 0 && (n != 8 || binary.LittleEndian.Uint64(p[:]) == 0) {
			t.Fatalf("read %d %x", n, p)
		}
	})
}

// FuzzSignalfdSiginfo shows any siginfo, as rt_sigqueueinfo(2) takes it, through a signalfd.
func FuzzSignalfdSiginfo(f *testing.F) {
	f.Add([]byte{10, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{17, 0, 0, 0, 5, 0, 0, 0, 1})
	f.Add([]byte{29, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		i := as[linux.SigInfo](data)
		s := i.Signalfd()
		if s.Signo != uint32(i.Signo) || s.Errno != i.Errno || s.Code != i.Code {
			t.Fatalf("%+v of %+v", s, i)
		}
	})
}
