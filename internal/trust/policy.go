// Package trust decides whose bundles run, and which of them no longer.
//
// # Model
//
// A policy is a file of the machine's owner (docs/manifest.md): keys, how many of them
// must have signed (threshold), from when and until when it holds, what has been revoked,
// and the lowest release of each bundle's name that still runs. Load reads it; Check asks
// it about a bundle:
//
//	p, err := source.Load()
//	v, err := p.Check(signed, time.Now())      // signatures, then manifest, then revocation
//
// While a container runs, Watch reads the policy again whenever its files change, and
// tells what has become of the bundle. A Revoked holds the answer where execve asks:
// execve takes no lock, reads no file and allocates nothing for it.
//
// # Rules
//
// Nothing of a policy comes from a bundle: a policy or key that lies in it is refused. The
// order is fixed: a manifest is parsed after enough keys have signed its bytes. A key
// counts while now is in its own time and in the policy's. A policy that was read keeps
// holding when its file later becomes malformed or vanishes: that is reported, and takes
// nothing back; so whoever writes it renames a whole file into place, as `vkernel trust`
// does.
//
// Locks: a Revoked is one atomic pointer; a Watcher is one goroutine, which calls push and
// report one after the other and holds nothing meanwhile.
package trust

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"vkernel/internal/manifest"
	"vkernel/internal/manifest/strictjson"
	"vkernel/internal/signature"
)

// Version of the format of a policy.
const Version = 1

// Limits of a policy.
const (
	MaxSize    = 8 << 20 // bytes of the file
	MaxKeys    = 256
	maxRevoked = 1 << 16
	maxLowest  = 1 << 16
)

// Policy is the content of a policy file. All but Version is optional.
type Policy struct {
	Version   int          `json:"version"`
	Keys      []TrustedKey `json:"keys,omitzero"`
	Threshold int          `json:"threshold,omitzero"`  // keys that must have signed; absent: 1
	NotBefore Time         `json:"not_before,omitzero"` // the policy trusts nothing before,
	Expires   Time         `json:"expires,omitzero"`    // and from then on
	Revoked   []Revocation `json:"revoked,omitzero"`
	Lowest    []Lowest     `json:"lowest,omitzero"`
}

// TrustedKey is a key and when it counts.
type TrustedKey struct {
	Name      string `json:"name"`
	PEM       string `json:"pem"`
	NotBefore Time   `json:"not_before,omitzero"`
	Expires   Time   `json:"expires,omitzero"`

	key signature.Key
}

// Key is the parsed key.
func (k *TrustedKey) Key() signature.Key { return k.key }

// Revocation takes back one digest: of a manifest, of native code, of a megabinary, of a
// root file system's list, or of a file that may be executed.
type Revocation struct {
	SHA256 manifest.Digest `json:"sha256"`
	Reason string          `json:"reason,omitempty"`
}

// Lowest is the lowest release of the bundles of a name that still runs.
type Lowest struct {
	Name    string `json:"name"`
	Release uint64 `json:"release"`
}

// Time is a time in UTC, to the second: "2026-01-02T15:04:05Z".
type Time struct{ time.Time }

const timeForm = "2006-01-02T15:04:05Z"

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.UTC().Format(timeForm)), nil }

// MarshalJSON is that of MarshalText, not that of time.Time.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.UTC().Format(timeForm) + `"`), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Time) UnmarshalText(text []byte) error {
	at, err := time.Parse(timeForm, string(text))
	if err != nil || at.IsZero() || at.Format(timeForm) != string(text) {
		return fmt.Errorf("malformed time %q, expected UTC such as %q", text, timeForm)
	}
	t.Time = at
	return nil
}

// Parse reads and checks a policy.
func Parse(data []byte) (*Policy, error) {
	p := new(Policy)
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%d bytes, the limit is %d", len(data), MaxSize)
	}
	if err := strictjson.Decode(data, p); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.Threshold == 0 {
		p.Threshold = 1
	}
	return p, nil
}

// Keys is a policy that trusts keys, of which threshold must have signed, and says nothing
// else.
func Keys(threshold int, keys ...signature.Key) *Policy {
	p := &Policy{Version: Version, Threshold: threshold}
	for _, k := range keys {
		p.Keys = append(p.Keys, TrustedKey{Name: k.Source, PEM: string(k.PEM()), key: k})
	}
	return p
}

// Marshal gives the bytes that Parse reads.
func (p *Policy) Marshal() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(p)
	return b.Bytes(), err
}

func (p *Policy) check() error {
	switch {
	case p.Version != Version:
		return strictjson.Errorf("version", "%d is not supported, expected %d", p.Version, Version)
	case len(p.Keys) > MaxKeys:
		return strictjson.Errorf("keys", "%d keys, the limit is %d", len(p.Keys), MaxKeys)
	case p.Threshold > MaxKeys:
		return strictjson.Errorf("threshold", "%d, the limit is %d", p.Threshold, MaxKeys)
	case len(p.Revoked) > maxRevoked:
		return strictjson.Errorf("revoked", "%d digests, the limit is %d", len(p.Revoked), maxRevoked)
	case len(p.Lowest) > maxLowest:
		return strictjson.Errorf("lowest", "%d names, the limit is %d", len(p.Lowest), maxLowest)
	}
	if err := checkSpan("", p.NotBefore, p.Expires); err != nil {
		return err
	}
	if err := p.checkKeys(); err != nil {
		return err
	}
	revoked := map[manifest.Digest]bool{}
	for i, r := range p.Revoked {
		if revoked[r.SHA256] {
			return strictjson.Errorf(fmt.Sprintf("revoked[%d].sha256", i), "%s is given twice", r.SHA256)
		}
		revoked[r.SHA256] = true
	}
	lowest := map[string]bool{}
	for i, l := range p.Lowest {
		switch field := fmt.Sprintf("lowest[%d].name", i); {
		case !manifest.ValidName(l.Name):
			return strictjson.Errorf(field, "%q, expected a bundle's name", l.Name)
		case lowest[l.Name]:
			return strictjson.Errorf(field, "%q is given twice", l.Name)
		}
		lowest[l.Name] = true
	}
	return nil
}

func (p *Policy) checkKeys() error {
	ids, names := map[manifest.Digest]bool{}, map[string]bool{}
	for i := range p.Keys {
		k := &p.Keys[i]
		field := fmt.Sprintf("keys[%d]", i)
		key, err := signature.ParsePublic([]byte(k.PEM))
		switch {
		case k.Name == "" || len(k.Name) > 128:
			return strictjson.Errorf(field+".name", "%q, expected 1 to 128 bytes", k.Name)
		case names[k.Name]:
			return strictjson.Errorf(field+".name", "%q is given twice", k.Name)
		case err != nil:
			return strictjson.Errorf(field+".pem", "%v", err)
		case ids[key.ID()]:
			return strictjson.Errorf(field+".pem", "key %s is given twice", key.ID())
		}
		if err := checkSpan(field+".", k.NotBefore, k.Expires); err != nil {
			return err
		}
		key.Source = k.Name
		k.key = key
		ids[key.ID()], names[k.Name] = true, true
	}
	return nil
}

func checkSpan(prefix string, from, until Time) error {
	if !from.IsZero() && !until.IsZero() && !from.Before(until.Time) {
		return strictjson.Errorf(prefix+"expires", "is not after not_before")
	}
	return nil
}
