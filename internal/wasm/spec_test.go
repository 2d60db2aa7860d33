package wasm

import (
	"errors"
	"path"
	"strings"
	"testing"

	"vkernel/internal/wasm/wasmtest"
)

// supportedFolders are the folders whose modules must be accepted and refused exactly as
// the suite says. The others are about proposals that are refused by name.
var supportedFolders = map[string]bool{"core": true, "exception-handling": true, "extended-const": true, "relaxed-simd": true, "tail-call": true, "threads": true}

// TestSpec runs the decoder and the validator on every binary module of the suite.
func TestSpec(t *testing.T) {
	checked := map[string]int{}
	refused := map[string]int{}
	for _, s := range wasmtest.Suite(t) {
		for _, c := range s.Commands {
			if path.Ext(c.Filename) != ".wasm" {
				continue
			}
			data, err := s.Module(c.Filename)
			if err != nil {
				t.Error(err)
				continue
			}
			_, err = DecodeValidated(data)
			var e *Error
			if errors.As(err, &e) && e.Proposal != "" {
				refused[s.Folder+" needs "+e.Proposal]++
			}
			if problem := judge(c, err, supportedFolders[s.Folder]); problem != "" {
				t.Errorf("%s/%s:%d: %s (%s %q): %v", s.Folder, s.Name, c.Line, problem, c.Type, c.Text, err)
			}
			checked[s.Folder]++
		}
	}
	t.Logf("modules checked: %v; unsupported: %v", checked, refused)
	if checked["core"] < 1000 {
		t.Errorf("only %d modules of core were checked, expected thousands", checked["core"])
	}
}

// judge compares a verdict with the suite's. A module that breaks a rule may be refused
// for a proposal instead; a module to be accepted may not, in a supported folder.
func judge(c wasmtest.Command, err error, supported bool) string {
	unsupported := errors.Is(err, ErrUnsupported)
	switch c.Type {
	case "assert_malformed":
		switch {
		case err == nil:
			return "accepted"
		case strings.Contains(err.Error(), "shared memory must have maximum"): // malformed without threads
			return ""
		case supported && !errors.Is(err, ErrMalformed) && !unsupported && !errors.Is(err, ErrLimit):
			return "refused, but not as malformed"
		}
	case "assert_invalid":
		switch {
		case c.Text == "multiple tables": // a rule of 1.0, gone with reference types
			return ""
		case err == nil:
			return "accepted"
		case supported && !errors.Is(err, ErrInvalid) && !unsupported && !noDataCount(err):
			return "refused, but not as invalid"
		}
	default: // module, assert_unlinkable, assert_uninstantiable: valid modules
		if err != nil && (supported || !unsupported) {
			return "refused"
		}
	}
	return ""
}

// noDataCount recognises modules that wast2json wrote without a data count section, as
// they have no data, though an instruction requires one: malformed before invalid.
func noDataCount(err error) bool {
	return errors.Is(err, ErrMalformed) && strings.Contains(err.Error(), "data count section required")
}
