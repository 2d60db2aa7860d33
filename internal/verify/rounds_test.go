package verify

import (
	"fmt"
	"slices"
	"testing"
)

// TestWorkers: what is refused, and what first, does not depend on how many verify at a time.
func TestWorkers(t *testing.T) {
	corpus, _ := assembleCorpus(t, corpus())
	for _, c := range []*Code{corpus, realCode(t)} {
		judge := func(workers int, all bool) []string {
			v := &verifier{code: c, text: c.Text.Bytes, base: c.Text.Addr, all: all, workers: workers}
			list := []string{fmt.Sprint(v.run())}
			for _, e := range v.refused {
				list = append(list, e.Error())
			}
			return list
		}
		for _, all := range []bool{false, true} {
			want := judge(1, all)
			for range 5 {
				if got := judge(4, all); !slices.Equal(got, want) {
					t.Errorf("with 4 workers %d verdicts, the first %s; with one %d, the first %s", len(got), got[0], len(want), want[0])
				}
			}
		}
	}
}
