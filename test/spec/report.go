package main

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
)

// verdict is what became of a command.
type verdict int

const (
	passed           verdict = iota
	failed                   //
	refusedByName            // it needs a proposal that is refused, and the error names it
	overtakenByLater         // a rule of 1.0 that 2.0 gave up
	textJudged               // a text: wat2wasm refused it
	textAccepted             // a text that wat2wasm accepts
	verdicts
)

// counts are numbers of commands by folder, kind and verdict.
type counts map[string]map[string]*[verdicts]int

func (c counts) add(folder, kind string, v verdict) {
	if c[folder] == nil {
		c[folder] = map[string]*[verdicts]int{}
	}
	if c[folder][kind] == nil {
		c[folder][kind] = &[verdicts]int{}
	}
	c[folder][kind][v]++
}

func (c counts) total(v verdict) (n int) {
	for _, kinds := range c {
		for _, k := range kinds {
			n += k[v]
		}
	}
	return n
}

// kinds are the columns, in order.
var kinds = []string{
	"module", "register", "action", "assert_return", "assert_trap", "assert_exhaustion", "assert_exception",
	"assert_invalid", "assert_malformed", "assert_unlinkable", "assert_uninstantiable",
}

// others are verdicts besides passed.
var others = map[verdict]string{failed: "failed", refusedByName: "refused by the proposal's name", overtakenByLater: "overtaken"}

// lines are the counts as text: one line for each folder and kind.
func (c counts) lines() []string {
	var list []string
	for folder, byKind := range c {
		for kind, n := range byKind {
			line := fmt.Sprintf("%-20s %-22s %6d passed", folder, kind, n[passed])
			for v, what := range others {
				if n[v] > 0 {
					line += fmt.Sprintf(" %6d %s", n[v], what)
				}
			}
			if n[textJudged]+n[textAccepted] > 0 {
				continue
			}
			list = append(list, line)
		}
	}
	sort.Slice(list, func(i, j int) bool { return rank(list[i]) < rank(list[j]) })
	return list
}

// rank orders lines by folder and by the order of kinds.
func rank(line string) string {
	f := strings.Fields(line)
	return fmt.Sprintf("%s %02d", f[0], slices.Index(kinds, f[1]))
}

// report prints everything; the last line is the sum.
func (r *runner) report(w io.Writer) {
	for _, f := range r.failures {
		fmt.Fprintln(w, "FAIL", f)
	}
	for _, l := range r.counts.lines() {
		fmt.Fprintln(w, l)
	}
	if n := r.counts.total(refusedByName); n > 0 {
		fmt.Fprintf(w, "%d commands need a proposal that the build refuses by name\n", n)
	}
	if n := r.counts.total(overtakenByLater); n > 0 {
		fmt.Fprintf(w, "%d assertions of 1.0 (one table) contradict 2.0, which is what vkernel follows\n", n)
	}
	if n, bad := r.counts.total(textJudged), r.counts.total(textAccepted); n+bad > 0 {
		fmt.Fprintf(w, "%d malformed texts, which vkernel does not read: wat2wasm refuses %d\n", n+bad, n)
	}
	fmt.Fprintf(w, "%d passed, %d failed\n", r.counts.total(passed), r.counts.total(failed))
}
