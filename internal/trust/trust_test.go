package trust

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"vkernel/internal/manifest"
	"vkernel/internal/signature"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newSigner(t testing.TB, name string) signature.Signer {
	t.Helper()
	s, err := signature.Generate(signature.Ed25519)
	must(t, err)
	s.Key.Source = name
	return s
}

func digest(s string) manifest.Digest { return manifest.Sum([]byte(s)) }

// demo is a manifest, release 5 of "demo".
func demo() *manifest.Manifest {
	return &manifest.Manifest{
		Version: manifest.Version, Name: "demo", Release: 5,
		Megabinary:  manifest.Megabinary{SHA256: digest("mega"), Size: 1, Modules: []manifest.Digest{digest("module")}},
		Native:      []manifest.Native{{Arch: "x86_64", ABI: "vk", Features: []string{}, SHA256: digest("native"), Size: 1}},
		Entries:     []manifest.Entry{{ID: "sh", Name: "sh", Export: "_start", Syscalls: []string{}}},
		Executables: []manifest.Executable{{SHA256: digest("module"), Entry: "sh", Paths: []string{}}},
		Command:     []string{"/bin/sh"},
		Rootfs:      manifest.Blob{SHA256: digest("root"), Size: 1},
	}
}

// signedBy is the demo, signed.
func signedBy(t testing.TB, signers ...signature.Signer) Signed {
	t.Helper()
	s := Signed{Manifest: demo().Marshal()}
	for _, k := range signers {
		sig, err := k.Sign(s.Manifest)
		must(t, err)
		s.Signatures.Detached = append(s.Signatures.Detached, signature.Detached{File: "x", Data: sig})
	}
	return s
}

func at(text string) Time {
	var t Time
	if err := t.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return t
}

func TestCheck(t *testing.T) {
	a, b, c := newSigner(t, "a"), newSigner(t, "b"), newSigner(t, "c")
	now := at("2026-06-01T00:00:00Z").Time
	tests := []struct {
		name   string
		signed Signed
		change func(p *Policy)
		want   string // of the error; empty for none
	}{
		{"one of one", signedBy(t, a), func(p *Policy) {}, ""},
		{"unsigned", signedBy(t), func(p *Policy) {}, "signature: the bundle has not been signed"},
		{"stranger", signedBy(t, c), func(p *Policy) {}, "not a signature of this manifest.json by a trusted key; tried"},
		{"one of two", signedBy(t, a), func(p *Policy) { p.Threshold = 2 }, "1 of the 2 trusted keys that must have signed"},
		{"the same twice", signedBy(t, a, a), func(p *Policy) { p.Threshold = 2 }, "1 of the 2"},
		{"one and a stranger", signedBy(t, a, c), func(p *Policy) { p.Threshold = 2 }, "1 of the 2"},
		{"two of two", signedBy(t, b, a), func(p *Policy) { p.Threshold = 2 }, ""},
		{"policy begins", signedBy(t, a), func(p *Policy) { p.NotBefore = at("2026-06-01T00:00:00Z") }, ""},
		{"policy not yet", signedBy(t, a), func(p *Policy) { p.NotBefore = at("2026-06-01T00:00:01Z") }, "the trust policy holds from 2026-06-01T00:00:01Z on"},
		{"policy not expired", signedBy(t, a), func(p *Policy) { p.Expires = at("2026-06-01T00:00:01Z") }, ""},
		{"policy expired", signedBy(t, a), func(p *Policy) { p.Expires = at("2026-06-01T00:00:00Z") }, "the trust policy expired at"},
		{"key expired", signedBy(t, a), func(p *Policy) { p.Keys[0].Expires = at("2026-06-01T00:00:00Z") }, "(a, which expired at"},
		{"key not yet", signedBy(t, a), func(p *Policy) { p.Keys[0].NotBefore = at("2026-06-01T00:00:01Z") }, "(a, which holds from"},
		{"other key expired", signedBy(t, b), func(p *Policy) { p.Keys[0].Expires = at("2026-06-01T00:00:00Z") }, ""},
		{"expired key of two", signedBy(t, a, b), func(p *Policy) { p.Threshold, p.Keys[0].Expires = 2, at("2026-06-01T00:00:00Z") }, "1 of the 2"},
		{"manifest revoked", signedBy(t, a), func(p *Policy) {
			p.Revoked = []Revocation{{manifest.Sum(demo().Marshal()), "leaked"}}
		}, "trust policy: manifest.json with SHA-256 "},
		{"megabinary revoked", signedBy(t, a), func(p *Policy) { p.Revoked = []Revocation{{SHA256: digest("mega")}} }, "the megabinary with"},
		{"native code revoked", signedBy(t, a), func(p *Policy) { p.Revoked = []Revocation{{SHA256: digest("native")}} }, "the native code for x86_64"},
		{"root revoked", signedBy(t, a), func(p *Policy) { p.Revoked = []Revocation{{SHA256: digest("root")}} }, "rootfs.json with"},
		{"program revoked", signedBy(t, a), func(p *Policy) { p.Revoked = []Revocation{{SHA256: digest("module")}} }, ""},
		{"lowest is this", signedBy(t, a), func(p *Policy) { p.Lowest = []Lowest{{"demo", 5}} }, ""},
		{"lowest is higher", signedBy(t, a), func(p *Policy) { p.Lowest = []Lowest{{"demo", 6}} }, "demo is release 5, the lowest that still runs is 6"},
		{"lowest of another", signedBy(t, a), func(p *Policy) { p.Lowest = []Lowest{{"demo2", 6}} }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := Keys(1, a.Key, b.Key)
			tt.change(p)
			v, err := p.Check(tt.signed, now)
			if tt.want == "" && (err != nil || v.Digest != manifest.Sum(tt.signed.Manifest) || len(v.Signers) == 0) {
				t.Fatalf("Check = %+v, %v", v, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("got %v, expected ...%s...", err, tt.want)
			}
		})
	}
}

