// Package signature signs manifests and tells which keys signed one.
//
// # Model
//
// What is signed is always the exact bytes of manifest.json, in formats that other tools
// can check:
//
//	manifest.json.sig              a detached signature by one key, as openssl makes it
//	manifest.json.sigs/KEYID.sig   the same by further keys
//	manifest.dsse.json             a DSSE envelope, for in-toto and cosign
//
// A key is Ed25519 or ECDSA on P-256, in PEM: SubjectPublicKeyInfo for the public key,
// PKCS #8 for the private one, which may be encrypted (PBES2 with scrypt and AES-256).
// An Ed25519 signature is its 64 raw bytes over the manifest; an ECDSA signature is DER,
// over the manifest's SHA-256. KEYID is the key's fingerprint: the SHA-256 of its
// SubjectPublicKeyInfo.
//
// The payload of the envelope is an in-toto statement whose subject is manifest.json with
// its SHA-256, and whose predicateType is PredicateType; so an attestation that the same
// key has made of something else, or for another purpose, is no signature.
//
// # Rules
//
// Everything in a Set comes from the bundle, so from an attacker. It can add nothing but
// signatures: which keys count is the caller's list. A key counts once, however many
// signatures it made in however many formats. Key ids in names and envelopes are hints
// for people; no decision looks at them. A signature that does not fit is not counted; a
// file that is malformed is an error.
package signature

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
)

// Names of the files of a bundle that hold signatures, beside manifest.SignatureFile.
const (
	Dir          = "manifest.json.sigs"
	EnvelopeFile = "manifest.dsse.json"
)

// Limits of a bundle's signatures.
const (
	MaxSignatures = 64        // in Dir, and in an envelope
	MaxSize       = 4096      // bytes of a detached signature
	MaxEnvelope   = 256 << 10 // bytes of an envelope
)

// Detached is one detached signature.
type Detached struct {
	File string // its name in the bundle, for messages
	Data []byte
}

// Set is all the signatures of a bundle.
type Set struct {
	Detached []Detached
	Envelope []byte // of EnvelopeFile; nil if there is none
}

// Empty reports whether there is no signature at all.
func (s *Set) Empty() bool { return len(s.Detached) == 0 && s.Envelope == nil }

// Signers returns those of keys that signed the exact bytes of a manifest, each public key
// once, in the order of keys.
func (s *Set) Signers(data []byte, keys []Key) ([]Key, error) {
	signed := map[manifest.Digest]bool{}
	for _, d := range s.Detached {
		if err := checkForm(d.Data); err != nil {
			return nil, fmt.Errorf("%s: %w", d.File, err)
		}
		for _, k := range keys {
			if k.Verify(data, d.Data) || mutant.Off("signature.detached") {
				signed[k.ID()] = true
			}
		}
	}
	if s.Envelope != nil {
		ids, err := envelopeSigners(s.Envelope, data, keys)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", EnvelopeFile, err)
		}
		for _, id := range ids {
			signed[id] = true
		}
	}
	var signers []Key
	for _, k := range keys {
		if id := k.ID(); signed[id] {
			signers = append(signers, k)
			delete(signed, id)
		}
	}
	return signers, nil
}

// checkForm refuses what cannot be a signature, so that a file which was cut off is named
// instead of not being counted.
func checkForm(sig []byte) error {
	if len(sig) != ed25519Size && !isECDSA(sig) {
		return fmt.Errorf("%d bytes that are no signature, expected 64 bytes (Ed25519) or an ECDSA signature in DER", len(sig))
	}
	return nil
}

// FileFor is the name, in a bundle, of the detached signature of a further key.
func FileFor(k Key) string { return Dir + "/" + k.ID().String() + ".sig" }

// Describe lists keys for a message: "3f2a… (release.pub), …".
func Describe(keys []Key) string {
	if len(keys) == 0 {
		return "none"
	}
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b Key) int { return cmp.Compare(a.Source, b.Source) })
	var list []string
	for _, k := range keys {
		list = append(list, k.ID().Short()+" ("+k.Source+")")
	}
	return strings.Join(list, ", ")
}
