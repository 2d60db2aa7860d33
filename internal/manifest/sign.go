package manifest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Keys are Ed25519, in PEM: PKCS #8 for the private key, SubjectPublicKeyInfo for the
// public one. A signature is its 64 raw bytes. So openssl can do all of this as well:
//
//	openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in manifest.json -sigfile manifest.json.sig

// Key is a public key and what identifies it.
type Key struct {
	Public ed25519.PublicKey
	Source string // the file it came from, for messages
}

// ID is the key's fingerprint: the SHA-256 of its SubjectPublicKeyInfo.
func (k Key) ID() Digest {
	der, err := x509.MarshalPKIXPublicKey(k.Public)
	if err != nil {
		panic(err) // an ed25519.PublicKey can always be encoded
	}
	return Sum(der)
}

// GenerateKey makes a key pair, in PEM.
func GenerateKey() (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), nil
}

// ParsePublicKey reads a public key in PEM.
func ParsePublicKey(text []byte) (ed25519.PublicKey, error) {
	der, err := onePEM(text, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("malformed public key: %w", err)
	}
	ed, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("public key is %T, expected Ed25519", key)
	}
	return ed, nil
}

// ParsePrivateKey reads a private key in PEM.
func ParsePrivateKey(text []byte) (ed25519.PrivateKey, error) {
	der, err := onePEM(text, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("malformed private key") // the cause might quote it
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("private key is %T, expected Ed25519", key)
	}
	return ed, nil
}

// onePEM returns the bytes of the only PEM block in text, which must be of type kind.
func onePEM(text []byte, kind string) ([]byte, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("no PEM block, expected %q", kind)
	}
	if block.Type != kind {
		return nil, fmt.Errorf("PEM block is %q, expected %q", block.Type, kind)
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, fmt.Errorf("more than one PEM block, expected one %q", kind)
	}
	return block.Bytes, nil
}

// Sign signs the exact bytes of a manifest.
func Sign(manifest []byte, key ed25519.PrivateKey) []byte { return ed25519.Sign(key, manifest) }

// Verify returns the key, of those that are trusted, which made signature over exactly
// the bytes of manifest.
func Verify(manifest, signature []byte, trusted []Key) (Key, error) {
	if len(signature) != ed25519.SignatureSize {
		return Key{}, fmt.Errorf("%s: %d bytes, expected an Ed25519 signature of %d", SignatureFile, len(signature), ed25519.SignatureSize)
	}
	for _, k := range trusted {
		if ed25519.Verify(k.Public, manifest, signature) {
			return k, nil
		}
	}
	return Key{}, &UntrustedError{Tried: trusted}
}

// UntrustedError says that none of the trusted keys made the signature: the manifest was
// changed after signing, or another key signed it.
type UntrustedError struct{ Tried []Key }

func (e *UntrustedError) Error() string {
	s := SignatureFile + ": not a signature of this " + File + " by a trusted key; tried"
	for _, k := range e.Tried {
		s += " " + k.ID().Short() + " (" + k.Source + ")"
	}
	if len(e.Tried) == 0 {
		s += " none"
	}
	return s
}