// TestOrder: a manifest is not parsed before enough keys signed its bytes.
func TestOrder(t *testing.T) {
	a := newSigner(t, "a")
	s := signedBy(t, a)
	s.Manifest = []byte("{")
	var step *Error
	if _, err := Keys(1, a.Key).Check(s, time.Now()); !errors.As(err, &step) || step.Step != "signature" {
		t.Errorf("unsigned and malformed: %v", err)
	}
	sig, err := a.Sign(s.Manifest)
	must(t, err)
	s.Signatures.Detached[0].Data = sig
	if _, err := Keys(1, a.Key).Check(s, time.Now()); !errors.As(err, &step) || step.Step != "manifest" {
		t.Errorf("signed and malformed: %v", err)
	}
}

// full is a policy with every field that there is.
func full(t testing.TB) *Policy {
	a, b := newSigner(t, "alice"), newSigner(t, "bob")
	p := Keys(2, a.Key, b.Key)
	p.Keys[1].NotBefore, p.Keys[1].Expires = at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")
	p.NotBefore, p.Expires = at("2026-01-01T00:00:00Z"), at("2028-01-01T00:00:00Z")
	p.Revoked = []Revocation{{digest("x"), "CVE-2026-1"}, {digest("y"), ""}}
	p.Lowest = []Lowest{{"demo", 7}}
	return p
}

func TestParse(t *testing.T) {
	p := full(t)
	text, err := p.Marshal()
	must(t, err)
	again, err := Parse(text)
	if err != nil || !reflect.DeepEqual(p, again) {
		t.Fatalf("Parse(Marshal) = %+v, %v\n%s", again, err, text)
	}
	if p, err := Parse([]byte(`{"version": 1}`)); err != nil || p.Threshold != 1 {
		t.Errorf("shortest: %+v, %v", p, err)
	}
	if _, err := Parse(make([]byte, MaxSize+1)); err == nil {
		t.Error("oversized: no error")
	}
}

func TestParseRefuses(t *testing.T) {
	b, err := full(t).Marshal()
	must(t, err)
	text := string(b)
	d := digest("x").String()
	tests := []struct{ name, old, new, field, reason string }{
		{"version", `"version": 1`, `"version": 2`, "version", "expected 1"},
		{"unknown", `"threshold": 2`, `"treshold": 2`, "treshold", "unknown field"},
		{"other case", `"threshold": 2`, `"Threshold": 2`, "Threshold", "unknown field"},
		{"twice", `"threshold": 2`, `"threshold": 2, "threshold": 1`, "threshold", "given twice"},
		{"threshold", `"threshold": 2`, `"threshold": 257`, "threshold", "limit"},
		{"negative", `"threshold": 2`, `"threshold": -1`, "threshold", "expected a number"},
		{"same name", `"bob"`, `"alice"`, "keys[1].name", "given twice"},
		{"no name", `"bob"`, `""`, "keys[1].name", "expected 1 to 128"},
		{"no PEM", `"name": "bob"`, `"name": "bob", "pem": ""`, "keys[1].pem", "given twice"},
		{"bad PEM", `-----BEGIN PUBLIC`, `-----BEGIN PRIVATE`, "keys[0].pem", "PEM"},
		{"time zone", `"2028-01-01T00:00:00Z"`, `"2028-01-01T00:00:00+00:00"`, "expires", "malformed time"},
		{"no such day", `"2028-01-01T00:00:00Z"`, `"2028-02-30T00:00:00Z"`, "expires", "malformed time"},
		{"zero time", `"2028-01-01T00:00:00Z"`, `"0001-01-01T00:00:00Z"`, "expires", "malformed time"},
		{"backwards", `"2028-01-01T00:00:00Z"`, `"2026-01-01T00:00:00Z"`, "expires", "not after not_before"},
		{"key backwards", `"2027-01-01T00:00:00Z"`, `"2025-01-01T00:00:00Z"`, "keys[1].expires", "not after not_before"},
		{"digest", d, d[1:], "revoked[0].sha256", "63 characters"},
		{"digest twice", digest("y").String(), d, "revoked[1].sha256", "given twice"},
		{"lowest name", `"demo"`, `"de mo"`, "lowest[0].name", "expected a bundle's name"},
		{"lowest twice", `"lowest": [`, `"lowest": [{"name": "demo", "release": 1},`, "lowest[1].name", "given twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changed := strings.Replace(text, tt.old, tt.new, 1)
			if changed == text {
				t.Fatal("the test changes nothing")
			}
			_, err := Parse([]byte(changed))
			var fe *manifest.Error
			if !errors.As(err, &fe) || fe.Field != tt.field || !strings.Contains(fe.Reason, tt.reason) {
				t.Errorf("got %v, expected %s: ...%s...", err, tt.field, tt.reason)
			}
		})
	}
	p := full(t)
	p.Keys[1].PEM = p.Keys[0].PEM
	same, err := p.Marshal()
	must(t, err)
	if _, err := Parse(same); err == nil || !strings.Contains(err.Error(), "keys[1].pem: key") {
		t.Errorf("one key under two names: %v", err)
	}
}

