package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Digest is a SHA-256. In text it is 64 lower-case hexadecimal digits.
type Digest [sha256.Size]byte

// Sum is the digest of data.
func Sum(data []byte) Digest { return sha256.Sum256(data) }

// SumFile is the digest of a file's content.
func SumFile(name string) (d Digest, err error) {
	f, err := os.Open(name)
	if err != nil {
		return d, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return d, err
	}
	return Digest(h.Sum(nil)), nil
}

// ParseDigest reads the one text form of a digest.
func ParseDigest(s string) (d Digest, err error) {
	err = d.UnmarshalText([]byte(s))
	return d, err
}

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Short is the digest's beginning, for people.
func (d Digest) Short() string { return hex.EncodeToString(d[:6]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("malformed SHA-256: %d characters, expected 64", len(text))
	}
	for i, c := range text {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return fmt.Errorf("malformed SHA-256: character %d is %q, expected 0-9 or a-f", i+1, c)
		}
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// Mode is the permission bits of a file with set-id and sticky bits. In text it is octal
// with a leading zero, as chmod takes it: "0755", "01777".
type Mode uint32

func (m Mode) String() string { return "0" + fmt.Sprintf("%03o", uint32(m)) }

// MarshalText implements encoding.TextMarshaler.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 12)
	if err != nil || Mode(n).String() != string(text) {
		return fmt.Errorf("malformed mode %q, expected octal such as \"0755\"", text)
	}
	*m = Mode(n)
	return nil
}
