package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// kernelsMain makes an export of each of the CPU benchmark's kernels.
const kernelsMain = `#include "cpu.h"
extern const struct kernel kernels[], more[];
static const struct kernel *at(int k) {
    int n = 0;
    while (kernels[n].name) n++;
    return k < n ? &kernels[k] : &more[k - n];
}
__attribute__((export_name("name"))) const char *name(int k) { return at(k)->name; }
__attribute__((export_name("run"))) unsigned run(int k) { return at(k)->run(); }
`

// compileKernels builds them for WebAssembly; they need no C library.
func compileKernels(t *testing.T) []byte {
	t.Helper()
	guest, err := filepath.Abs("../../test/bench/cpu/guest")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.c":      kernelsMain,
		"string.h":    "#define memset __builtin_memset\n#define memcpy __builtin_memcpy\n#define memmove __builtin_memmove\n",
		"sys/types.h": "typedef int pid_t;\ntypedef long ssize_t;\n#include <stddef.h>\n",
	} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o700)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("clang-19", "--target=wasm32", "-O2", "-msimd128", "-mbulk-memory", "-nostdlib", "-w",
		"-I.", "-Wl,--no-entry", "-o", "kernels.wasm",
		"-I"+guest, "main.c", filepath.Join(guest, "kernels.c"), filepath.Join(guest, "more.c"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wasm, err := os.ReadFile(filepath.Join(dir, "kernels.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// TestKickKernels runs the CPU benchmark's kernels alone and preempted every 100 us: same results.
func TestKickKernels(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	c := buildWasm(t, compileKernels(t))
	call := func(i *Instance, export string, k int) (result uint64, preemptions int) {
		start(t, i, export, uint64(k))
		preemptions = finish(t, i, nil)
		return i.Results()[0][0] & 0xffffffff, preemptions
	}
	for k := 0; ; k++ {
		i := newGuest(t, c)
		defer i.Free()
		at, _ := call(i, "name", k)
		if at == 0 {
			if k != 12 {
				t.Errorf("%d kernels", k)
			}
			return
		}
		name, _ := i.Memory().String(uint32(at), 100, 1)
		alone, _ := call(i, "run", k)
		total := 0
		for end := time.Now().Add(500 * time.Millisecond); total < 300 && time.Now().Before(end); {
			again := newGuest(t, c)
			stop := kickEvery(100*time.Microsecond, []*Instance{again})
			got, n := call(again, "run", k)
			stop()
			again.Free()
			if total += n; got != alone {
				t.Errorf("%s: %#x when preempted, else %#x", name, got, alone)
			}
		}
		t.Logf("%s: %#x, %d preemptions", name, alone, total)
		if total == 0 {
			t.Errorf("%s: no preemption", name)
		}
	}
}
