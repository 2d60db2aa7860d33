package signature

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/youmark/pkcs8"
)

const (
	publicPEM    = "PUBLIC KEY"
	privatePEM   = "PRIVATE KEY"
	encryptedPEM = "ENCRYPTED PRIVATE KEY"
)

// ErrPassphrase says that a private key is encrypted and that no passphrase was given, or
// a wrong one.
var ErrPassphrase = errors.New("wrong passphrase")

// encryption is how private keys are encrypted: scrypt with 16 MiB, five times over. More
// memory would be better, but openssl reads no more than 32 MiB.
var encryption = pkcs8.Opts{
	Cipher:  pkcs8.AES256CBC,
	KDFOpts: pkcs8.ScryptOpts{SaltSize: 16, CostParameter: 1 << 14, BlockSize: 8, ParallelizationParameter: 5},
}

// PEM is the private key as ParsePrivate reads it, encrypted if there is a passphrase.
func (s Signer) PEM(passphrase []byte) ([]byte, error) {
	der, err := pkcs8.MarshalPrivateKey(s.private, passphrase, &encryption)
	if err != nil {
		return nil, errors.New("private key cannot be encoded") // the cause might quote it
	}
	kind := privatePEM
	if len(passphrase) > 0 {
		kind = encryptedPEM
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), nil
}

// Private tells what kind of private key text holds: found is false if it is none.
func Private(text []byte) (found, encrypted bool) {
	block, err := onePEM(text)
	if err != nil {
		return false, false
	}
	return block.Type == privatePEM || block.Type == encryptedPEM, block.Type == encryptedPEM
}

// ParsePrivate reads a private key in PEM. The passphrase is for an encrypted one.
func ParsePrivate(text, passphrase []byte) (Signer, error) {
	block, err := onePEM(text)
	if err != nil {
		return Signer{}, err
	}
	var key any
	switch block.Type {
	case privatePEM:
		if key, err = x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
			return Signer{}, errors.New("malformed private key") // the cause might quote it
		}
	case encryptedPEM:
		if len(passphrase) == 0 {
			return Signer{}, fmt.Errorf("private key is encrypted: %w", ErrPassphrase)
		}
		if key, _, err = pkcs8.ParsePrivateKey(block.Bytes, passphrase); err != nil {
			return Signer{}, fmt.Errorf("encrypted private key: %w, or a form that is not PBES2 with scrypt or PBKDF2 and AES", ErrPassphrase)
		}
	default:
		return Signer{}, fmt.Errorf("PEM block is %q, expected %q or %q", block.Type, privatePEM, encryptedPEM)
	}
	private, ok := key.(crypto.Signer)
	if !ok {
		return Signer{}, fmt.Errorf("private key is %T, expected Ed25519 or ECDSA on P-256", key)
	}
	return newSigner(private)
}

// onePEM returns the only PEM block in text.
func onePEM(text []byte) (*pem.Block, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, errors.New("more than one PEM block, expected one key")
	}
	return block, nil
}
