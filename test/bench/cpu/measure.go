package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Result is one row: medians of one run in nanoseconds, by side.
type Result struct {
	workload
	samples int
	ns      map[string]float64
}

// ratio is over native clang.
func (r *Result) ratio(side string) float64 { return r.ns[side] / r.ns[baseline] }

func measure(w workload, sides []side, rounds int) (Result, error) {
	samples := map[string][]float64{}
	sum := ""
	for range rounds {
		for _, s := range sides {
			out, err := s.run(&w)
			if err != nil {
				return Result{}, fmt.Errorf("%s on %s: %w", w.name, s.name, err)
			}
			list, printed, err := parse(out)
			if err != nil {
				return Result{}, fmt.Errorf("%s on %s: %w", w.name, s.name, err)
			}
			if sum == "" {
				sum = printed
			}
			if printed != sum {
				return Result{}, fmt.Errorf("%s on %s: computed %q, others %q", w.name, s.name, printed, sum)
			}
			samples[s.name] = append(samples[s.name], list...)
		}
	}
	r := Result{workload: w, ns: map[string]float64{}}
	for name, list := range samples {
		r.samples = len(list)
		r.ns[name] = median(list)
	}
	return r, nil
}

// parse reads samples, one a line, and the line # with the checksum.
func parse(out []byte) (list []float64, sum string, err error) {
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if s, ok := strings.CutPrefix(line, "#"); ok {
			sum = strings.TrimSpace(s)
			continue
		}
		x, err := strconv.ParseFloat(line, 64)
		if err != nil {
			return nil, "", fmt.Errorf("unexpected output %q", line)
		}
		list = append(list, x)
	}
	if len(list) == 0 || sum == "" {
		return nil, "", errors.New("no samples, or no checksum")
	}
	return list, sum, nil
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}

// geomean is the geometric mean of a side's ratios over some rows.
func geomean(results []Result, side string, kernels bool) float64 {
	sum, n := 0.0, 0
	for _, r := range results {
		if r.kernel() == kernels {
			sum += math.Log(r.ratio(side))
			n++
		}
	}
	return math.Exp(sum / float64(n))
}

func printHeader(sides []side) {
	fmt.Printf("%-12s %12s", "", "clang, ms")
	for _, s := range sides {
		fmt.Printf(" %9s", s.name)
	}
	fmt.Println("   (medians; over clang)")
}

func (r *Result) print(sides []side) {
	fmt.Printf("%-12s %12.2f", r.name, r.ns[baseline]/1e6)
	for _, s := range sides {
		fmt.Printf(" %9.2f", r.ratio(s.name))
	}
	fmt.Println()
}

// merge replaces the rows of a JSON file that have the names of results, and adds the rest.
func merge(path string, results []Result) error {
	var rows []map[string]any
	old, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(old, &rows)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, r := range results {
		row := map[string]any{"name": "cpu_" + r.name, "unit": "ns", "samples": r.samples}
		for side, ns := range r.ns {
			if side == baseline {
				side = "native"
			}
			row[side] = ns
		}
		if _, ok := r.ns["vkernel"]; ok {
			row["ratio"] = r.ratio("vkernel")
		}
		at := slices.IndexFunc(rows, func(o map[string]any) bool { return o["name"] == row["name"] })
		if at < 0 {
			rows = append(rows, row)
		} else {
			rows[at] = row
		}
	}
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
