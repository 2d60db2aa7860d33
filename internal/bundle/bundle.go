// Package bundle opens what `vkernel build` made: a directory that holds one container,
// and checks it against the signed manifest before any of it is used.
//
// # Model
//
// A bundle is a directory:
//
//	manifest.json        what may run (package manifest)
//	manifest.json.sig    a signature over its exact bytes; more of them lie in
//	manifest.json.sigs/  and manifest.dsse.json (package signature)
//	megabinary.wasm      a WebAssembly component whose core modules are the programs
//	megabinary.ARCH.aot  their native code, one file per architecture
//	rootfs.json          the list of the root file system: names, modes, digests
//	rootfs/              the files' contents
//
// # Rules
//
// The order of checks is fixed: the signatures over the manifest's bytes; then its parser;
// then the trust policy's word on it; then the digest of every part, before the part is parsed. The megabinary is not read
// to run a container: nothing of it is executed, and the manifest says of it what a container needs. Whoever reads it
// (Modules) checks it. Native code is copied into a
// sealed memfd while it is hashed, so that the bytes which were checked are the bytes
// that are mapped. Contents of the root file system are checked at their first open
// (Content), so that starting takes no longer for a large root. Names, modes and links
// come from rootfs.json, never from the directory.
//
// The trust policy is the caller's. Nothing in a bundle can add to it.
//
// Package bundle/build makes bundles; this one does not need the compiler.
package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
	"vkernel/internal/mutant"
	"vkernel/internal/signature"
	"vkernel/internal/trust"
)

// Names in a bundle, beside those of package manifest.
const (
	MegabinaryFile = "megabinary.wasm"
	RootDir        = "rootfs"
)

// Arch is the architecture this build of vkernel can run, as uname -m names it.
const Arch = "x86_64"

// NativeFile is the name of the native code for an architecture.
func NativeFile(arch string) string { return "megabinary." + arch + ".aot" }

// Bundle is an open bundle whose manifest, native code and list of files have been verified. Its
// fields are read-only.
type Bundle struct {
	Dir      string // absolute
	Manifest *manifest.Manifest
	Digest   manifest.Digest // of manifest.json
	Signed   trust.Signed    // the manifest's bytes and their signatures
	Signers  []signature.Key // whose signatures counted
	Root     *manifest.Root
	Native   manifest.Native
	Code     *os.File // the native code in a sealed memfd; closed by Close

	content  content
	rootData []byte // of rootfs.json
	unshare  func() // says that Code is gone
}

// PartError says which part of a bundle was refused.
type PartError struct {
	Part string // "signature", "manifest", "trust policy", "megabinary", "native code", "root file system"
	Err  error
}

func (e *PartError) Error() string { return e.Part + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *PartError) Unwrap() error { return e.Err }

// ReadManifest reads the bytes of a bundle's manifest, verified by nobody.
func ReadManifest(dir string) ([]byte, error) {
	data, err := readFile(filepath.Join(dir, manifest.File), manifest.MaxSize)
	if err != nil {
		return nil, notABundle(dir, err)
	}
	return data, nil
}

func notABundle(dir string, err error) error {
	if _, e := os.Stat(dir); os.IsNotExist(e) {
		return fmt.Errorf("there is no bundle %s (it is made by 'vkernel build -o %s ROOTDIR')", dir, dir)
	}
	if os.IsNotExist(err) {
		return fmt.Errorf("%s is not a bundle: it has no %s (a bundle is made by 'vkernel build -o %s ROOTDIR')", dir, manifest.File, dir)
	}
	return err
}

// ReadVerified reads a bundle's manifest and asks the policy about it.
func ReadVerified(dir string, policy *trust.Policy) (trust.Signed, *trust.Verdict, error) {
	data, err := ReadManifest(dir)
	if err != nil {
		return trust.Signed{}, nil, err
	}
	set, err := ReadSignatures(dir)
	if err != nil {
		return trust.Signed{}, nil, &PartError{"signature", err}
	}
	signed := trust.Signed{Manifest: data, Signatures: set}
	v, err := policy.Check(signed, time.Now())
	if err == nil {
		return signed, v, nil
	}
	var step *trust.Error
	if !errors.As(err, &step) {
		return signed, nil, err
	}
	if errors.Is(err, trust.ErrUnsigned) {
		step.Err = fmt.Errorf("%w: sign it with 'vkernel sign --key KEY %s'", step.Err, dir)
	}
	return signed, nil, &PartError{step.Step, step.Err}
}

// readUnsigned reads a bundle's manifest for somebody who knows that nobody vouches for it.
func readUnsigned(dir string, _ *trust.Policy) (trust.Signed, *trust.Verdict, error) {
	data, err := ReadManifest(dir)
	if err != nil {
		return trust.Signed{}, nil, err
	}
	m, err := manifest.Parse(data)
	if err != nil {
		return trust.Signed{}, nil, &PartError{"manifest", err}
	}
	return trust.Signed{Manifest: data}, &trust.Verdict{Manifest: m, Digest: manifest.Sum(data)}, nil
}

