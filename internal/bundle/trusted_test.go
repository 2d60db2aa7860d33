package bundle

import (
	"errors"
	"testing"
)

// The call comes when the manifest was verified, once, and its error refuses the bundle; one whose signature
// is wrong is not told of, one with a wrong part is refused whatever the call says.
func TestOpenWith(t *testing.T) {
	made := makeBundle(t)
	calls := 0
	var answer error
	trusted := func(b *Bundle) error {
		calls++
		if b.Manifest == nil || b.ContentDir() == nil || len(b.Signers) == 0 {
			t.Errorf("%+v", b)
		}
		return answer
	}
	b, err := OpenWith(made.dir, made.key, Options{Trusted: trusted})
	must(t, err)
	b.Close()
	answer = errors.New("no")
	if _, err := OpenWith(made.dir, made.key, Options{Trusted: trusted}); !errors.Is(err, answer) || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
	answer = nil
	made.write(t, MegabinaryFile, []byte("another"))
	var part *PartError
	if _, err := OpenWith(made.dir, made.key, Options{Trusted: trusted}); !errors.As(err, &part) || part.Part != "megabinary" {
		t.Errorf("a changed megabinary: %v", err)
	}
	calls = 0
	made.write(t, "manifest.json.sig", make([]byte, 64))
	if _, err := OpenWith(made.dir, made.key, Options{Trusted: trusted}); !errors.As(err, &part) || part.Part != "signature" || calls != 0 {
		t.Errorf("a wrong signature: %v after %d calls", err, calls)
	}
}
