package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// hook finds the names of checks in the sources.
var hook = regexp.MustCompile(`mutant\.Off\("([^"]+)"\)`)

// checks lists the checks that can be switched off.
func checks(sources string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(sources, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "out" || n == ".git" || n == "mutant" || n == "conformance" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(p)
		for _, m := range hook.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
		return err
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

// mutate switches each check off and looks for cases that fail. It is right if without a
// mutant none fails, and with each at least one does.
func (s *suite) mutate(ctx context.Context, sources string, w io.Writer) (bool, error) {
	names, err := checks(sources)
	if err != nil {
		return false, err
	}
	if len(names) == 0 {
		return false, fmt.Errorf("no check in %s can be switched off", sources)
	}
	cases := s.selected()
	if bad := s.run(ctx, cases); passed(bad) != len(bad) {
		report(w, bad)
		return false, fmt.Errorf("cases fail although all checks are on")
	}
	survived := 0
	fmt.Fprintf(w, "%-28s %7s %10s  %s\n", "check that is off", "failed", "executed", "first")
	for _, name := range names {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		s.mutant = name
		results := s.run(ctx, cases)
		failed := len(results) - passed(results)
		executed, first := 0, "no case fails"
		for i := range results {
			if len(results[i].Executed) > 0 {
				executed++
			}
			if !results[i].Passed && failed > 0 && first == "no case fails" {
				first = results[i].Class + "/" + results[i].Name
			}
		}
		if failed == 0 {
			survived++
		}
		fmt.Fprintf(w, "%-28s %7d %10d  %s\n", name, failed, executed, first)
	}
	fmt.Fprintf(w, "%d checks, %d noticed, %d not\n", len(names), len(names)-survived, survived)
	return survived == 0, nil
}
