// Package script_test runs the transcripts of this folder: command lines of vkernel and
// what they must print. A transcript is a .txt file in the form of testscript
// (github.com/rogpeppe/go-internal); run `go test ./test/script -update` to rewrite what
// `cmp` compares with.
//
// Beside testscript's own commands there are
//
//	wat FILE.wat FILE     compile text to WebAssembly and set the x bit
//	truncate FILE N       cut the last N bytes off
//	flip FILE N           change byte N (from the end if negative)
//	root DIR              fill DIR with a program that exits at once, as /bin/sh
//	mode FILE MODE        fail unless FILE has this mode
//	clean DIR NAME...     fail unless DIR holds exactly these names
package script_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in the transcripts")

// vkernelDir holds the vkernel command that is tested.
var vkernelDir string

// What make builds for the demo. Transcripts that need it ask for the condition [ports]
// and find it in $DEMO, and its signer's public key in $KEY.
const demo = "../../out/demo.vk"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "vkernel-script-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "vkernel"), "vkernel/cmd/vkernel")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building vkernel:", err)
		return 1
	}
	vkernelDir = dir
	return m.Run()
}

func TestScripts(t *testing.T) {
	cache := t.TempDir()
	demoPath, err := filepath.Abs(demo)
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 ".",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", vkernelDir+string(filepath.ListSeparator)+os.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("XDG_CACHE_HOME", cache)
			env.Setenv("XDG_RUNTIME_DIR", filepath.Join(env.WorkDir, "runtime"))
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			if err := os.Mkdir(filepath.Join(env.WorkDir, "runtime"), 0o700); err != nil {
				return err
			}
			env.Setenv("DEMO", demoPath)
			env.Setenv("KEY", filepath.Join(config, "vkernel", "local.key.pub"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "ports" {
				_, err := os.Stat(filepath.Join(demoPath, "manifest.json.sig"))
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"wat": wat, "truncate": truncate, "flip": flip, "root": root, "mode": mode, "clean": clean,
		},
	})
}
