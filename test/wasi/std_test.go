package wasi_test

import (
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
)

// TestStandardLibrary runs the tests of packages of Go's standard library, compiled for
// wasip1, in a container and in wazero. Binaries are named after their packages. GOROOT is
// mounted read-only.
func TestStandardLibrary(t *testing.T) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	goroot := strings.TrimSpace(string(out))
	binaries, err := filepath.Glob(filepath.Join(built(t, "std", "t"), "*"))
	if err != nil || len(binaries) == 0 {
		t.Fatalf("no binaries: %v", err)
	}
	for _, binary := range binaries {
		name := filepath.Base(binary)
		pkg := strings.ReplaceAll(name, "_", "/")
		t.Run(pkg, func(t *testing.T) {
			dir := goroot + "/src/" + pkg
			args := append([]string{name}, arguments(pkg)...)
			got := vkernel(t, 10*time.Minute, []string{"-v", goroot + ":" + goroot + ":ro", "-e", "GOROOT=" + goroot, "-w", dir},
				"std.vk", append([]string{"/t/" + name}, args[1:]...)...)
			fs := wazero.NewFSConfig().WithDirMount(t.TempDir(), "/tmp").WithReadOnlyDirMount(goroot, goroot)
			fs = fs.WithReadOnlyDirMount("/dev", "/dev").WithReadOnlyDirMount(built(t, "std"), "/")
			env := map[string]string{"PWD": dir, "GOROOT": goroot, "HOME": "/root", "PATH": "/bin", "TMPDIR": "/tmp"}
			want := reference(t, 10*time.Minute, binary, fs, env, args...)
			agree(t, results(want.out), results(got.out))
			if got.status != 0 {
				t.Errorf("status %d\n%s", got.status, tail(got.out+got.err))
			}
		})
	}
}

// arguments are those of a test binary.
func arguments(string) []string { return []string{"-test.v", "-test.short"} }

var verdict = regexp.MustCompile(`(?m)^ *--- (PASS|FAIL|SKIP): (\S+)`)

// results gives the verdict on each test.
func results(out string) map[string]string {
	m := map[string]string{}
	for _, v := range verdict.FindAllStringSubmatch(out, -1) {
		m[v[2]] = v[1]
	}
	return m
}

// agree checks that vkernel does no worse than wazero: it passes what wazero passes, and
// what it skips, wazero skips or does not come to. It may do better: wazero makes no absolute
// symbolic links, for want of which tests are skipped there.
func agree(t *testing.T, wazero, got map[string]string) {
	counts, better := map[string]int{}, 0
	for name, v := range got {
		counts[v]++
		if v == "PASS" && wazero[name] != "PASS" {
			better++
		}
		if v == "FAIL" {
			t.Errorf("%s fails", name)
		}
	}
	t.Logf("%d passed, %d skipped, %d failed; %d of those that passed do not in wazero", counts["PASS"], counts["SKIP"], counts["FAIL"], better)
	for _, name := range slices.Sorted(maps.Keys(wazero)) {
		if v := wazero[name]; v == "PASS" && got[name] != "PASS" || v == "SKIP" && got[name] == "" {
			t.Errorf("%s: %q, wazero says %s", name, got[name], v)
		}
	}
}

func tail(s string) string { return s[max(0, len(s)-2000):] }
