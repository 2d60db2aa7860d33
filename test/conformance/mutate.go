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

// areas says in which classes a check of an area, the first part of its name, is looked for
// first. It decides about time only: if none of these cases fails, all others are run.
var areas = map[string][]string{
	"exec":      {"content", "names", "scripts", "swap", "check", "kinds", "busy", "change", "memory"},
	"policy":    {"policy"},
	"signature": {"signatures"},
	"trust":     {"signatures"},
	"json":      {"manifest"},
	"bundle":    {"bundle"},
	"native":    {"native"},
	"mount":     {"mounts", "bundle"},
	"memory":    {"memory"},
	"warm":      {"warm"},
	"snapshot":  {"snapshots"},
	"mapping":   {"change", "mapping"},
}

// inOrder gives the cases of the check's area, and all others.
func inOrder(cases []*testCase, check string) (first, rest []*testCase) {
	area, _, _ := strings.Cut(check, ".")
	for _, c := range cases {
		if slices.Contains(areas[area], c.Class) {
			first = append(first, c)
		} else {
			rest = append(rest, c)
		}
	}
	return first, rest
}

// mutate switches each check off and looks for cases that fail. It is right if without a
// mutant none fails, and with each at least one does.
func (s *suite) mutate(ctx context.Context, sources string, w io.Writer) (bool, error) {
	names, err := checks(sources)
	if err != nil {
		return false, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !s.only.MatchString(n) })
	if len(names) == 0 {
		return false, fmt.Errorf("no check in %s can be switched off", sources)
	}
	cases := s.selected()
	if good := s.run(ctx, cases); passed(good) != len(good) {
		report(w, good)
		return false, fmt.Errorf("cases fail although all checks are on")
	}
	survived := 0
	fmt.Fprintf(w, "%-28s %7s %10s  %s\n", "check that is off", "failed", "executed", "first case that fails")
	for _, name := range names {
		s.mutant = name
		first, rest := inOrder(cases, name)
		results := s.run(ctx, first)
		if passed(results) == len(results) {
			results = s.run(ctx, rest)
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if passed(results) == len(results) {
			survived++
		}
		fmt.Fprintln(w, noticed(name, results))
	}
	fmt.Fprintf(w, "%d checks, %d noticed, %d not\n", len(names), len(names)-survived, survived)
	return survived == 0, nil
}

// noticed is the line of a check: how many cases failed, in how many unlisted code was
// executed, and which was the first.
func noticed(check string, results []result) string {
	failed, executed, first := 0, 0, "NONE"
	for i := range results {
		r := &results[i]
		if r.Passed {
			continue
		}
		if failed++; failed == 1 {
			first = r.Class + "/" + r.Name
		}
		if len(r.Executed) > 0 {
			executed++
		}
	}
	return fmt.Sprintf("%-28s %7d %10d  %s", check, failed, executed, first)
}
