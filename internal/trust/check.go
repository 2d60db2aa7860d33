package trust

import (
	"errors"
	"fmt"
	"time"

	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
	"vkernel/internal/signature"
)

// Signed is what a bundle shows: the bytes of its manifest, and its signatures.
type Signed struct {
	Manifest   []byte
	Signatures signature.Set
}

// Verdict is what Check accepted.
type Verdict struct {
	Manifest *manifest.Manifest
	Digest   manifest.Digest // of manifest.json
	Signers  []signature.Key // whose signatures counted
}

// Check decides about a bundle: enough signatures, a manifest that is well-formed, and
// nothing revoked that the whole bundle rests on. A revoked program does not stop the
// bundle; it is refused when it is to be executed (Revoked).
func (p *Policy) Check(s Signed, now time.Time) (*Verdict, error) {
	signers, err := p.Signers(s, now)
	if err != nil {
		return nil, &Error{"signature", err}
	}
	m, err := manifest.Parse(s.Manifest)
	if err != nil {
		return nil, &Error{"manifest", err}
	}
	v := &Verdict{Manifest: m, Digest: manifest.Sum(s.Manifest), Signers: signers}
	if err := p.admit(v); err != nil {
		return nil, &Error{"trust policy", err}
	}
	return v, nil
}

// Error says in which step Check refused: "signature", "manifest", "trust policy".
type Error struct {
	Step string
	Err  error
}

func (e *Error) Error() string { return e.Step + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Signers returns the keys whose signatures count now, or why they are not enough.
func (p *Policy) Signers(s Signed, now time.Time) ([]signature.Key, error) {
	if s.Signatures.Empty() {
		return nil, ErrUnsigned
	}
	if why := outside(p.NotBefore, p.Expires, now); why != "" && !mutant.Off("trust.time") {
		return nil, fmt.Errorf("the trust policy %s", why)
	}
	var keys []signature.Key
	var tried []string
	for i := range p.Keys {
		k := &p.Keys[i]
		note := k.key.ID().Short() + " (" + k.key.Source
		if why := outside(k.NotBefore, k.Expires, now); why != "" && !mutant.Off("trust.key-time") {
			tried = append(tried, note+", which "+why+")")
			continue
		}
		keys, tried = append(keys, k.key), append(tried, note+")")
	}
	signers, err := s.Signatures.Signers(s.Manifest, keys)
	if err != nil {
		return nil, err
	}
	if len(signers) < max(p.Threshold, 1) && !mutant.Off("trust.threshold") {
		return nil, &UntrustedError{Signers: signers, Threshold: max(p.Threshold, 1), Tried: tried}
	}
	return signers, nil
}

// outside says why now is not in a span of time; empty if it is.
func outside(from, until Time, now time.Time) string {
	switch {
	case !from.IsZero() && now.Before(from.Time):
		return "holds from " + from.Format(timeForm) + " on"
	case !until.IsZero() && !now.Before(until.Time):
		return "expired at " + until.Format(timeForm)
	}
	return ""
}

// ErrUnsigned says that a bundle has no signature.
var ErrUnsigned = errors.New("the bundle has not been signed")

// UntrustedError says that too few of the trusted keys signed the manifest: it was changed
// after signing, or other keys signed it.
type UntrustedError struct {
	Signers   []signature.Key
	Threshold int
	Tried     []string
}

func (e *UntrustedError) Error() string {
	if e.Threshold > 1 {
		return fmt.Sprintf("%d of the %d trusted keys that must have signed this %s did: %s; tried%s",
			len(e.Signers), e.Threshold, manifest.File, signature.Describe(e.Signers), join(e.Tried))
	}
	return fmt.Sprintf("not a signature of this %s by a trusted key; tried%s", manifest.File, join(e.Tried))
}

func join(list []string) string {
	if len(list) == 0 {
		return " none"
	}
	s := ""
	for _, t := range list {
		s += " " + t
	}
	return s
}

// RevokedError says that the policy has taken back a digest.
type RevokedError struct {
	What   string
	Digest manifest.Digest
	Reason string
}

func (e *RevokedError) Error() string {
	s := fmt.Sprintf("%s with SHA-256 %s is revoked", e.What, e.Digest)
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// ReplayError says that a bundle is older than the policy allows.
type ReplayError struct {
	Name         string
	Release, Low uint64
}

func (e *ReplayError) Error() string {
	return fmt.Sprintf("%s is release %d, the lowest that still runs is %d", e.Name, e.Release, e.Low)
}

// admit checks what the policy says of a manifest whose signatures count.
func (p *Policy) admit(v *Verdict) error {
	for _, l := range p.Lowest {
		if l.Name == v.Manifest.Name && v.Manifest.Release < l.Release && !mutant.Off("trust.lowest") {
			return &ReplayError{l.Name, v.Manifest.Release, l.Release}
		}
	}
	whole := map[manifest.Digest]string{
		v.Digest:                     manifest.File,
		v.Manifest.Megabinary.SHA256: "the megabinary",
		v.Manifest.Rootfs.SHA256:     manifest.RootFile,
	}
	for _, n := range v.Manifest.Native {
		whole[n.SHA256] = "the native code for " + n.Arch
	}
	for _, r := range p.Revoked {
		if what, ok := whole[r.SHA256]; ok && !mutant.Off("trust.revoked") {
			return &RevokedError{what, r.SHA256, r.Reason}
		}
	}
	return nil
}
