package bundle

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"vkernel/internal/manifest"
)

// The calls come when the manifest was verified, and when the list of files was, once each, and their error refuses the
// bundle; one whose signature is wrong is not told of, one with a wrong part is refused whatever the calls say.
func TestOpenWith(t *testing.T) {
	made := makeBundle(t)
	calls := ""
	var answer, late error
	told := Options{
		Trusted: func(b *Bundle) error {
			calls += "t"
			if b.Manifest == nil || b.ContentDir() == nil || len(b.Signers) == 0 {
				t.Errorf("%+v", b)
			}
			return answer
		},
		Listed: func(b *Bundle) error {
			calls += "l"
			if b.Root == nil || len(b.RootBytes()) == 0 {
				t.Errorf("%+v", b)
			}
			return late
		},
	}
	open := func(why, want string) error {
		t.Helper()
		calls = ""
		b, err := OpenWith(made.dir, made.key, told)
		if err == nil {
			b.Close()
		}
		if calls != want {
			t.Errorf("%s: calls %q, expected %q", why, calls, want)
		}
		return err
	}
	refused := func(why, want, part string) {
		t.Helper()
		var p *PartError
		if err := open(why, want); !errors.As(err, &p) || p.Part != part {
			t.Errorf("%s: %v", why, err)
		}
	}
	must(t, open("in order", "tl"))
	answer = errors.New("no")
	if err := open("refused at once", "t"); !errors.Is(err, answer) {
		t.Error(err)
	}
	answer, late = nil, errors.New("no")
	if err := open("refused later", "tl"); !errors.Is(err, late) {
		t.Error(err)
	}
	late = nil
	code := made.read(t, NativeFile(Arch))
	made.write(t, NativeFile(Arch), []byte("another"))
	refused("changed code", "tl", "native code")
	made.write(t, NativeFile(Arch), code)
	made.write(t, manifest.RootFile, []byte("another"))
	refused("a changed list", "t", "root file system")
	must(t, os.Rename(filepath.Join(made.dir, RootDir), filepath.Join(made.dir, "moved")))
	refused("no contents", "", "root file system")
	made.write(t, "manifest.json.sig", make([]byte, 64))
	refused("a wrong signature", "", "signature")
}

func (b *made) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, name))
	must(t, err)
	return data
}
