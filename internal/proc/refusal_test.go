package proc

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"vkernel/internal/linux"
)

func TestRefusalsAreLoggedNowAndThen(t *testing.T) {
	var r refusals
	start := time.Now()
	logged := 0
	for k := range 1000 {
		if _, ok := r.due("a", start.Add(time.Duration(k)*time.Millisecond)); ok {
			logged++
		}
	}
	if logged != 1 {
		t.Errorf("%d lines in a second", logged)
	}
	if _, ok := r.due("b", start); !ok {
		t.Error("another limit is not logged")
	}
	if before, ok := r.due("a", start.Add(refusalEvery+time.Second)); !ok || before != 999 {
		t.Errorf("later: %v, %d before", ok, before)
	}
}

// TestExecRefusalsArePaced: a guest that tries without end does not fill the log.
func TestExecRefusalsArePaced(t *testing.T) {
	var r refusals
	start := time.Now()
	logged := 0
	for k := range 10_000 {
		if _, ok := r.pace(start.Add(time.Duration(k) * time.Millisecond)); ok { // 10 s
			logged++
		}
	}
	if logged < execBurst || logged > execBurst+11*execPerSecond {
		t.Errorf("%d lines in 10 s", logged)
	}
	if before, ok := r.pace(start.Add(20 * time.Second)); !ok || before == 0 {
		t.Errorf("later: %v, %d before", ok, before)
	}
}

func TestProcessLimitIsLogged(t *testing.T) {
	var log bytes.Buffer
	table := NewTable(Config{Processes: 2, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 5 {
		table.reserve(nil)
	}
	if _, e := table.reserve(nil); e != linux.EAGAIN || strings.Count(log.String(), "limit=processes") != 1 {
		t.Errorf("%v, log:\n%s", e, log.String())
	}
}
