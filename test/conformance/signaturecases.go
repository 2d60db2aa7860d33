package main

import (
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"vkernel/internal/manifest"
)

const envelopeFile = "manifest.dsse.json"

// newKey makes a key pair and gives the private one's file; the public one has .pub.
func (t *trial) newKey(name string, flags ...string) string {
	file := filepath.Join(t.dir, name)
	t.must(t.vk(append(append([]string{"keygen", "--no-passphrase"}, flags...), file)...))
	return file
}

// policyFile writes a trust policy: the given keys, and what else it says.
func (t *trial) policyFile(more map[string]any, keys ...string) string {
	p := map[string]any{"version": 1}
	list := []any{}
	for i, k := range keys {
		pem, err := os.ReadFile(k + ".pub")
		t.must(err)
		list = append(list, map[string]any{"name": fmt.Sprintf("key%d", i), "pem": string(pem)})
	}
	p["keys"] = list
	for k, v := range more {
		p[k] = v
	}
	data, err := json.Marshal(p)
	t.must(err)
	f, err := os.CreateTemp(t.dir, "policy*.json")
	t.must(err)
	_, err = f.Write(data)
	t.must(err)
	t.must(f.Close())
	return f.Name()
}

// under expects that the bundle is refused under a trust policy.
func (b *theBundle) refusedUnder(policy string, why ...string) {
	b.t.refused(b.t.start(container{bundle: b.dir, key: "none", flags: []string{"--trust", policy}, command: payload}), 125, why...)
}

func (b *theBundle) startsUnder(policy string) {
	e := b.t.start(container{bundle: b.dir, key: "none", flags: []string{"--trust", policy}, command: []string{"/bin/mark", "GOOD"}})
	if e.status != statusGood {
		b.t.wrong("the bundle should start under its policy: status %d: %.300s", e.status, e.stderr)
	}
}

func (b *theBundle) unsign() {
	for _, name := range []string{manifest.SignatureFile, envelopeFile, manifest.SignatureFile + "s"} {
		b.t.must(os.RemoveAll(b.path(name)))
	}
}

func (b *theBundle) signWith(key string, flags ...string) {
	b.t.must(b.t.vk(append(append([]string{"sign", "--key", key}, flags...), b.dir)...))
}

// forged is a case with a bundle whose signatures are not what they should be.
func forged(name string, forge func(t *trial, b *theBundle)) *testCase {
	return &testCase{"signatures", name, func(t *trial) {
		b := t.copyBundle()
		forge(t, b)
		b.refused("signature")
	}}
}

