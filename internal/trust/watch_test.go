package trust

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vkernel/internal/manifest"
)

// watched is a policy file that a Watcher follows.
type watched struct {
	file    string
	revoked Revoked
	pushed  chan Update

	mu       sync.Mutex
	reported []string
}

func watch(t *testing.T, p *Policy, signed Signed) *watched {
	t.Helper()
	w := &watched{file: filepath.Join(t.TempDir(), "trust.json"), pushed: make(chan Update, 100)}
	must(t, p.WriteFile(w.file))
	watcher, err := Watch(Source{File: w.file}, signed, func(u Update) {
		w.revoked.Apply(u)
		w.pushed <- u
	}, func(err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.reported = append(w.reported, err.Error())
	})
	must(t, err)
	t.Cleanup(watcher.Close)
	return w
}

func (w *watched) next(t *testing.T) Update {
	t.Helper()
	select {
	case u := <-w.pushed:
		return u
	case <-time.After(20 * time.Second):
		t.Fatal("no update")
		return Update{}
	}
}

func TestWatch(t *testing.T) {
	a, b := newSigner(t, "a"), newSigner(t, "b")
	bad, good := digest("module"), digest("other")
	w := watch(t, Keys(1, a.Key), signedBy(t, a))
	if u := w.next(t); u.Reason != "" || len(u.Digests) != 0 || w.revoked.Has(bad) {
		t.Fatalf("first: %+v", u)
	}

	p := Keys(1, a.Key)
	p.Revoked = []Revocation{{SHA256: bad}}
	must(t, p.WriteFile(w.file))
	if u := w.next(t); u.Reason != "" || !w.revoked.Has(bad) || w.revoked.Has(good) {
		t.Fatalf("revoked: %+v", u)
	}

	// What is malformed takes nothing back; what comes after it counts.
	must(t, os.WriteFile(w.file, []byte(`{"version": 1`), 0o644))
	time.Sleep(100 * time.Millisecond)
	if !w.revoked.Has(bad) {
		t.Fatal("a malformed policy took a revocation back")
	}
	must(t, Keys(1, a.Key).WriteFile(w.file))
	if w.next(t); w.revoked.Has(bad) {
		t.Fatal("still revoked")
	}

	time.Sleep((firstLooks + 1) * firstInterval) // from here on the host tells

	// Rotation: the signer's key is replaced, so the bundle is not trusted any more.
	must(t, Keys(1, b.Key).WriteFile(w.file))
	if u := w.next(t); !strings.Contains(u.Reason, "by a trusted key") || !w.revoked.Has(good) {
		t.Fatalf("key replaced: %+v", u)
	}
	must(t, Keys(1, a.Key, b.Key).WriteFile(w.file))
	if u := w.next(t); u.Reason != "" || w.revoked.Has(good) {
		t.Fatalf("key back: %+v", u)
	}

	// The release, and the manifest itself.
	p = Keys(1, a.Key)
	p.Lowest = []Lowest{{"demo", 6}}
	must(t, p.WriteFile(w.file))
	if u := w.next(t); !strings.Contains(u.Reason, "the lowest that still runs is 6") || !w.revoked.Has(good) {
		t.Fatalf("lowest raised: %+v", u)
	}
	p.Lowest, p.Revoked = nil, []Revocation{{manifest.Sum(demo().Marshal()), "leaked"}}
	must(t, p.WriteFile(w.file))
	if u := w.next(t); !strings.Contains(u.Reason, "leaked") || !w.revoked.Has(good) {
		t.Fatalf("manifest revoked: %+v", u)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if all := strings.Join(w.reported, "\n"); !strings.Contains(all, "what it said before holds on") || !strings.Contains(all, "the bundle is not trusted any more") {
		t.Errorf("reported:\n%s", all)
	}
}

// TestWatchTime: a policy that expires says so without a change of its file.
func TestWatchTime(t *testing.T) {
	a := newSigner(t, "a")
	p := Keys(1, a.Key)
	p.Expires = Time{time.Now().Add(2 * time.Second).UTC().Truncate(time.Second)}
	if !p.Expires.After(time.Now()) {
		t.Fatal("the test's clock is odd")
	}
	w := watch(t, p, signedBy(t, a))
	first := w.next(t)
	if u := w.next(t); first.Reason != "" || !strings.Contains(u.Reason, "expired") || !w.revoked.Has(digest("any")) {
		t.Fatalf("%+v, then %+v", first, u)
	}
}

// TestWatchVanishes: an optional policy that was there takes nothing back when it vanishes.
func TestWatchVanishes(t *testing.T) {
	a := newSigner(t, "a")
	dir := t.TempDir()
	file, key := filepath.Join(dir, "trust.json"), filepath.Join(dir, "a.pub")
	must(t, os.WriteFile(key, a.Key.PEM(), 0o644))
	var revoked Revoked
	pushed, reported := make(chan Update, 10), make(chan error, 10)
	w, err := Watch(Source{File: file, Optional: true, KeyDir: dir}, signedBy(t, a), func(u Update) {
		revoked.Apply(u)
		pushed <- u
	}, func(err error) { reported <- err })
	must(t, err)
	defer w.Close()
	<-pushed
	p := Keys(1)
	p.Revoked = []Revocation{{SHA256: digest("module")}}
	must(t, p.WriteFile(file))
	<-pushed
	<-reported
	must(t, os.Remove(file))
	if err := <-reported; !strings.Contains(err.Error(), "no such file") || !revoked.Has(digest("module")) {
		t.Errorf("%v, revoked: %v", err, revoked.Has(digest("module")))
	}
	must(t, os.Remove(key)) // this one is a directory's: it is gone
	must(t, p.WriteFile(file))
	if u := <-pushed; u.Reason == "" || !revoked.Has(digest("other")) {
		t.Errorf("no key left: %+v", u)
	}
}

// TestChange: of changes made at the same time none is lost.
func TestChange(t *testing.T) {
	s := Source{File: filepath.Join(t.TempDir(), "new", "trust.json")}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := s.Change(func(p *Policy) error {
				p.Revoked = append(p.Revoked, Revocation{SHA256: digest(strings.Repeat("x", i))})
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if p, err := s.LoadFile(); err != nil || len(p.Revoked) != 20 {
		t.Errorf("%d of 20 changes, %v", len(p.Revoked), err)
	}
	if err := s.Change(func(p *Policy) error { p.Version = 7; return nil }); err == nil {
		t.Error("a malformed policy was written")
	}
}

// TestWatchRefuses: no watcher without a policy.
func TestWatchRefuses(t *testing.T) {
	a := newSigner(t, "a")
	if _, err := Watch(Source{File: "/nowhere/trust.json"}, signedBy(t, a), func(Update) {}, func(error) {}); err == nil {
		t.Fatal("no error")
	}
	var none *Watcher
	none.Close()
}

// TestRevokedRace: readers and a writer, for the race detector.
func TestRevokedRace(t *testing.T) {
	var r Revoked
	d := digest("x")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				r.Has(d)
			}
		})
	}
	for i := range 100 {
		u := Update{Digests: []manifest.Digest{d}}
		if i%2 == 0 {
			u = Update{Reason: "x"}
		}
		r.Apply(u)
	}
	wg.Wait()
	if !r.Has(d) || (*Revoked)(nil).Has(d) || new(Revoked).Has(d) {
		t.Error("Has is wrong")
	}
	if n := testing.AllocsPerRun(100, func() { r.Has(d) }); n != 0 {
		t.Errorf("Has allocates %v times", n)
	}
}

func BenchmarkRevoked(b *testing.B) {
	var r Revoked
	u := Update{}
	for i := range 10000 {
		u.Digests = append(u.Digests, digest(time.Duration(i).String()))
	}
	r.Apply(u)
	d := digest("module")
	for b.Loop() {
		r.Has(d)
	}
}

// BenchmarkStart is what a start of a container pays: policy read, bundle checked, policy
// followed.
func BenchmarkStart(b *testing.B) {
	a := newSigner(b, "a")
	file := filepath.Join(b.TempDir(), "trust.json")
	must(b, Keys(1, a.Key).WriteFile(file))
	s := Source{File: file}
	signed := signedBy(b, a)
	for b.Loop() {
		p, err := s.Load()
		must(b, err)
		if _, err := p.Check(signed, time.Now()); err != nil {
			b.Fatal(err)
		}
		w, err := Watch(s, signed, func(Update) {}, func(error) {})
		must(b, err)
		w.Close()
	}
}