// Open opens the bundle at dir for this machine, if the policy trusts it.
func Open(dir string, policy *trust.Policy) (*Bundle, error) {
	if policy == nil {
		return nil, errNoPolicy
	}
	return open(dir, policy, Options{})
}

// Options are what OpenWith does beside opening.
type Options struct {
	// Trusted is called as soon as the manifest has been verified and the directory of the contents is open,
	// beside the verification of the parts. Of the bundle that it is given the manifest, its digest and
	// signatures, and the directory are there. Its error is that of OpenWith.
	Trusted func(b *Bundle) error

	// Listed is called after it, if it gave no error, as soon as the list of the root file system has been verified
	// too: that is there as well. The native code is not. Its error is that of OpenWith.
	Listed func(b *Bundle) error

	PrivateCode bool // the native code is not shared with containers of other launchers
}

// begin does what can begin before the native code has been verified. The list is verified by whoever
// sends to listed, which it waits for whatever happens.
func (o *Options) begin(b *Bundle, listed <-chan error) (err error) {
	if o.Trusted != nil {
		err = o.Trusted(b)
	}
	if rootErr := <-listed; rootErr != nil {
		return &PartError{"root file system", rootErr}
	}
	if err == nil && o.Listed != nil {
		err = o.Listed(b)
	}
	return err
}

// OpenWith is Open with options.
func OpenWith(dir string, policy *trust.Policy, o Options) (*Bundle, error) {
	if policy == nil {
		return nil, errNoPolicy
	}
	return open(dir, policy, o)
}

var errNoPolicy = &PartError{"signature", errors.New("no trust policy")}

// open is OpenWith; without a policy, for those who are about to sign, it looks at no signature.
func open(dir string, policy *trust.Policy, o Options) (_ *Bundle, err error) {
	b := new(Bundle)
	if b.Dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	read := ReadVerified
	if policy == nil {
		read = readUnsigned
	}
	signed, v, err := read(dir, policy)
	if err != nil {
		return nil, err
	}
	m := v.Manifest
	b.Manifest, b.Digest, b.Signed, b.Signers = m, v.Digest, signed, v.Signers
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	rootErr := b.content.open(filepath.Join(b.Dir, RootDir))
	listed, began := make(chan error, 1), make(chan error, 1)
	go func() { listed <- b.openRoot() }()
	go func() {
		if rootErr == nil {
			began <- o.begin(b, listed)
		} else {
			<-listed
			began <- &PartError{"root file system", rootErr}
		}
	}()
	codeErr := b.openCode(o.PrivateCode)
	beganErr := <-began // whatever is wrong, it has ended
	if codeErr != nil {
		return nil, &PartError{"native code", codeErr}
	}
	if beganErr != nil {
		return nil, beganErr
	}
	return b, nil
}

// Close gives up what Open holds.
func (b *Bundle) Close() {
	if b.Code != nil {
		b.unshare()
		b.Code.Close()
	}
	b.content.close()
}

func (b *Bundle) openRoot() error {
	data, err := readBlob(filepath.Join(b.Dir, manifest.RootFile), b.Manifest.Rootfs, mutant.Off("bundle.root-list"))
	if err != nil {
		return err
	}
	if b.Root, err = manifest.ParseRoot(data); err != nil {
		return err
	}
	b.rootData = data
	return nil
}

func (b *Bundle) openCode(private bool) (err error) {
	if b.Native, err = nativeFor(b.Manifest, Arch); err != nil {
		return err
	}
	if missing := missingFeatures(b.Native.Features); len(missing) > 0 {
		return fmt.Errorf("it needs a CPU with %s, which this machine lacks", missing)
	}
	b.Code, b.unshare, err = codeFor(filepath.Join(b.Dir, NativeFile(Arch)), manifest.Blob{SHA256: b.Native.SHA256, Size: b.Native.Size}, private)
	return err
}

func nativeFor(m *manifest.Manifest, arch string) (manifest.Native, error) {
	for _, n := range m.Native {
		if n.Arch != arch {
			continue
		}
		if n.ABI != layout.Version {
			return n, fmt.Errorf("%s has ABI %q, this vkernel runs %q: build the bundle again", NativeFile(arch), n.ABI, layout.Version)
		}
		return n, nil
	}
	return manifest.Native{}, fmt.Errorf("the manifest lists none for %s: build the bundle again on such a machine", arch)
}

// CheckPrograms compares what the native code says of itself with the manifest: program i
// was compiled from module i.
func (b *Bundle) CheckPrograms(programs []layout.Program) error {
	return checkPrograms(b.Manifest, programs)
}

func checkPrograms(m *manifest.Manifest, programs []layout.Program) error {
	if mutant.Off("native.programs") {
		return nil
	}
	if len(programs) != len(m.Megabinary.Modules) {
		return &PartError{"native code", fmt.Errorf("it holds %d programs, the megabinary %d modules", len(programs), len(m.Megabinary.Modules))}
	}
	for i, p := range programs {
		if want := m.Megabinary.Modules[i].String(); p.Module != want {
			return &PartError{"native code", fmt.Errorf("program %d (%s) was compiled from module %s, the manifest says %s", i, p.Name, p.Module, want)}
		}
	}
	return nil
}

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", path, limit)
	}
	return data, err
}
