package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vkernel/internal/bundle"
	"vkernel/internal/control"
	"vkernel/internal/kernel"
	"vkernel/internal/manifest"
	"vkernel/internal/packet"
	"vkernel/internal/sandbox"
	"vkernel/internal/snapshot"
)

// What it costs to save, restore and fork a container whose only process holds 100 MB (guest/held.c). All is called as
// packages sandbox and control, from this process, and sandboxes come from a spare, sealed before the time begins. Snapshots lie in
// the directory for temporary files, read from the host's cache. There is no native counterpart.

const (
	heldMB      = "100"
	savedRounds = 15
	firstForks  = 5
)

// savedRows are the rows. Of restores and forks they are the time to the byte that the process then writes: it was waiting for one, which
// comes at once. container_fork_100mb_first is the first fork of a container, which takes all its memory; forks after it take what was written
// to since, here nothing.
var savedRows = []string{
	"snapshot_100mb_first", "snapshot_100mb_10mb_dirty", "snapshot_100mb_10mb_dirty_pause", "restore_100mb",
	"container_fork_100mb_first", "container_fork_100mb", "container_fork_100mb_pause",
}

// measureSaved adds the rows.
func measureSaved(dir string, wanted func(string) bool, add func(Result)) error {
	if !slices.ContainsFunc(savedRows, wanted) {
		return nil
	}
	spare, b, done, err := spareOf(dir)
	if err != nil {
		return err
	}
	defer done()
	rows := map[string][]float64{}
	for _, f := range []func(*sandbox.Spare, *bundle.Bundle, map[string][]float64) error{snapshots, forks, firstFork} {
		if err := f(spare, b, rows); err != nil {
			return fmt.Errorf("snapshots: %w", err)
		}
	}
	for _, name := range savedRows {
		if wanted(name) {
			add(Result{Name: name, Unit: "ns", Samples: len(rows[name]), VKernel: median(rows[name])})
		}
	}
	return nil
}

// holder is a container that holds memory.
type holder struct {
	sandbox *sandbox.Sandbox
	in, out *os.File
	kill    context.CancelFunc
	ended   chan error
}

// newHolder starts one, or goes on with one.
func newHolder(spare *sandbox.Spare, from *sandbox.From) (*holder, error) {
	s, err := spare.Take()
	if err != nil {
		return nil, err
	}
	in, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	theirs, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	h := &holder{sandbox: s, in: ours, out: theirs, ended: make(chan error, 1)}
	var ctx context.Context
	ctx, h.kill = context.WithCancel(context.Background())
	go func() {
		defer in.Close()
		defer out.Close()
		_, err := s.Run(ctx, sandbox.Run{Command: []string{"/bin/held", heldMB}, Dir: "/", From: from, Streams: sandbox.Streams{In: in, Out: out, Err: os.Stderr}})
		h.ended <- err
	}()
	return h, nil
}

// answer waits for a byte.
func (h *holder) answer(want byte) error {
	var c [1]byte
	if _, err := io.ReadFull(h.out, c[:]); err != nil {
		return errors.Join(fmt.Errorf("the container says nothing: %w", err), <-h.ended)
	}
	if c[0] != want {
		return fmt.Errorf("the container says %q, expected %q", c[0], want)
	}
	return nil
}

// ask has it do something, and waits until it has.
func (h *holder) ask(what byte) error {
	if _, err := h.in.Write([]byte{what}); err != nil {
		return err
	}
	return h.answer(what)
}

// end ends it.
func (h *holder) end() error {
	defer h.sandbox.Close()
	h.in.Close()
	defer h.out.Close()
	defer h.kill()
	return <-h.ended
}

// goOn is the time until a container that is made goes on. It has all its memory, as is seen afterwards.
func goOn(began time.Time, spare *sandbox.Spare, from *sandbox.From) (float64, error) {
	h, err := newHolder(spare, from)
	if err != nil {
		return 0, err
	}
	if err := h.ask('x'); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return float64(took), errors.Join(h.ask('v'), h.end())
}