func TestSource(t *testing.T) {
	dir := t.TempDir()
	a, b := newSigner(t, "a"), newSigner(t, "b")
	write := func(name string, data []byte) string {
		name = filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		must(t, os.WriteFile(name, data, 0o644))
		must(t, os.Chmod(name, 0o644))
		return name
	}
	policy := filepath.Join(dir, "trust.json")
	must(t, Keys(2, a.Key).WriteFile(policy))
	key := write("keys/b.pub", b.Key.PEM())
	private, err := b.PEM(nil)
	must(t, err)
	s := Source{File: policy, KeyDir: filepath.Join(dir, "keys")}

	if p, err := s.Load(); err != nil || len(p.Keys) != 2 || p.Threshold != 2 {
		t.Errorf("file and directory: %+v, %v", p, err)
	}
	if p, err := (Source{File: policy, Keys: []string{key}}).Load(); err != nil || len(p.Keys) != 1 || p.Keys[0].Key().ID() != b.Key.ID() || p.Threshold != 1 {
		t.Errorf("named keys: %+v, %v", p, err)
	}
	refusals := []struct {
		name, want string
		source     Source
	}{
		{"too few keys", "threshold is 2, but there are 1 keys", Source{File: policy}},
		{"no file", "no such file", Source{File: policy + "x"}},
		{"no key", "no key is trusted", Source{File: policy + "x", Optional: true}},
		{"in the bundle", "lies in the bundle itself", Source{File: policy, KeyDir: s.KeyDir, Bundle: dir}},
		{"key in the bundle", "lies in the bundle itself", Source{File: policy, KeyDir: s.KeyDir, Bundle: s.KeyDir}},
		{"private key", "is a private key", Source{Keys: []string{write("p", private)}}},
		{"no key file", "no PEM block", Source{Keys: []string{write("q", []byte("x"))}}},
		{"a directory", "not a regular file", Source{Keys: []string{dir}}},
		{"malformed", "trust policy " + filepath.Join(dir, "bad.json") + ": version: missing", Source{File: write("bad.json", []byte("{}"))}},
	}
	for _, r := range refusals {
		if _, err := r.source.Load(); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: %v, expected ...%s...", r.name, err, r.want)
		}
	}
	must(t, os.Chmod(policy, 0o664))
	if _, err := s.Load(); err == nil || !strings.Contains(err.Error(), "can be written by others (mode 0664)") {
		t.Errorf("writable by the group: %v", err)
	}
}

// TestDocument: the example of docs/manifest.md is a policy, and has every field.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/manifest.md")
	must(t, err)
	_, rest, _ := strings.Cut(string(text), "## Trust policy")
	_, rest, _ = strings.Cut(rest, "```json\n")
	example, _, ok := strings.Cut(rest, "```")
	p, err := Parse([]byte(example))
	if !ok || err != nil {
		t.Fatal(err)
	}
	k := p.Keys[1]
	if p.Threshold != 2 || len(p.Revoked) == 0 || p.Revoked[0].Reason == "" || len(p.Lowest) == 0 ||
		p.NotBefore.IsZero() || p.Expires.IsZero() || k.NotBefore.IsZero() || k.Expires.IsZero() {
		t.Errorf("a field has no example: %+v", p)
	}
}

// FuzzParse: whatever is accepted is written back as something that means the same.
func FuzzParse(f *testing.F) {
	text, err := full(f).Marshal()
	must(f, err)
	f.Add(text)
	f.Add([]byte(`{"version": 1, "lowest": [], "threshold": 0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			return
		}
		text, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(text); err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("not stable: %+v, then %+v, %v", p, again, err)
		}
	})
}
