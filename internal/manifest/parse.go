package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"vkernel/internal/manifest/strictjson"
)

// Parse parses and checks the bytes of manifest.json, whose signatures must have
// been verified before (package trust).
func Parse(data []byte) (*Manifest, error) {
	m := new(Manifest)
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%s: %d bytes, the limit is %d", File, len(data), MaxSize)
	}
	if err := strictjson.Decode(data, m); err != nil {
		return nil, fmt.Errorf("%s: %w", File, err)
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", File, err)
	}
	return m, nil
}

// Marshal gives the bytes of manifest.json: what Parse reads, always the same for equal
// content.
func (m *Manifest) Marshal() []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, compact(m), "", "  "); err != nil {
		panic(err) // compact has just made it
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// compact is v as JSON on one line, with < > & as they are.
func compact(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // the types of this package can all be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Check reports the first field that breaks a rule of the format.
func (m *Manifest) Check() error {
	if m.Version != Version {
		return badVersion(m.Version, Version)
	}
	if !ValidName(m.Name) {
		return fieldError("name", "%q, expected 1 to 128 of a-z A-Z 0-9 . _ + -", m.Name)
	}
	if n := len(m.Megabinary.Modules); n == 0 || n > MaxModules {
		return fieldError("megabinary.modules", "%d modules, expected 1 to %d", n, MaxModules)
	}
	if err := m.checkNative(); err != nil {
		return err
	}
	if err := m.checkEntries(); err != nil {
		return err
	}
	if err := m.checkExecutables(); err != nil {
		return err
	}
	if err := checkSources(m.Source); err != nil {
		return err
	}
	for _, check := range []func() error{m.checkNetwork, m.checkMounts} {
		if err := check(); err != nil {
			return err
		}
	}
	if len(m.Command) == 0 || m.Command[0] == "" {
		return fieldError("command", "empty: it names the program to start")
	}
	for i, arg := range m.Command {
		if strings.IndexByte(arg, 0) >= 0 {
			return fieldError(fmt.Sprintf("command[%d]", i), "holds a NUL byte")
		}
	}
	return nil
}

func (m *Manifest) checkNative() error {
	seen := map[string]bool{}
	for i, n := range m.Native {
		field := fmt.Sprintf("native[%d]", i)
		switch {
		case !ValidName(n.Arch):
			return fieldError(field+".arch", "malformed name %q", n.Arch)
		case seen[n.Arch]:
			return fieldError(field+".arch", "%q is given twice", n.Arch)
		case !ValidName(n.ABI):
			return fieldError(field+".abi", "malformed name %q", n.ABI)
		}
		for j, f := range n.Features {
			if !ValidName(f) {
				return fieldError(fmt.Sprintf("%s.features[%d]", field, j), "malformed name %q", f)
			}
		}
		seen[n.Arch] = true
	}
	return nil
}

func (m *Manifest) checkExecutables() error {
	if len(m.Executables) > maxList {
		return fieldError("executables", "%d files, the limit is %d", len(m.Executables), maxList)
	}
	entries := map[string]bool{}
	for i := range m.Entries {
		entries[m.Entries[i].ID] = true
	}
	seen := map[Digest]bool{}
	for i := range m.Executables {
		x := &m.Executables[i]
		field := fmt.Sprintf("executables[%d]", i)
		switch {
		case seen[x.SHA256]:
			return fieldError(field+".sha256", "%s is given twice", x.SHA256)
		case (x.Entry == "") == (x.Interpreter == ""):
			return fieldError(field, "expected either entry or interpreter")
		case x.Entry != "" && !entries[x.Entry]:
			return fieldError(field+".entry", "there is no entry %q", x.Entry)
		case strings.ContainsAny(x.Interpreter, "\x00\n"):
			return fieldError(field+".interpreter", "malformed path %q", x.Interpreter)
		}
		for j, p := range x.Paths {
			if checkPath(p) != nil {
				return fieldError(fmt.Sprintf("%s.paths[%d]", field, j), "%q is not an absolute, clean path", p)
			}
		}
		seen[x.SHA256] = true
	}
	return nil
}

// ValidName reports whether s is 1 to 128 characters that are safe in file names, logs
// and symbols.
func ValidName(s string) bool {
	if s == "" || len(s) > 128 || s[0] == '.' || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '.', c == '_', c == '-', c == '+':
		default:
			return false
		}
	}
	return true
}
