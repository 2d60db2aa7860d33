package script_test

import (
	"os"
	"strings"
	"testing"

	"vkernel/internal/bundle/build"
	"vkernel/internal/toolchain"
)

// TestPackages: what make installs is all that the tools ask for.
func TestPackages(t *testing.T) {
	text, err := os.ReadFile("../../scripts/packages.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, "#")
		listed[strings.TrimSpace(name)] = true
	}
	needed := toolchain.Packages
	for _, tool := range build.Tools {
		needed = append(needed, tool.Package)
	}
	for _, name := range needed {
		if !listed[name] {
			t.Errorf("scripts/packages.txt does not list %s", name)
		}
	}
}