// snapshots measures snapshots and restores.
func snapshots(spare *sandbox.Spare, b *bundle.Bundle, rows map[string][]float64) (err error) {
	tmp, err := os.MkdirTemp("", "vkbench-snapshot-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	h, err := newHolder(spare, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.end()) }()
	if err := h.answer('r'); err != nil {
		return err
	}
	client, done, err := h.serve(b)
	if err != nil {
		return err
	}
	defer done()
	key, err := snapshot.OpenKey(tmp, true)
	if err != nil {
		return err
	}
	v := &snapshot.Verifier{Key: key}
	dir := filepath.Join(tmp, "snapshot")
	for round := range savedRounds + 1 {
		taken, err := client.Snapshot(context.Background(), dir, key, v)
		switch {
		case err != nil:
			return err
		case round == 0:
			rows["snapshot_100mb_first"] = []float64{float64(taken.Took)}
		default:
			rows["snapshot_100mb_10mb_dirty"] = append(rows["snapshot_100mb_10mb_dirty"], float64(taken.Took))
			rows["snapshot_100mb_10mb_dirty_pause"] = append(rows["snapshot_100mb_10mb_dirty_pause"], float64(taken.Saved.Paused))
		}
		if err := h.ask('d'); err != nil {
			return err
		}
	}
	for range savedRounds {
		took, err := restoreOnce(spare, b, dir, v)
		if err != nil {
			return err
		}
		rows["restore_100mb"] = append(rows["restore_100mb"], took)
	}
	return nil
}

// serve makes the container one with a name.
func (h *holder) serve(b *bundle.Bundle) (*control.Client, func(), error) {
	var id [16]byte
	rand.Read(id[:])
	name, err := control.Reserve("bench-" + hex.EncodeToString(id[:4]))
	if err != nil {
		return nil, nil, err
	}
	server, err := name.Serve(control.Config{Container: h.sandbox, Remove: h.kill, Info: control.Info{
		Bundle: b.Dir, Manifest: manifest.Sum(b.ManifestBytes()).String(), Code: b.Native.SHA256.String(), CPU: "any",
		Command: []string{"/bin/held"}, Started: time.Now(), ID: hex.EncodeToString(id[:]), Memory: kernel.DefaultMemory(),
	}})
	if err != nil {
		name.Close()
		return nil, nil, err
	}
	client, err := control.Open("bench-" + hex.EncodeToString(id[:4]))
	return client, func() { server.Close(); name.Close() }, err
}

// restoreOnce is the time from a directory to the first instruction, authentication and all.
func restoreOnce(spare *sandbox.Spare, b *bundle.Bundle, dir string, v *snapshot.Verifier) (float64, error) {
	time.Sleep(100 * time.Millisecond) // until there is a spare
	began := time.Now()
	r, err := control.OpenSnapshot(dir, v)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	if err := r.Belongs("", manifest.Sum(b.ManifestBytes()), b.Native.SHA256); err != nil {
		return 0, err
	}
	chunks, stop := r.Ahead()
	defer stop()
	return goOn(began, spare, &sandbox.From{Root: r.Root, Chunks: chunks})
}

// fork forks a container and gives the time until the copy goes on, and how long the container stood.
func (h *holder) fork(spare *sandbox.Spare) (took, paused float64, err error) {
	time.Sleep(100 * time.Millisecond) // until there is a spare
	began := time.Now()
	memory, err := packet.Memory("copy")
	if err != nil {
		return 0, 0, err
	}
	defer memory.Close()
	saved, err := h.sandbox.Save(context.Background(), sandbox.SaveArgument{Memory: true}, memory)
	if err == nil {
		err = packet.SealMemory(memory)
	}
	if err != nil {
		return 0, 0, err
	}
	took, err = goOn(began, spare, &sandbox.From{Memory: memory})
	return took, float64(saved.Paused), err
}

// forks measures forks of one container, but the first.
func forks(spare *sandbox.Spare, _ *bundle.Bundle, rows map[string][]float64) (err error) {
	h, err := newHolder(spare, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.end()) }()
	if err := h.answer('r'); err != nil {
		return err
	}
	for round := range savedRounds + 1 {
		took, paused, err := h.fork(spare)
		if err != nil {
			return err
		}
		if round > 0 {
			rows["container_fork_100mb"] = append(rows["container_fork_100mb"], took)
			rows["container_fork_100mb_pause"] = append(rows["container_fork_100mb_pause"], paused)
		}
	}
	return nil
}

// firstFork measures the first fork of each of several containers.
func firstFork(spare *sandbox.Spare, _ *bundle.Bundle, rows map[string][]float64) error {
	for range firstForks {
		h, err := newHolder(spare, nil)
		if err != nil {
			return err
		}
		err = h.answer('r')
		var took float64
		if err == nil {
			took, _, err = h.fork(spare)
		}
		if err := errors.Join(err, h.end()); err != nil {
			return err
		}
		rows["container_fork_100mb_first"] = append(rows["container_fork_100mb_first"], took)
	}
	return nil
}
