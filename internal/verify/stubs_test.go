package verify

import (
	"debug/elf"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"vkernel/internal/emit"
)

var update = flag.Bool("update", false, "write stubs.txt anew")

const clang = "clang-19"

// TestStubs compares stubs.txt with what vk_stubs.S assembles to.
func TestStubs(t *testing.T) {
	if _, err := exec.LookPath(clang); err != nil {
		t.Skip(err)
	}
	want := assembleStubs(t)
	if *update {
		if err := os.WriteFile("stubs.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != stubsText {
		t.Errorf("stubs.txt is not what vk_stubs.S assembles to: read the change with care, then go test -run TestStubs -update\n%s", want)
	}
}

func assembleStubs(t *testing.T) string {
	dir := t.TempDir()
	for _, name := range []string{"vk_stubs.S", "vk_layout.h"} {
		text, err := emit.Runtime.ReadFile("runtime/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "stubs.o")
	if msg, err := exec.Command(clang, "--target=x86_64-linux-gnu", "-c", "-o", out, filepath.Join(dir, "vk_stubs.S")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	linked := filepath.Join(dir, "stubs")
	if msg, err := exec.Command("ld.lld-19", "-static", "--entry=0", "-o", linked, out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	f, err := elf.Open(linked)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := f.Section(".text").Data()
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	sort.Slice(symbols, func(i, j int) bool { return symbols[i].Value < symbols[j].Value })
	var b strings.Builder
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			fmt.Fprintf(&b, "%s %d %d\n", s.Name, s.Value-f.Section(".text").Addr, s.Size)
		}
	}
	for len(text) > 0 {
		n := min(32, len(text))
		fmt.Fprintf(&b, "%x\n", text[:n])
		text = text[n:]
	}
	return b.String()
}
