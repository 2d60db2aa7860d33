package signature

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"vkernel/internal/manifest"
	"vkernel/internal/manifest/strictjson"
	"vkernel/internal/mutant"
)

// What an envelope of ours says it holds.
const (
	PayloadType   = "application/vnd.in-toto+json"
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "urn:vkernel:manifest:v2"
)

// envelope is the form of EnvelopeFile; strictjson reads it.
type envelope struct {
	PayloadType string              `json:"payloadType"`
	Payload     string              `json:"payload"`
	Signatures  []envelopeSignature `json:"signatures"`
}

type envelopeSignature struct {
	KeyID string `json:"keyid,omitempty"`
	Sig   string `json:"sig"`
}

// statement is what is signed in an envelope.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

type subject struct {
	Name   string `json:"name"`
	Digest struct {
		SHA256 manifest.Digest `json:"sha256"`
	} `json:"digest"`
}

// predicate is for people: the digest decides.
type predicate struct {
	Name    string `json:"name"`
	Release uint64 `json:"release"`
}

// SignEnvelope returns an envelope over the manifest m, whose bytes are data, that holds a
// signature of s and those that old, an envelope or nil, holds over the same statement.
func SignEnvelope(old, data []byte, m *manifest.Manifest, s Signer) ([]byte, error) {
	st := statement{
		Type: StatementType, Subject: []subject{{Name: manifest.File}},
		PredicateType: PredicateType, Predicate: predicate{m.Name, m.Release},
	}
	st.Subject[0].Digest.SHA256 = manifest.Sum(data)
	payload, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	keyID, err := dsse.SHA256KeyID(s.Key.public)
	if err != nil {
		return nil, err
	}
	signer, err := dsse.NewEnvelopeSigner(envelopeSigner{s, keyID})
	if err != nil {
		return nil, err
	}
	e, err := signer.SignPayload(context.Background(), PayloadType, payload)
	if err != nil {
		return nil, err
	}
	if previous, err := parseEnvelope(old); err == nil && previous.Payload == e.Payload {
		others := slices.DeleteFunc(previous.Signatures, func(x dsse.Signature) bool { return x.KeyID == keyID })
		e.Signatures = append(others, e.Signatures...)
	}
	if len(e.Signatures) > MaxSignatures {
		return nil, fmt.Errorf("%s holds %d signatures already", EnvelopeFile, MaxSignatures)
	}
	out, err := json.MarshalIndent(e, "", "  ")
	return append(out, '\n'), err
}

// parseEnvelope reads the form of an envelope; what is in it is not verified.
func parseEnvelope(text []byte) (*dsse.Envelope, error) {
	var e envelope
	if len(text) > MaxEnvelope {
		return nil, fmt.Errorf("%d bytes, the limit is %d", len(text), MaxEnvelope)
	}
	if err := strictjson.Decode(text, &e); err != nil {
		return nil, err
	}
	if len(e.Signatures) == 0 || len(e.Signatures) > MaxSignatures {
		return nil, strictjson.Errorf("signatures", "%d, expected 1 to %d", len(e.Signatures), MaxSignatures)
	}
	out := &dsse.Envelope{PayloadType: e.PayloadType, Payload: e.Payload}
	for _, s := range e.Signatures {
		out.Signatures = append(out.Signatures, dsse.Signature{KeyID: s.KeyID, Sig: s.Sig})
	}
	return out, nil
}

// envelopeSigners returns the keys that signed the manifest data in an envelope.
func envelopeSigners(text, data []byte, keys []Key) ([]manifest.Digest, error) {
	e, err := parseEnvelope(text)
	if err != nil {
		return nil, err
	}
	if e.PayloadType != PayloadType && !mutant.Off("signature.payload-type") {
		return nil, strictjson.Errorf("payloadType", "%q, expected %q", e.PayloadType, PayloadType)
	}
	for i := range e.Signatures {
		e.Signatures[i].KeyID = "" // unsigned: no key is chosen or skipped by it
	}
	ids, payload, err := verifyEnvelope(e, keys)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	ok, err := concerns(payload, data)
	if err != nil || !ok {
		return nil, err
	}
	return ids, nil
}

// verifyEnvelope returns the ids of the keys that signed, and the bytes that they signed.
func verifyEnvelope(e *dsse.Envelope, keys []Key) (ids []manifest.Digest, payload []byte, err error) {
	var verifiers []dsse.Verifier
	for i, k := range keys {
		same := func(o Key) bool { return o.ID() == k.ID() }
		if !slices.ContainsFunc(keys[:i], same) {
			verifiers = append(verifiers, envelopeKey{k})
		}
	}
	if len(verifiers) == 0 {
		return nil, nil, nil
	}
	v, err := dsse.NewMultiEnvelopeVerifier(1, verifiers...)
	if err != nil {
		return nil, nil, err
	}
	accepted, payload, err := v.VerifyAndDecode(context.Background(), e)
	if len(accepted) == 0 {
		if _, bad := e.DecodeB64Payload(); bad != nil {
			return nil, nil, strictjson.Errorf("payload", "not base64")
		}
		return nil, nil, nil // no signature by a key of ours
	}
	if err != nil {
		return nil, nil, err
	}
	for _, a := range accepted {
		id, err := manifest.ParseDigest(a.KeyID)
		if err != nil {
			return nil, nil, err
		}
		ids = append(ids, id)
	}
	return ids, payload, nil
}

// concerns reports whether a statement, which was verified, is about the manifest data.
func concerns(payload, data []byte) (bool, error) {
	var st statement
	if err := strictjson.Decode(payload, &st); err != nil {
		return false, fmt.Errorf("payload: %w", err)
	}
	if st.Type != StatementType {
		return false, strictjson.Errorf("payload: _type", "%q, expected %q", st.Type, StatementType)
	}
	if st.PredicateType != PredicateType && !mutant.Off("signature.predicate-type") {
		return false, strictjson.Errorf("payload: predicateType", "%q, expected %q", st.PredicateType, PredicateType)
	}
	if len(st.Subject) != 1 || st.Subject[0].Name != manifest.File {
		return false, strictjson.Errorf("payload: subject", "expected %s alone", manifest.File)
	}
	return st.Subject[0].Digest.SHA256 == manifest.Sum(data) || mutant.Off("signature.subject"), nil
}

// envelopeKey is a public key as package dsse wants it. It names our fingerprint, in which
// verifyEnvelope finds it again.
type envelopeKey struct{ Key }

var errSignature = errors.New("not a signature by this key")

func (k envelopeKey) KeyID() (string, error)   { return k.ID().String(), nil }
func (k envelopeKey) Public() crypto.PublicKey { return k.public }

func (k envelopeKey) Verify(_ context.Context, data, sig []byte) error {
	if !k.Key.Verify(data, sig) {
		return errSignature
	}
	return nil
}

// envelopeSigner is a private key as package dsse wants it. What it writes as the key's id
// is the one that the package expects where it is told none: others' tools skip a
// signature with another one.
type envelopeSigner struct {
	Signer
	keyID string
}

func (s envelopeSigner) KeyID() (string, error) { return s.keyID, nil }

func (s envelopeSigner) Sign(_ context.Context, data []byte) ([]byte, error) {
	return s.Signer.Sign(data)
}
