package aot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// key is the name of an object in the cache: a hash of all that it depends on.
func (b *builder) key(j job, runtime []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%q\n%s\n%d %d\n", b.tools.version, compileFlags, j.source(), len(runtime), len(j.text))
	h.Write(runtime)
	h.Write(j.text)
	return hex.EncodeToString(h.Sum(nil))
}

func (b *builder) cached(key string) string {
	return filepath.Join(b.opts.CacheDir, key[:2], key+".o")
}

// The cache holds an object and its hash before it: a damaged file is compiled again.
const cacheHeader = sha256.Size

// fromCache takes an object out of the cache; nil if it is not there.
func (b *builder) fromCache(key string) []byte {
	if b.opts.CacheDir == "" {
		return nil
	}
	data, err := os.ReadFile(b.cached(key))
	if err != nil || len(data) < cacheHeader {
		return nil
	}
	if sum := sha256.Sum256(data[cacheHeader:]); string(sum[:]) != string(data[:cacheHeader]) {
		return nil
	}
	return data[cacheHeader:]
}

// toCache puts an object into the cache, whole or not at all.
func (b *builder) toCache(key string, object []byte) error {
	if b.opts.CacheDir == "" {
		return nil
	}
	sum := sha256.Sum256(object)
	return writeWhole(b.cached(key), append(sum[:], object...))
}

// writeWhole writes a file under another name and renames it.
func writeWhole(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
