package snapshot

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/mutant"
	"vkernel/internal/signature"
	"vkernel/internal/trust"
)

// A snapshot holds return addresses, so whoever can write one can run what he likes: its index is authenticated by a key that
// only the launcher's user holds, or signed to travel. The last line of an index is one of
//
//	hmac-sha256 KEYID MAC
//	signature KEYID SIGNATURE
//
// over all before it. KEYID is the SHA-256 of the key's name in the first, the fingerprint of the public key in the second.

// Authenticator makes the last line.
type Authenticator interface {
	seal(text []byte) (line string, err error)
}

// Verifier knows whose snapshots count.
type Verifier struct {
	Key   *Key          // this user's; nil: none
	Trust *trust.Policy // whose keys may sign snapshots which have travelled; nil: none
}

const (
	macWord  = "hmac-sha256"
	signWord = "signature"
	purpose  = "vkernel snapshot index\n" // what is signed begins so: a signature of something else is none
)

// Key is the secret of a user.
type Key struct{ secret [32]byte }

// keyFile holds it, as hexadecimal digits.
const keyFile = "snapshot.key"

// OpenKey reads the key of a state directory. With create, it is made if it is missing.
func OpenKey(dir string, create bool) (*Key, error) {
	name := filepath.Join(dir, keyFile)
	text, err := readKey(name)
	if errors.Is(err, os.ErrNotExist) && create {
		if err := makeKey(dir, name); err != nil {
			return nil, fmt.Errorf("snapshot key: %w", err)
		}
		text, err = readKey(name)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot key: %w", err)
	}
	k := &Key{}
	if n, err := hex.Decode(k.secret[:], text[:min(len(text), 2*len(k.secret))]); err != nil || n != len(k.secret) || string(text[64:]) != "\n" {
		return nil, fmt.Errorf("snapshot key: %s is damaged: remove it, and with it the snapshots that it has authenticated count no more", name)
	}
	return k, nil
}

// readKey reads the file, which has to be the user's own.
func readKey(name string) ([]byte, error) {
	text, err := read(name, 65)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		return nil, err
	}
	if int(st.Uid) != os.Geteuid() || st.Mode&0o077 != 0 {
		return nil, fmt.Errorf("%s is another user's, or can be read by others: 'chmod 600 %s'", name, name)
	}
	return text, nil
}

// makeKey makes the file. If somebody else does at the same moment, his stays.
func makeKey(dir, name string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var secret [32]byte
	rand.Read(secret[:])
	f, err := os.CreateTemp(dir, ".key-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(secret[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// id names the key without telling it.
func (k *Key) id() string {
	sum := sha256.Sum256(append([]byte("vkernel snapshot key\n"), k.secret[:]...))
	return hex.EncodeToString(sum[:])
}

func (k *Key) mac(text []byte) []byte {
	h := hmac.New(sha256.New, k.secret[:])
	h.Write([]byte(purpose))
	h.Write(text)
	return h.Sum(nil)
}

func (k *Key) seal(text []byte) (string, error) {
	return fmt.Sprintf("%s %s %x\n", macWord, k.id(), k.mac(text)), nil
}

// Signed is an Authenticator that signs, for a snapshot that is to travel.
type Signed struct{ Signer signature.Signer }

func (s Signed) seal(text []byte) (string, error) {
	sig, err := s.Signer.Sign(append([]byte(purpose), text...))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %s\n", signWord, s.Signer.Key.ID(), base64.StdEncoding.EncodeToString(sig)), nil
}

// verify checks the last line of an index.
func (v *Verifier) verify(text, line string) error {
	if mutant.Off("snapshot.authentication") {
		return nil
	}
	words := strings.Split(strings.TrimSuffix(line, "\n"), " ")
	if len(words) != 3 || !strings.HasSuffix(line, "\n") {
		return errors.New("its last line is no authentication")
	}
	switch words[0] {
	case macWord:
		if v.Key == nil || words[1] != v.Key.id() {
			return errors.New("it was made with the key of another user or machine: to travel, a snapshot has to be signed (snapshot --sign-key)")
		}
		mac, err := hex.DecodeString(words[2])
		if err != nil || !hmac.Equal(mac, v.Key.mac([]byte(text))) || line != fmt.Sprintf("%s %s %x\n", macWord, words[1], mac) {
			return errors.New("the index was changed")
		}
		return nil
	case signWord:
		sig, err := base64.StdEncoding.Strict().DecodeString(words[2])
		if err != nil {
			return errors.New("its last line is no authentication")
		}
		if line != fmt.Sprintf("%s %s %s\n", signWord, words[1], base64.StdEncoding.EncodeToString(sig)) {
			return errors.New("its last line is no authentication")
		}
		return v.trusted(text, words[1], sig)
	}
	return errors.New("its last line is no authentication")
}

// trusted asks the trust policy about a signature: it decides about keys, how many have to sign, and until when.
func (v *Verifier) trusted(text, id string, sig []byte) error {
	if v.Trust == nil {
		return fmt.Errorf("it is signed by key %.16s, and no key is trusted", id)
	}
	signed := trust.Signed{
		Manifest:   append([]byte(purpose), text...),
		Signatures: signature.Set{Detached: []signature.Detached{{File: "index", Data: sig}}},
	}
	signers, err := v.Trust.Signers(signed, time.Now())
	if err == nil && !slices.ContainsFunc(signers, func(k signature.Key) bool { return k.ID().String() == id }) {
		err = errors.New("its key is another than it says")
	}
	if err != nil {
		return fmt.Errorf("it is signed by key %.16s, which is not trusted, or was changed: %w", id, err)
	}
	return nil
}