func signatureCases() []*testCase {
	return append([]*testCase{
		{"signatures", "signature_changed", part(manifest.SignatureFile, "signature")},
		forged("unsigned", func(_ *trial, b *theBundle) { b.unsign() }),
		forged("signed_by_somebody_else", func(t *trial, b *theBundle) { b.signWith(t.newKey("other")) }),
		forged("signature_of_another_manifest", func(t *trial, b *theBundle) {
			other := t.copyBundle()
			other.text(`"conformance"`, `"conformance2"`)
			other.sign()
			b.write(manifest.SignatureFile, other.read(manifest.SignatureFile))
		}),
		forged("envelope_by_somebody_else", func(t *trial, b *theBundle) {
			b.unsign()
			b.signWith(t.newKey("other"), "--dsse")
		}),
		forged("envelope_of_another_manifest", func(t *trial, b *theBundle) {
			b.unsign()
			b.signWith(t.key, "--dsse")
			b.text(`"conformance"`, `"conformance2"`)
		}),
		forged("envelope_with_another_payload_type", func(t *trial, b *theBundle) {
			b.envelope(func(e map[string]any) { e["payloadType"] = "application/json" })
		}),
		forged("envelope_signed_for_another_purpose", func(_ *trial, b *theBundle) {
			b.attest(func(kind *string, _ map[string]any) { *kind = "application/vnd.example+json" })
		}),
		forged("attestation_of_another_kind", func(_ *trial, b *theBundle) {
			b.attest(func(_ *string, st map[string]any) { st["predicateType"] = "https://slsa.dev/provenance/v1" })
		}),
		forged("attestation_of_another_file", func(_ *trial, b *theBundle) {
			b.attest(func(_ *string, st map[string]any) { st["subject"].([]any)[0].(map[string]any)["name"] = "other.json" })
		}),
		{"signatures", "control_attestation_by_hand", func(t *trial) {
			b := t.copyBundle()
			b.attest(func(*string, map[string]any) {})
			b.starts()
		}},
		forged("envelope_with_a_claimed_key_id", func(t *trial, b *theBundle) {
			b.unsign()
			b.signWith(t.newKey("other"), "--dsse")
			stolen := t.copyBundle()
			stolen.unsign()
			stolen.signWith(t.key, "--dsse")
			id := stolen.signatureOf()["keyid"]
			b.envelopeAsIs(func(e map[string]any) { e["signatures"].([]any)[0].(map[string]any)["keyid"] = id })
		}),
		forged("envelope_with_a_changed_payload", func(t *trial, b *theBundle) {
			b.text(`"conformance"`, `"conformance2"`)
			sum := manifest.Sum(b.read(manifest.File)).String()
			b.envelope(func(e map[string]any) {
				payload, err := base64.StdEncoding.DecodeString(e["payload"].(string))
				t.must(err)
				var st map[string]any
				t.must(json.Unmarshal(payload, &st))
				st["subject"].([]any)[0].(map[string]any)["digest"] = map[string]any{"sha256": sum}
				payload, err = json.Marshal(st)
				t.must(err)
				e["payload"] = base64.StdEncoding.EncodeToString(payload)
			})
		}),
		forged("envelope_with_duplicate_names", func(t *trial, b *theBundle) {
			b.envelope(func(map[string]any) {})
			b.edit(envelopeFile, func(d []byte) []byte { return append([]byte(`{"payloadType":"x",`), d[1:]...) })
		}),
		forged("ecdsa_signature_of_zeros", func(t *trial, b *theBundle) {
			key := t.newKey("p256", "--type", "ecdsa-p256")
			t.must(copyFile(key+".pub", t.dir+"/trusted.pub", 0o644))
			for _, rs := range [][2]int64{{0, 0}, {1, 0}, {0, 1}} {
				sig, err := asn1.Marshal(struct{ R, S *big.Int }{big.NewInt(rs[0]), big.NewInt(rs[1])})
				t.must(err)
				b.write(manifest.SignatureFile, sig)
				t.refused(t.start(container{bundle: b.dir, key: key + ".pub", command: payload}), 125, "signature")
			}
		}),
		{"signatures", "key_that_lies_in_the_bundle", func(t *trial) {
			b, key := t.copyBundle(), t.newKey("other")
			b.signWith(key)
			t.must(copyFile(key+".pub", b.path("release.key.pub"), 0o644))
			t.refused(t.start(container{bundle: b.dir, key: b.path("release.key.pub"), command: payload}), 125)
			link := filepath.Join(t.dir, "link.pub")
			t.must(os.Symlink(b.path("release.key.pub"), link))
			t.refused(t.start(container{bundle: b.dir, key: link, command: payload}), 125)
			policy := t.policyFile(nil, key)
			t.must(copyFile(policy, b.path("trust.json"), 0o644))
			b.refusedUnder(b.path("trust.json"))
		}},
		{"signatures", "no_key_at_all", func(t *trial) {
			b := t.copyBundle()
			t.refused(t.start(container{bundle: b.dir, key: "none", command: payload}), 125)
			b.refusedUnder(t.policyFile(nil))
		}},
		{"signatures", "key_that_is_no_public_key", func(t *trial) {
			b := t.copyBundle()
			t.refused(t.start(container{bundle: b.dir, key: t.key, command: payload}), 125)
			b.write("empty.pub", nil)
			t.refused(t.start(container{bundle: b.dir, key: b.path("empty.pub"), command: payload}), 125)
		}},
	}, trustCases()...)
}

// envelope signs the bundle with an envelope alone, and changes it.
func (b *theBundle) envelope(change func(e map[string]any)) {
	if _, err := os.Stat(b.path(envelopeFile)); err != nil {
		old := b.read(manifest.File)
		b.unsign()
		b.signWith(b.t.key, "--dsse")
		b.write(manifest.File, old)
	}
	b.envelopeAsIs(change)
}

func (b *theBundle) envelopeAsIs(change func(e map[string]any)) {
	var e map[string]any
	b.t.must(json.Unmarshal(b.read(envelopeFile), &e))
	change(e)
	data, err := json.Marshal(e)
	b.t.must(err)
	b.write(envelopeFile, data)
}

func (b *theBundle) signatureOf() map[string]any {
	var e map[string]any
	b.t.must(json.Unmarshal(b.read(envelopeFile), &e))
	return e["signatures"].([]any)[0].(map[string]any)
}

