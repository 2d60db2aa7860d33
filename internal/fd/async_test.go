package fd_test

import (
	"slices"
	"testing"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/pipe"
)

// SignalIO makes the registries send signals to groups: they note them.
func (r *registries) SignalIO(_ int, _, _ uint32, info linux.SigInfo) {
	r.sent = append(r.sent, linux.Signal(info.Signo))
}

// TestSaveAsync: who gets signals of a pipe and of a directory goes on to get them, and nobody twice.
func TestSaveAsync(t *testing.T) {
	w := newWorld(t, newMem(t, memfs.Options{Dev: 3}))
	rd, wr, at := pipe.New(w.pool, linux.Stat{})
	r, p := w.install(t, fd.New(rd, at, linux.O_RDONLY)), w.install(t, fd.New(wr, at, linux.O_WRONLY))
	group := fd.Owner{Type: linux.F_OWNER_PGRP, ID: 7, UID: 5, EUID: 6}
	d := w.get(t, r)
	d.SetOwner(group, w.registries, false)
	d.SetSignal(linux.SIGUSR1)
	d.SetAsync(true, rd.Queue(), r)
	dir := w.open(t, "/", linux.O_RDONLY|linux.O_DIRECTORY)
	w.get(t, dir).SetOwner(group, w.registries, true)
	w.get(t, dir).SetSignal(linux.SIGUSR2)
	w.get(t, dir).Notify(linux.IN_CREATE, dir)
	once := w.open(t, "/", linux.O_RDONLY|linux.O_DIRECTORY)
	w.get(t, once).SetOwner(group, w.registries, true)
	w.get(t, once).Notify(linux.IN_CREATE|linux.IN_ONESHOT, once)
	want := func(w *world, what string, sent ...linux.Signal) {
		t.Helper()
		if slices.Sort(w.sent); !slices.Equal(w.sent, sent) {
			t.Errorf("%s: sent %v, expected %v", what, w.sent, sent)
		}
		w.sent = nil
	}
	w.write(t, p, "x")
	w.open(t, "/a", linux.O_CREAT|linux.O_WRONLY)
	want(w, "before", linux.SIGUSR1, linux.SIGUSR2, linux.SIGIO)

	x := reload(t, w)
	if o, sig := x.get(t, r).Owner(); o != group || sig != linux.SIGUSR1 {
		t.Errorf("owner %+v %v", o, sig)
	}
	x.write(t, p, "x")
	x.open(t, "/b", linux.O_CREAT|linux.O_WRONLY)
	want(x, "loaded", linux.SIGUSR1, linux.SIGUSR2)
	want(w, "the old one")
	x.table.Close(r)
	x.table.Close(dir)
	x.open(t, "/c", linux.O_CREAT|linux.O_WRONLY)
	want(x, "closed")
}

// alarms counts.
type alarms struct{ n int }

func (a *alarms) Alarm() { a.n++ }

// A queue that is full turns the signal into SIGIO.
func TestAsyncOverflow(t *testing.T) {
	s, a := signal.New(1), new(alarms)
	var th signal.Thread
	rt := linux.Signal(40)
	s.StartIn(&th, signal.Of(rt, linux.SIGIO), linux.Stack{}, a)
	rd, wr, at := pipe.New(pipe.NewPool(1<<20), linux.Stat{})
	d := fd.New(rd, at, linux.O_RDONLY)
	d.SetOwner(fd.Owner{Type: linux.F_OWNER_PID, ID: 1, Process: s}, nil, false)
	d.SetSignal(rt)
	d.SetAsync(true, rd.Queue(), 3)
	for range 3 {
		if _, e := wr.Write([]byte("x"), 0); e != 0 {
			t.Fatal(e)
		}
	}
	if pending, _, _ := s.Sets(); pending != signal.Of(rt, linux.SIGIO) {
		t.Errorf("pending %x", pending)
	}
	d.SetAsync(false, nil, 0)
	th.ChangeMask(linux.SIG_SETMASK, 0)
	before := a.n
	wr.Write([]byte("x"), 0)
	if a.n != before || d.Flags()&linux.O_ASYNC != 0 {
		t.Error("told although it is off")
	}
	d.Unref()
	wr.Close()
}
