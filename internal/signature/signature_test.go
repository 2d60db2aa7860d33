package signature

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"vkernel/internal/manifest"
)

var (
	algorithms = []string{Ed25519, ECDSAP256}
	document   = []byte("{\"version\": 2}\n")
	described  = &manifest.Manifest{Name: "demo", Release: 7}
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newSignerOf(t testing.TB, algorithm string) Signer {
	t.Helper()
	s, err := Generate(algorithm)
	must(t, err)
	s.Key.Source = algorithm
	return s
}

func sign(t testing.TB, s Signer, data []byte) []byte {
	t.Helper()
	sig, err := s.Sign(data)
	must(t, err)
	return sig
}

func TestVerify(t *testing.T) {
	for _, algorithm := range algorithms {
		s, other := newSignerOf(t, algorithm), newSignerOf(t, algorithm)
		sig := sign(t, s, document)
		set := Set{Detached: []Detached{{"manifest.json.sig", sig}}}
		got, err := set.Signers(document, []Key{other.Key, s.Key})
		if err != nil || len(got) != 1 || got[0].ID() != s.Key.ID() {
			t.Errorf("%s: Signers = %v, %v", algorithm, got, err)
		}
		for i := range document {
			changed := append([]byte(nil), document...)
			changed[i] ^= 1
			if got, err := set.Signers(changed, []Key{s.Key}); len(got) != 0 || err != nil {
				t.Errorf("%s: byte %d changed: %v, %v", algorithm, i, got, err)
			}
		}
		if got, _ := set.Signers(append(document[:len(document):len(document)], '\n'), []Key{s.Key}); len(got) != 0 {
			t.Errorf("%s: a byte added: accepted", algorithm)
		}
		for i := range sig {
			changed := append([]byte(nil), sig...)
			changed[i] ^= 1
			if s.Key.Verify(document, changed) {
				t.Errorf("%s: byte %d of the signature changed: accepted", algorithm, i)
			}
		}
		if (Key{}).Verify(document, sig) {
			t.Errorf("%s: the zero Key verifies", algorithm)
		}
	}
}

// TestForm: what cannot be a signature is named.
func TestForm(t *testing.T) {
	s := newSignerOf(t, ECDSAP256)
	sig := sign(t, s, document)
	for name, data := range map[string][]byte{
		"empty": {}, "short": make([]byte, 63), "long": make([]byte, 65), "text": []byte("c2lnbmF0dXJl"),
		"trailing": append(sig[:len(sig):len(sig)], 0), "cut off": sig[:len(sig)-1],
		"negative": {0x30, 6, 2, 1, 0xff, 2, 1, 1},
	} {
		set := Set{Detached: []Detached{{"x.sig", data}}}
		if _, err := set.Signers(document, []Key{s.Key}); err == nil || !strings.HasPrefix(err.Error(), "x.sig: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestThreshold: a key counts once, whatever it signed and in whatever format.
func TestThreshold(t *testing.T) {
	a, b, c := newSignerOf(t, Ed25519), newSignerOf(t, ECDSAP256), newSignerOf(t, Ed25519)
	envelope, err := SignEnvelope(nil, document, described, a)
	must(t, err)
	envelope, err = SignEnvelope(envelope, document, described, b)
	must(t, err)
	envelope, err = SignEnvelope(envelope, document, described, b)
	must(t, err)
	if n := strings.Count(string(envelope), `"sig"`); n != 2 {
		t.Errorf("b signed twice: %d signatures, expected 2", n)
	}
	set := Set{
		Detached: []Detached{{"1", sign(t, a, document)}, {"2", sign(t, a, document)}, {"3", sign(t, b, document)}, {"4", sign(t, b, document)}},
		Envelope: envelope,
	}
	again, err := ParsePublic(b.Key.PEM())
	must(t, err)
	got, err := set.Signers(document, []Key{a.Key, b.Key, again, a.Key, c.Key})
	if err != nil || len(got) != 2 || got[0].ID() != a.Key.ID() || got[1].ID() != b.Key.ID() {
		t.Errorf("Signers = %s, %v", Describe(got), err)
	}
	only := Set{Envelope: envelope}
	if got, err := only.Signers(document, []Key{c.Key, b.Key, again}); err != nil || len(got) != 1 {
		t.Errorf("envelope alone: %s, %v", Describe(got), err)
	}
}

// TestEnvelopeOthers: a tool that uses package dsse with a bare key, as cosign does,
// accepts our envelope: it skips signatures whose key id is not the one that it expects.
func TestEnvelopeOthers(t *testing.T) {
	for _, algorithm := range algorithms {
		s := newSignerOf(t, algorithm)
		text, err := SignEnvelope(nil, document, described, s)
		must(t, err)
		var e dsse.Envelope
		must(t, json.Unmarshal(text, &e))
		v, err := dsse.NewEnvelopeVerifier(bareKey{s.Key})
		must(t, err)
		if accepted, err := v.Verify(context.Background(), &e); err != nil || len(accepted) != 1 {
			t.Errorf("%s: %v, %v", algorithm, accepted, err)
		}
	}
}

type bareKey struct{ key Key }

func (k bareKey) KeyID() (string, error)   { return "", nil }
func (k bareKey) Public() crypto.PublicKey { return k.key.public }

func (k bareKey) Verify(_ context.Context, data, sig []byte) error {
	if !k.key.Verify(data, sig) {
		return errSignature
	}
	return nil
}

// TestEnvelopeRefuses: what the same key signed for another purpose is no signature.
func TestEnvelopeRefuses(t *testing.T) {
	s, other := newSignerOf(t, Ed25519), newSignerOf(t, Ed25519)
	good, err := SignEnvelope(nil, document, described, s)
	must(t, err)
	var e envelope
	must(t, json.Unmarshal(good, &e))
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	must(t, err)
	tests := []struct{ name, old, new, payloadType, want string }{
		{"as it is", "", "", PayloadType, ""},
		{"payload type", "", "", "application/json", `payloadType: "application/json", expected`},
		{"predicate type", PredicateType, "https://slsa.dev/provenance/v1", PayloadType, "payload: predicateType"},
		{"statement type", "Statement/v1", "Statement/v0.1", PayloadType, "payload: _type"},
		{"subject", manifest.File, "other.json", PayloadType, "payload: subject"},
		{"no subject", `"subject":[`, `"subject":[],"x":[`, PayloadType, "x: unknown field"},
		{"name twice", `"_type"`, `"predicateType":"x","_type"`, PayloadType, "given twice"},
		{"other case", `"subject"`, `"Subject"`, PayloadType, "Subject: unknown field"},
		{"trailing", `}}`, `}}x`, PayloadType, "trailing bytes"},
		{"other document", manifest.Sum(document).String(), manifest.Sum([]byte("x")).String(), PayloadType, "no signer"},
	}
	for _, tt := range tests {
		text := payload
		if tt.old != "" {
			at := strings.LastIndex(string(payload), tt.old)
			if at < 0 {
				t.Fatalf("%s: the test changes nothing", tt.name)
			}
			text = []byte(string(payload[:at]) + tt.new + string(payload[at+len(tt.old):]))
		}
		set := Set{Envelope: signPayload(t, s, tt.payloadType, text)}
		got, err := set.Signers(document, []Key{other.Key, s.Key})
		switch {
		case tt.want == "" && (err != nil || len(got) != 1):
			t.Errorf("%s: %s, %v", tt.name, Describe(got), err)
		case tt.want == "no signer" && (err != nil || len(got) != 0):
			t.Errorf("%s: %s, %v", tt.name, Describe(got), err)
		case tt.want != "" && tt.want != "no signer" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, expected ...%s...", tt.name, err, tt.want)
		}
	}
}

// pae is the encoding of DSSE, written out by itself.
func pae(payloadType string, payload []byte) []byte {
	number := func(n int) string { b, _ := json.Marshal(n); return string(b) }
	return []byte("DSSEv1 " + number(len(payloadType)) + " " + payloadType + " " + number(len(payload)) + " " + string(payload))
}

func signPayload(t testing.TB, s Signer, payloadType string, payload []byte) []byte {
	e := envelope{PayloadType: payloadType, Payload: base64.StdEncoding.EncodeToString(payload)}
	e.Signatures = []envelopeSignature{{KeyID: "a hint of somebody", Sig: base64.StdEncoding.EncodeToString(sign(t, s, pae(payloadType, payload)))}}
	out, err := json.Marshal(e)
	must(t, err)
	return out
}

func TestEnvelopeForm(t *testing.T) {
	s := newSignerOf(t, Ed25519)
	for name, text := range map[string]string{
		"empty": "", "no signatures": `{"payloadType":"x","payload":"","signatures":[]}`,
		"unknown": `{"payloadType":"x","payload":"","signatures":[{"sig":"","cert":""}]}`,
		"twice":   `{"payloadType":"x","payload":"","payload":"","signatures":[{"sig":""}]}`,
		"base64":  `{"payloadType":"application/vnd.in-toto+json","payload":"*","signatures":[{"sig":""}]}`,
		"large":   strings.Repeat(" ", MaxEnvelope+1),
	} {
		set := Set{Envelope: []byte(text)}
		if _, err := set.Signers(document, []Key{s.Key}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestKeysRefuse(t *testing.T) {
	s := newSignerOf(t, Ed25519)
	private, err := s.PEM(nil)
	must(t, err)
	public := s.Key.PEM()
	for name, text := range map[string][]byte{
		"empty": nil, "private": private, "two": append(append([]byte(nil), public...), public...),
		"not base64": []byte(strings.Replace(string(public), "MCow", "!!!!", 1)),
		// P-384 and RSA, by openssl genpkey.
		"P-384": []byte("-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqsF8W0E0L2bsVTsJJHQj4kW8wRV5JNTx\n-----END PUBLIC KEY-----\n"),
	} {
		if _, err := ParsePublic(text); err == nil {
			t.Errorf("%s accepted as a public key", name)
		}
	}
	if _, err := ParsePrivate(public, nil); err == nil {
		t.Error("public key accepted as a private key")
	}
	if _, err := Generate("rsa"); err == nil {
		t.Error("algorithm rsa accepted")
	}
}

func TestEncrypted(t *testing.T) {
	for _, algorithm := range algorithms[:1] { // TestOpenSSL has the other
		s := newSignerOf(t, algorithm)
		text, err := s.PEM([]byte("secret"))
		must(t, err)
		if found, encrypted := Private(text); !found || !encrypted {
			t.Errorf("%s: Private = %v, %v", algorithm, found, encrypted)
		}
		if again, err := ParsePrivate(text, []byte("secret")); err != nil || again.Key.ID() != s.Key.ID() {
			t.Errorf("%s: %v", algorithm, err)
		}
		for _, pass := range []string{"", "Secret"} { // each costs what it should cost a thief
			if _, err := ParsePrivate(text, []byte(pass)); err == nil || !strings.Contains(err.Error(), "passphrase") {
				t.Errorf("%s: passphrase %q: %v", algorithm, pass, err)
			}
		}
	}
}

// TestOpenSSL: others' tools can check our signatures and read our keys, and we theirs.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on this machine")
	}
	dir := t.TempDir()
	run := func(want string, args ...string) {
		t.Helper()
		cmd := exec.Command(openssl, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	write := func(name string, data []byte) {
		t.Helper()
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	check := map[string][]string{
		Ed25519:   {"pkeyutl", "-verify", "-pubin", "-inkey", "k.pub", "-rawin", "-in", "m", "-sigfile", "s"},
		ECDSAP256: {"dgst", "-sha256", "-verify", "k.pub", "-signature", "s", "m"},
	}
	verified := map[string]string{Ed25519: "Verified Successfully", ECDSAP256: "Verified OK"}
	for _, algorithm := range algorithms {
		s := newSignerOf(t, algorithm)
		encrypted, err := s.PEM([]byte("secret"))
		must(t, err)
		write("k", encrypted)
		write("k.pub", s.Key.PEM())
		write("m", document)
		write("s", sign(t, s, document))
		run(verified[algorithm], check[algorithm]...)
		run(strings.TrimSpace(string(s.Key.PEM())), "pkey", "-in", "k", "-passin", "pass:secret", "-pubout")

		// The signature of an envelope, over its pre-authentication encoding.
		text, err := SignEnvelope(nil, document, described, s)
		must(t, err)
		var e envelope
		must(t, json.Unmarshal(text, &e))
		payload, err := base64.StdEncoding.DecodeString(e.Payload)
		must(t, err)
		sig, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
		must(t, err)
		write("m", pae(e.PayloadType, payload))
		write("s", sig)
		run(verified[algorithm], check[algorithm]...)
	}
	openSSLKeys(t, dir, run)
}

// openSSLKeys: keys and signatures that openssl made are ours, too.
func openSSLKeys(t *testing.T, dir string, run func(want string, args ...string)) {
	must(t, os.WriteFile(filepath.Join(dir, "m"), document, 0o600))
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		return data
	}
	kinds := map[string][]string{Ed25519: {"-algorithm", "ed25519"}, ECDSAP256: {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}}
	signs := map[string][]string{
		Ed25519:   {"pkeyutl", "-sign", "-inkey", "o", "-passin", "pass:x", "-rawin", "-in", "m", "-out", "os"},
		ECDSAP256: {"dgst", "-sha256", "-sign", "o", "-passin", "pass:x", "-out", "os", "m"},
	}
	for _, algorithm := range algorithms {
		run("", append([]string{"genpkey", "-aes-256-cbc", "-pass", "pass:x", "-out", "o"}, kinds[algorithm]...)...)
		run("", "pkey", "-in", "o", "-passin", "pass:x", "-pubout", "-out", "o.pub")
		run("", signs[algorithm]...)
		k, err := ParsePublic(read("o.pub"))
		must(t, err)
		s, err := ParsePrivate(read("o"), []byte("x"))
		if err != nil || s.Key.ID() != k.ID() || k.Algorithm() != algorithm {
			t.Errorf("%s by openssl: %v", algorithm, err)
		}
		if !k.Verify(document, read("os")) {
			t.Errorf("%s: openssl's signature does not verify", algorithm)
		}
	}
	run("", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", "p")
	run("", "pkey", "-in", "p", "-pubout", "-out", "p.pub")
	if _, err := ParsePublic(read("p.pub")); err == nil || !strings.Contains(err.Error(), "P-384") {
		t.Errorf("P-384: %v", err)
	}
	run("", "genpkey", "-algorithm", "RSA", "-out", "p")
	run("", "pkey", "-in", "p", "-pubout", "-out", "p.pub")
	if _, err := ParsePublic(read("p.pub")); err == nil {
		t.Error("RSA accepted")
	}
}

// FuzzSet: no file of a bundle makes a key count that did not sign, or panics.
func FuzzSet(f *testing.F) {
	s, err := Generate(ECDSAP256)
	must(f, err)
	stranger, err := Generate(Ed25519)
	must(f, err)
	env, err := SignEnvelope(nil, document, described, s)
	must(f, err)
	f.Add(sign(f, s, document), env)
	f.Add(sign(f, stranger, document), []byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, sig, envelope []byte) {
		set := Set{Detached: []Detached{{"x", sig}}, Envelope: envelope}
		fresh, err := Generate(Ed25519) // nobody can have signed with it
		must(t, err)
		if got, err := set.Signers(document, []Key{fresh.Key}); err == nil && len(got) > 0 {
			t.Fatalf("a key counts that never signed")
		}
		_, _ = set.Signers(document, []Key{s.Key, stranger.Key})
	})
}

// FuzzKeys: no text makes the parsers of public keys panic; what they accept is stable.
func FuzzKeys(f *testing.F) {
	for _, algorithm := range algorithms {
		s := newSignerOf(f, algorithm)
		f.Add(s.Key.PEM())
		private, err := s.PEM(nil)
		must(f, err)
		f.Add(private)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := ParsePublic(text); err == nil {
			if again, err := ParsePublic(k.PEM()); err != nil || again.ID() != k.ID() {
				t.Fatalf("not stable: %v", err)
			}
		}
		_, _ = ParsePrivate(text, nil)
	})
}