// trustCases are about the policy of trust: thresholds, times, replay, revocation.
func trustCases() []*testCase {
	at := func(d time.Duration) string { return time.Now().UTC().Add(d).Format("2006-01-02T15:04:05Z") }
	return []*testCase{
		{"signatures", "control_two_keys_of_two", func(t *trial) {
			b, second := t.copyBundle(), t.newKey("second", "--type", "ecdsa-p256")
			b.signWith(second, "--add")
			b.startsUnder(t.policyFile(map[string]any{"threshold": 2}, t.key, second))
		}},
		{"signatures", "control_envelope_alone", func(t *trial) {
			b := t.copyBundle()
			b.unsign()
			b.signWith(t.key, "--dsse")
			b.starts()
		}},
		{"signatures", "one_key_signs_twice", func(t *trial) {
			b, second := t.copyBundle(), t.newKey("second")
			b.signWith(t.key, "--add")
			b.signWith(t.key, "--dsse")
			dir := b.path(manifest.SignatureFile + "s")
			t.must(os.MkdirAll(dir, 0o755))
			sum := manifest.Sum([]byte("x")).String()
			t.must(copyFile(b.path(manifest.SignatureFile), filepath.Join(dir, sum+".sig"), 0o644))
			b.refusedUnder(t.policyFile(map[string]any{"threshold": 2}, t.key, second))
		}},
		{"signatures", "threshold_with_a_foreign_key", func(t *trial) {
			b, second, foreign := t.copyBundle(), t.newKey("second"), t.newKey("foreign")
			b.signWith(foreign, "--add")
			b.refusedUnder(t.policyFile(map[string]any{"threshold": 2}, t.key, second), "signature")
		}},
		{"signatures", "key_listed_twice_in_the_policy", func(t *trial) {
			b := t.copyBundle()
			b.refusedUnder(t.policyFile(map[string]any{"threshold": 2}, t.key, t.key))
		}},
		{"signatures", "malformed_policies", func(t *trial) {
			b := t.copyBundle()
			good, err := os.ReadFile(t.policyFile(nil, t.key))
			t.must(err)
			for _, more := range []string{`"threshold":0.5,`, `"threshold":-1,`, `"Threshold":2,`, `"version":1,`, `"version":9,`, `"unknown":1,`, `"revoked":null,`, `"expires":"tomorrow",`} {
				file := filepath.Join(t.dir, "bad.json")
				t.must(os.WriteFile(file, append([]byte("{"+more), good[1:]...), 0o644))
				b.refusedUnder(file)
			}
		}},
		{"signatures", "expired_policy", func(t *trial) {
			t.copyBundle().refusedUnder(t.policyFile(map[string]any{"expires": at(-time.Hour)}, t.key))
		}},
		{"signatures", "policy_of_the_future", func(t *trial) {
			t.copyBundle().refusedUnder(t.policyFile(map[string]any{"not_before": at(time.Hour)}, t.key))
		}},
		{"signatures", "expired_key", func(t *trial) {
			pem, err := os.ReadFile(t.key + ".pub")
			t.must(err)
			k := map[string]any{"name": "old", "pem": string(pem), "expires": at(-time.Hour)}
			t.copyBundle().refusedUnder(t.policyFile(map[string]any{"keys": []any{k}}))
		}},
		{"signatures", "key_of_the_future", func(t *trial) {
			pem, err := os.ReadFile(t.key + ".pub")
			t.must(err)
			k := map[string]any{"name": "new", "pem": string(pem), "not_before": at(time.Hour)}
			t.copyBundle().refusedUnder(t.policyFile(map[string]any{"keys": []any{k}}))
		}},
		{"signatures", "old_release_replayed", func(t *trial) {
			b := t.copyBundle()
			lowest := []any{map[string]any{"name": "conformance", "release": 7}}
			policy := t.policyFile(map[string]any{"lowest": lowest}, t.key)
			b.refusedUnder(policy) // it names no release: 0
			b.manifest(func(m map[string]any) { m["release"] = 6 })
			b.sign()
			b.refusedUnder(policy, "release")
			b.manifest(func(m map[string]any) { m["release"] = 7 })
			b.sign()
			b.startsUnder(policy)
		}},
		{"signatures", "revoked_parts", func(t *trial) {
			b := t.copyBundle()
			for _, name := range []string{manifest.File, nativeFile, "megabinary.wasm", manifest.RootFile} {
				b.refusedUnder(t.policyFile(map[string]any{"revoked": revoked(b.read(name))}, t.key), "revoked")
			}
		}},
		{"signatures", "revoked_program", func(t *trial) {
			policy := t.policyFile(map[string]any{"revoked": revoked(t.copyBundle().read("rootfs/bin/mark"))}, t.key)
			t.refused(t.start(container{key: "none", flags: []string{"--trust", policy}, command: payload}), 126)
		}},
		{"signatures", "revoked_script_and_interpreter", func(t *trial) {
			b := t.copyBundle()
			for _, name := range []string{"rootfs/opt/good.sh", "rootfs/bin/interp"} {
				policy := t.policyFile(map[string]any{"revoked": revoked(b.read(name))}, t.key)
				t.refused(t.start(container{key: "none", flags: []string{"--trust", policy}, command: []string{"/opt/good.sh"}}), 126)
			}
		}},
		{"signatures", "revoked_while_it_runs", revokedWhileRunning},
	}
}

func revoked(data []byte) []any {
	return []any{map[string]any{"sha256": manifest.Sum(data).String(), "reason": "conformance"}}
}

// revokedWhileRunning takes a program back from a container that runs.
func revokedWhileRunning(t *trial) {
	policy := t.policyFile(nil, t.key)
	c := t.launch(container{key: "none", flags: []string{"--trust", policy}, command: []string{"/bin/attack", "revoked_while_it_runs"}})
	defer c.kill()
	c.expect("ready")
	mark, err := os.ReadFile(filepath.Join(t.bundle, "rootfs/bin/mark"))
	t.must(err)
	t.must(os.Rename(t.policyFile(map[string]any{"revoked": revoked(mark)}, t.key), policy))
	c.say("go")
	t.judge(c.wait())
}
