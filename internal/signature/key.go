package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"

	"vkernel/internal/manifest"
)

// Algorithms of keys.
const (
	Ed25519   = "ed25519"
	ECDSAP256 = "ecdsa-p256"
)

const ed25519Size = ed25519.SignatureSize

// Key is a public key. The zero Key signs nothing.
type Key struct {
	Source string // where it came from, for messages

	public crypto.PublicKey
	id     manifest.Digest
	der    []byte // SubjectPublicKeyInfo
}

// newKey checks that public is of a kind that this package knows.
func newKey(public crypto.PublicKey) (Key, error) {
	switch p := public.(type) {
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return Key{}, fmt.Errorf("ECDSA key on curve %s, expected P-256", p.Curve.Params().Name)
		}
	default:
		return Key{}, fmt.Errorf("key is %T, expected Ed25519 or ECDSA on P-256", public)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Key{}, fmt.Errorf("public key: %w", err)
	}
	return Key{public: public, der: der, id: manifest.Sum(der)}, nil
}

// ParsePublic reads a public key in PEM.
func ParsePublic(text []byte) (Key, error) {
	block, err := onePEM(text)
	if err != nil {
		return Key{}, err
	}
	if block.Type != publicPEM {
		return Key{}, fmt.Errorf("PEM block is %q, expected %q", block.Type, publicPEM)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("malformed public key: %w", err)
	}
	return newKey(public)
}

// ID is the key's fingerprint: the SHA-256 of its SubjectPublicKeyInfo. It is made from the
// parsed key, so that one key has one, however its file is written.
func (k Key) ID() manifest.Digest { return k.id }

// Algorithm names what the key is for: Ed25519 or ECDSAP256.
func (k Key) Algorithm() string {
	if _, ok := k.public.(ed25519.PublicKey); ok {
		return Ed25519
	}
	return ECDSAP256
}

// PEM is the key as ParsePublic reads it.
func (k Key) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: publicPEM, Bytes: k.der})
}

// Verify reports whether sig is this key's signature over message.
func (k Key) Verify(message, sig []byte) bool {
	switch p := k.public.(type) {
	case ed25519.PublicKey:
		return len(sig) == ed25519Size && ed25519.Verify(p, message, sig)
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(message)
		return ecdsa.VerifyASN1(p, digest[:], sig)
	}
	return false
}

// isECDSA reports whether sig has the form of an ECDSA signature on P-256.
func isECDSA(sig []byte) bool {
	var rs struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(sig, &rs)
	return err == nil && len(rest) == 0 && rs.R.Sign() > 0 && rs.S.Sign() > 0 && rs.R.BitLen() <= 256 && rs.S.BitLen() <= 256
}

// Signer is a private key.
type Signer struct {
	Key Key // its public half

	private crypto.Signer
}

// Generate makes a key of an algorithm.
func Generate(algorithm string) (Signer, error) {
	switch algorithm {
	case Ed25519:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return Signer{}, err
		}
		return newSigner(private)
	case ECDSAP256:
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return Signer{}, err
		}
		return newSigner(private)
	}
	return Signer{}, fmt.Errorf("algorithm %q, expected %s or %s", algorithm, Ed25519, ECDSAP256)
}

func newSigner(private crypto.Signer) (Signer, error) {
	k, err := newKey(private.Public())
	return Signer{Key: k, private: private}, err
}

// Sign signs message.
func (s Signer) Sign(message []byte) ([]byte, error) {
	if _, ok := s.private.(ed25519.PrivateKey); ok {
		return s.private.Sign(rand.Reader, message, crypto.Hash(0))
	}
	digest := sha256.Sum256(message)
	return s.private.Sign(rand.Reader, digest[:], crypto.SHA256)
}
