package bundle

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"vkernel/internal/manifest"
	"vkernel/internal/signature"
)

// ReadSignatures reads all signatures of a bundle, verified by nobody.
func ReadSignatures(dir string) (signature.Set, error) {
	var set signature.Set
	files := []string{manifest.SignatureFile}
	more, err := os.ReadDir(filepath.Join(dir, signature.Dir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return set, err
	}
	if len(more) > signature.MaxSignatures {
		return set, fmt.Errorf("%s holds %d files, the limit is %d", signature.Dir, len(more), signature.MaxSignatures)
	}
	for _, f := range more {
		id, ok := strings.CutSuffix(f.Name(), ".sig")
		if _, err := manifest.ParseDigest(id); !ok || err != nil {
			return set, fmt.Errorf("%s/%s: expected names such as FINGERPRINT.sig only", signature.Dir, f.Name())
		}
		files = append(files, signature.Dir+"/"+f.Name())
	}
	for _, name := range files {
		data, err := readFile(filepath.Join(dir, name), signature.MaxSize)
		if errors.Is(err, os.ErrNotExist) && name == manifest.SignatureFile {
			continue // it may be in the other places
		}
		if err != nil {
			return set, err
		}
		set.Detached = append(set.Detached, signature.Detached{File: name, Data: data})
	}
	set.Envelope, err = ReadEnvelope(dir)
	return set, err
}

// ReadEnvelope reads the envelope of a bundle, verified by nobody; nil if there is none.
func ReadEnvelope(dir string) ([]byte, error) {
	data, err := readFile(filepath.Join(dir, signature.EnvelopeFile), signature.MaxEnvelope)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return append([]byte{}, data...), nil // not nil, even of an empty file
}
