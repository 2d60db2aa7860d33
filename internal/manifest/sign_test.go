package manifest

import (
	"crypto/ed25519"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func newKey(t *testing.T) (ed25519.PrivateKey, Key, []byte) {
	t.Helper()
	private, public, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ParsePublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key, Key{Public: pub, Source: "test"}, public
}

func TestVerify(t *testing.T) {
	key, pub, _ := newKey(t)
	_, other, _ := newKey(t)
	data := []byte(example)
	sig := Sign(data, key)

	if got, err := Verify(data, sig, []Key{other, pub}); err != nil || got.ID() != pub.ID() {
		t.Errorf("Verify = %v, %v", got, err)
	}
	var untrusted *UntrustedError
	if _, err := Verify(data, sig, []Key{other}); !errors.As(err, &untrusted) {
		t.Errorf("other key: %v", err)
	}
	if _, err := Verify(data, sig, nil); !errors.As(err, &untrusted) {
		t.Errorf("no key: %v", err)
	}
	if _, err := Verify(data, sig[:63], []Key{pub}); err == nil || errors.As(err, &untrusted) {
		t.Errorf("short signature: %v", err)
	}
	for _, i := range []int{0, len(data) / 2, len(data) - 1} {
		changed := append([]byte(nil), data...)
		changed[i] ^= 1
		if _, err := Verify(changed, sig, []Key{pub}); err == nil {
			t.Errorf("byte %d changed: accepted", i)
		}
	}
	if _, err := Verify(append(data, '\n'), sig, []Key{pub}); err == nil {
		t.Error("a byte added: accepted")
	}
}

func TestParseKeyRefuses(t *testing.T) {
	private, public, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"empty": nil, "private": private, "two": append(append([]byte(nil), public...), public...),
		"not base64": []byte(strings.Replace(string(public), "MCow", "!!!!", 1)),
	} {
		if _, err := ParsePublicKey(text); err == nil {
			t.Errorf("%s accepted as a public key", name)
		}
	}
	if _, err := ParsePrivateKey(public); err == nil {
		t.Error("public key accepted as a private key")
	}
}

// TestOpenSSL: others' tools can check our signatures.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on this machine")
	}
	key, _, public := newKey(t)
	dir := t.TempDir()
	for name, data := range map[string][]byte{"m": []byte(example), "s": Sign([]byte(example), key), "k": public} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "k", "-rawin", "-in", "m", "-sigfile", "s")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Verified Successfully") {
		t.Errorf("openssl: %v\n%s", err, out)
	}
}
