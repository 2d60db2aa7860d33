package main

import (
	"fmt"
	"io"
	"strings"
)

// result is what came of a case.
type result struct {
	Class    string   `json:"class"`
	Name     string   `json:"name"`
	Passed   bool     `json:"passed"`
	Executed []string `json:"executed,omitempty"` // marks of unlisted code
	Wrong    []string `json:"wrong,omitempty"`
	Seconds  float64  `json:"seconds"`
}

func (r *result) line() string {
	verdict := "ok  "
	if !r.Passed {
		verdict = "FAIL"
	}
	return fmt.Sprintf("%s %s/%s (%.2f s)", verdict, r.Class, r.Name, r.Seconds)
}

// total sums up the cases of a class.
type total struct {
	Class    string `json:"class"`
	Cases    int    `json:"cases"`
	Executed int    `json:"executed_unhashed"` // cases in which unlisted code was executed
	Wrong    int    `json:"wrong_errno"`       // cases with another result than expected
}

// summary is the output of -json.
type summary struct {
	Classes []total  `json:"classes"`
	Cases   []result `json:"cases"`
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
}

func passed(results []result) (n int) {
	for i := range results {
		if results[i].Passed {
			n++
		}
	}
	return n
}

func summarise(results []result) summary {
	s := summary{Cases: results, Passed: passed(results)}
	s.Failed = len(results) - s.Passed
	at := map[string]int{}
	for i := range results {
		r := &results[i]
		k, ok := at[r.Class]
		if !ok {
			k = len(s.Classes)
			at[r.Class] = k
			s.Classes = append(s.Classes, total{Class: r.Class})
		}
		s.Classes[k].Cases++
		if len(r.Executed) > 0 {
			s.Classes[k].Executed++
		}
		if len(r.Wrong) > 0 {
			s.Classes[k].Wrong++
		}
	}
	return s
}

// report prints the failures, the table and the last line.
func report(w io.Writer, results []result) {
	s := summarise(results)
	for i := range results {
		if r := &results[i]; !r.Passed {
			fmt.Fprintln(w, r.line())
			for _, m := range r.Executed {
				fmt.Fprintf(w, "    executed: %s\n", m)
			}
			for _, text := range r.Wrong {
				fmt.Fprintf(w, "    wrong: %s\n", strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        "))
			}
		}
	}
	fmt.Fprintf(w, "%-12s %6s %22s %12s\n", "class", "cases", "executed unhashed code", "wrong errno")
	var all total
	for _, c := range s.Classes {
		fmt.Fprintf(w, "%-12s %6d %22d %12d\n", c.Class, c.Cases, c.Executed, c.Wrong)
		all.Cases += c.Cases
		all.Executed += c.Executed
		all.Wrong += c.Wrong
	}
	fmt.Fprintf(w, "%-12s %6d %22d %12d\n", "all", all.Cases, all.Executed, all.Wrong)
	fmt.Fprintf(w, "%d passed, %d failed\n", s.Passed, s.Failed)
}
