package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

//go:embed hosts
var hosts embed.FS

// prints runs a command whose output is in the form of ours.
func prints(p *program, name string, args ...string) error {
	cmd := exec.Command(name, append(args, p.argv...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "RUNS="+strconv.Itoa(p.runs))
	if p.pass {
		cmd.Env = append(cmd.Env, "PASS=1")
	}
	return cmd.Run()
}

// onV8 runs node. TurboFan compiles everything before the first run, so that no run is one of
// the baseline compiler's code.
func onV8(p *program) error {
	script, err := hosts.ReadFile("hosts/host.mjs")
	if err != nil {
		return err
	}
	path := filepath.Join(p.scratch, "host.mjs")
	if err := os.WriteFile(path, script, 0o644); err != nil {
		return err
	}
	return prints(p, "node", "--no-liftoff", "--no-wasm-lazy-compilation", "--stack-size=4000", path)
}

// onWasm2c compiles what wasm2c writes with the flags of vkernel's own native code.
func onWasm2c(p *program) error {
	name := fmt.Sprintf("w2c-%x", sha256.Sum256(p.module))[:20]
	dir := filepath.Join(p.scratch, name)
	program := filepath.Join(dir, "program")
	if _, err := os.Stat(program); err != nil {
		if err := compileWasm2c(p, dir, program); err != nil {
			return err
		}
	}
	return prints(p, program)
}

func compileWasm2c(p *program, dir, program string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	source := filepath.Join(dir, "module.c")
	if err := tool("wasm2c", "-n", "guest", "-o", source, p.path); err != nil {
		return err
	}
	glue, err := glue(p.module)
	if err != nil {
		return err
	}
	c, err := hosts.ReadFile("hosts/host.c")
	if err != nil {
		return err
	}
	host := filepath.Join(dir, "host.c")
	if err := os.WriteFile(host, append(c, glue...), 0o644); err != nil {
		return err
	}
	const runtime = "/usr/share/wabt/wasm2c"
	return tool("clang-19", "-O2", "-march=x86-64-v2", "-w", "-I/usr/include", "-I"+runtime, "-I"+dir, "-o", program,
		source, host, filepath.Join(runtime, "wasm-rt-impl.c"), "-lm")
}

func tool(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// glue gives each import of the module the type that wasm2c declared for it.
func glue(module []byte) ([]byte, error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	compiled, err := r.CompileModule(ctx, module)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, f := range compiled.ImportedFunctions() {
		_, name, _ := f.Import()
		result := "void"
		if len(f.ResultTypes()) > 0 {
			result = cType(f.ResultTypes()[0])
		}
		params, args := "struct Z_wali_instance_t *h", ""
		for k, t := range f.ParamTypes() {
			params += fmt.Sprintf(", %s a%d", cType(t), k)
			args += fmt.Sprintf("a%d, ", k)
		}
		back := "return "
		if result == "void" {
			back = ""
		}
		fmt.Fprintf(&b, "%s Z_waliZ_%s(%s) { u64 a[] = {%s0}; %scall(%q, a); }\n", result, mangle(name), params, args, back, name)
	}
	return []byte(b.String()), nil
}

// cType is the name that wasm2c has for an integer type.
func cType(t api.ValueType) string { return strings.Replace(api.ValueTypeName(t), "i", "u", 1) }

// mangle is wasm2c's way with names.
func mangle(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Y':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "Z%02X", c)
		}
	}
	return b.String()
}
