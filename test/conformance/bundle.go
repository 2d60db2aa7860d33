package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"vkernel/internal/manifest"
)

// theBundle is a private copy of the suite's bundle, for a case to spoil.
type theBundle struct {
	t   *trial
	dir string
}

func (t *trial) copyBundle() *theBundle {
	dir, err := os.MkdirTemp(t.dir, "bundle")
	t.must(err)
	b := &theBundle{t, filepath.Join(dir, "suite.vk")}
	t.must(copyTree(t.bundle, b.dir))
	return b
}

func (b *theBundle) path(name string) string { return filepath.Join(b.dir, name) }

func (b *theBundle) read(name string) []byte {
	data, err := os.ReadFile(b.path(name))
	b.t.must(err)
	return data
}

func (b *theBundle) write(name string, data []byte) {
	b.t.must(os.WriteFile(b.path(name), data, 0o644))
}

// edit changes the bytes of a file.
func (b *theBundle) edit(name string, change func(data []byte) []byte) {
	b.write(name, change(bytes.Clone(b.read(name))))
}

// manifest changes what manifest.json says, and nothing signs it.
func (b *theBundle) manifest(change func(m map[string]any)) {
	d := json.NewDecoder(bytes.NewReader(b.read(manifest.File)))
	d.UseNumber()
	m := map[string]any{}
	b.t.must(d.Decode(&m))
	change(m)
	data, err := json.MarshalIndent(m, "", " ")
	b.t.must(err)
	b.write(manifest.File, data)
}

// entry gives the entry with an id.
func entry(m map[string]any, id string) map[string]any {
	for _, e := range m["entries"].([]any) {
		if e := e.(map[string]any); e["id"] == id {
			return e
		}
	}
	panic(fmt.Sprintf("the bundle of the suite has no entry %s", id))
}

// text replaces words of manifest.json; they must be there.
func (b *theBundle) text(old, new string) {
	b.edit(manifest.File, func(data []byte) []byte {
		if !bytes.Contains(data, []byte(old)) {
			b.t.must(fmt.Errorf("manifest.json does not contain %q", old))
		}
		return bytes.Replace(data, []byte(old), []byte(new), 1)
	})
}

// sign signs with the key that is trusted.
func (b *theBundle) sign() { b.t.must(b.t.suite.sign(b.dir)) }

// digest puts the digest and size of a file that was changed into the manifest.
func (b *theBundle) digest(name string) {
	data := b.read(name)
	sum, size := manifest.Sum(data).String(), json.Number(fmt.Sprint(len(data)))
	b.manifest(func(m map[string]any) {
		switch {
		case name == "megabinary.wasm":
			o := m["megabinary"].(map[string]any)
			o["sha256"], o["size"] = sum, size
		case strings.HasSuffix(name, ".aot"):
			o := m["native"].([]any)[0].(map[string]any)
			o["sha256"], o["size"] = sum, size
		default:
			m["rootfs"] = map[string]any{"sha256": sum, "size": size}
		}
	})
}

// payload starts the program that leaves a mark: that it does so means that a container
// started which must not.
var payload = []string{"/bin/mark", "EVIL"}

// refused expects that the bundle does not start, and that the message says why.
func (b *theBundle) refused(why ...string) {
	b.t.refused(b.t.start(container{bundle: b.dir, command: payload}), 125, why...)
}

// verify is the command.
func (b *theBundle) verify() ended {
	return b.t.vkernelRun([]string{"verify", "--key", b.t.key + ".pub", b.dir}, "")
}

// unverified expects that verify refuses the bundle, and says why.
func (b *theBundle) unverified(why ...string) { b.t.refused(b.verify(), 1, why...) }

// starts is the control: a bundle that is in order starts.
func (b *theBundle) starts(flags ...string) {
	e := b.t.start(container{bundle: b.dir, flags: flags, command: []string{"/bin/mark", "GOOD"}})
	if e.status != statusGood {
		b.t.wrong("the bundle should start: status %d: %.300s", e.status, e.stderr)
	}
}

// statusGood is the exit status of the programs of the suite that did what they were
// started for.
const statusGood = 42

func flip(data []byte, at int) []byte {
	data[at] ^= 1
	return data
}

// signer is the key that is trusted.
func (t *trial) signer() ed25519.PrivateKey {
	text, err := os.ReadFile(t.key)
	t.must(err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	t.must(err)
	return key.(ed25519.PrivateKey)
}

// signAnyway signs bytes that `vkernel sign` refuses to sign.
func (b *theBundle) signAnyway() {
	b.write(manifest.SignatureFile, ed25519.Sign(b.t.signer(), b.read(manifest.File)))
}

// attest puts an envelope of another kind in place of the signatures: what the key that is
// trusted could have signed for another purpose. change may change type and statement.
func (b *theBundle) attest(change func(payloadType *string, statement map[string]any)) {
	b.envelope(func(e map[string]any) {
		payload, err := base64.StdEncoding.DecodeString(e["payload"].(string))
		b.t.must(err)
		var statement map[string]any
		b.t.must(json.Unmarshal(payload, &statement))
		kind := e["payloadType"].(string)
		change(&kind, statement)
		payload, err = json.Marshal(statement)
		b.t.must(err)
		signed := fmt.Sprintf("DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload) // its pre-authentication encoding
		e["payloadType"], e["payload"] = kind, base64.StdEncoding.EncodeToString(payload)
		e["signatures"].([]any)[0].(map[string]any)["sig"] = base64.StdEncoding.EncodeToString(ed25519.Sign(b.t.signer(), []byte(signed)))
	})
}
