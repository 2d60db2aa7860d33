package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// The lines between which the report is replaced.
const (
	begin = "<!-- measured by make bench-report: begin -->\n"
	end   = "<!-- measured by make bench-report: end -->\n"
)

// writeReport replaces the measured part of a Markdown file.
func writeReport(path string, results []Result, sides []side) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return fmt.Errorf("%s: the lines %q and %q, between which the table goes, are missing", path, begin, end)
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(begin)
	writeTable(&b, results, sides)
	b.WriteString(end)
	b.Write(after)
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func writeTable(b *bytes.Buffer, results []Result, sides []side) {
	fmt.Fprintf(b, "\n%s.\n\n| | clang, ms |", strings.Join(machine(), "; "))
	for _, s := range sides {
		fmt.Fprintf(b, " %s |", s.name)
	}
	b.WriteString("\n|---|---:|" + strings.Repeat("---:|", len(sides)) + "\n")
	for _, kernels := range []bool{true, false} {
		for _, r := range results {
			if r.kernel() != kernels {
				continue
			}
			fmt.Fprintf(b, "| %s | %.2f |", r.name, r.ns[baseline]/1e6)
			for _, s := range sides {
				fmt.Fprintf(b, " %.2f |", r.ratio(s.name))
			}
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "| **%s, geometric mean** | |", map[bool]string{true: "kernels", false: "programs"}[kernels])
		for _, s := range sides {
			fmt.Fprintf(b, " **%.2f** |", geomean(results, s.name, kernels))
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

// machine says where it was measured, and with what.
func machine() []string {
	facts := []string{"Measured on " + cpuModel()}
	for _, c := range [][]string{{"clang-19", "--version"}, {"gcc", "--version"}, {"wasm2c", "--version"}, {"node", "-p", "'V8 '+process.versions.v8"}} {
		out, err := exec.Command(c[0], c[1:]...).Output()
		first, _, _ := strings.Cut(string(out), "\n")
		if err == nil && c[0] != "wasm2c" {
			facts = append(facts, first)
		} else if err == nil {
			facts = append(facts, "wasm2c "+first)
		}
	}
	mod, _ := os.ReadFile("test/bench/cpu/go.mod")
	for _, m := range regexp.MustCompile(`(wasmtime-go|wazero)\S* (v\S+)`).FindAllStringSubmatch(string(mod), -1) {
		facts = append(facts, m[1]+" "+m[2])
	}
	return facts
}

func cpuModel() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	if m := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(info); m != nil {
		return string(m[1])
	}
	return "an unknown processor"
}
