package kernel

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"vkernel/internal/linux"
)

// pauseAll pauses and resumes a kernel at random moments until it ends, and tells how long the pauses took to
// begin.
func pauseAll(t *testing.T, k *Kernel, done <-chan struct{}) (took []time.Duration) {
	t.Helper()
	for {
		select {
		case <-done:
			return took
		case <-time.After(time.Duration(rand.IntN(3000)) * time.Microsecond):
		}
		began := time.Now()
		if err := k.Pause(t.Context()); err != nil {
			t.Error(err)
			return took
		}
		took = append(took, time.Since(began))
		before := k.table.Busy()
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Microsecond)
		if after := k.table.Busy(); after != before {
			t.Errorf("somebody ran during the pause: %v before, %v after", before, after)
		}
		k.Resume()
	}
}

// report logs the middle and the longest of the times that pauses took.
func report(t *testing.T, took []time.Duration) {
	t.Helper()
	if len(took) == 0 {
		t.Error("there was no pause")
		return
	}
	slices.Sort(took)
	t.Logf("%d pauses began within %v (middle), %v (longest)", len(took), took[len(took)/2], took[len(took)-1])
}

// workloads are scripts that wait and compute in many ways, and what they print.
var workloads = []struct{ name, script, out string }{
	{"computing", `i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; echo $i`, "60000\n"},
	{"pipe chain", `seq 1 60000 | cat | sort -rn | cat | head -n 1; seq 1 30000 | md5sum`, "60000\n" + md5of30000},
	{"large writes", `yes 0123456789abcde | dd bs=1000000 count=4 iflag=fullblock 2>/dev/null | (sleep 0.05; wc -c)`, "4000000\n"},
	{"one large write", `head -c 3000000 /dev/zero > /tmp/z; dd if=/tmp/z bs=3000000 2>/tmp/e | (sleep 0.1; wc -c); cat /tmp/e | head -n 2`, "3000000\n1+0 records in\n1+0 records out\n"},
	{"sleeps", `for i in 1 2 3 4 5; do sleep 0.03 & done; wait; echo slept`, "slept\n"},
	{"children", `i=0; while [ $i -lt 400 ]; do (exit $((i%7))); [ $? = $((i%7)) ] || echo bad $i; i=$((i+1)); done; echo end`, "end\n"},
	{"spawned", `i=0; while [ $i -lt 400 ]; do /bin/true || echo bad; i=$((i+1)); done; echo end`, "end\n"},
	{"signals", `n=0; trap 'n=$((n+1))' USR1; for i in 1 2 3 4 5 6 7 8; do kill -USR1 $$; sleep 0.01; done; echo $n`, "8\n"},
	{"a handler that is interrupted", `trap 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo $i' USR1; kill -USR1 $$; echo end`, "20000\nend\n"},
	{"fifo", `mkfifo /tmp/f; (for i in 1 2 3; do sleep 0.02; echo $i; done > /tmp/f) & cat /tmp/f; wait`, "1\n2\n3\n"},
	{"stopped", `sleep 0.3 & kill -STOP $!; sleep 0.05; kill -CONT $!; wait $!; echo $?`, "0\n"},
	{"vfork", `seq 1 300 | xargs -n 1 echo | wc -l`, "300\n"},
	{"poll", `(sleep 0.15; echo x) | (read -t 5 a; echo $a)`, "x\n"},
	{"time-outs", `timeout 0.05 sleep 10; echo $?`, "Terminated\n143\n"},
	{"interpreter", `lua -e 'local s=0 for i=1,30000000 do s=s+i%7 end print(s)'`, "89999997\n"},
}

// TestPauseIsNotSeen pauses workloads again and again; their output is what it is without.
func TestPauseIsNotSeen(t *testing.T) {
	for _, tt := range workloads {
		t.Run(tt.name, func(t *testing.T) {
			c := newContainer(t, nil)
			done, took := make(chan struct{}), make(chan []time.Duration)
			go func() { took <- pauseAll(t, c.kernel, done) }()
			status, out := c.run("sh", "-c", tt.script)
			close(done)
			all := <-took
			if out != tt.out || status != (Status{}) {
				t.Errorf("status %+v, output %q, want %q\n%s", status, out, tt.out, tail(c.log.String()))
			}
			report(t, all)
		})
	}
}

const md5of30000 = "0a61f0919f546ce04fc119b028b88a2e  -\n"

func tail(s string) string { return s[max(0, len(s)-2000):] }

// TestPauseOfMany pauses 200 processes that compute, sleep, wait for children, for pipes and for files.
func TestPauseOfMany(t *testing.T) {
	c := newContainer(t, nil)
	script := `for i in $(seq 1 40); do
		(while :; do :; done) &
		sleep 100 &
		(sleep 100; :) &
		(sleep 100 | cat) &
	done; echo ready; wait`
	end := make(chan Status)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		status, err := c.kernel.Run(ctx, []string{"sh", "-c", script}, c.env, "/")
		if err != nil {
			t.Error(err)
		}
		end <- status
	}()
	for len(c.kernel.table.All()) < 200 {
		if ctx.Err() != nil {
			t.Fatal("the processes are not there after a minute")
		}
		time.Sleep(10 * time.Millisecond)
	}
	var took []time.Duration
	for range 50 {
		began := time.Now()
		if err := c.kernel.Pause(ctx); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
		before := fmt.Sprint(c.kernel.table.Busy(), len(c.kernel.table.All()))
		time.Sleep(time.Millisecond)
		if after := fmt.Sprint(c.kernel.table.Busy(), len(c.kernel.table.All())); after != before {
			t.Errorf("during a pause: %s became %s", before, after)
		}
		if err := c.kernel.Pause(ctx); err == nil || !strings.Contains(err.Error(), linux.EBUSY.Error()) {
			t.Errorf("a pause of what is paused: %v", err)
		}
		c.kernel.Resume()
	}
	report(t, took)
	c.kernel.table.Kill()
	if status := <-end; status.Signal != linux.SIGKILL {
		t.Errorf("status %+v", status)
	}
}

// TestPauseHolds: what comes from outside waits, and a time that passes during a pause has passed after it.
func TestPauseHolds(t *testing.T) {
	c := newContainer(t, nil)
	end := make(chan string)
	go func() {
		_, out := c.run("sh", "-c", `trap 'echo term; exit' TERM; echo ready; while :; do sleep 0.01; done`)
		end <- out
	}()
	for c.kernel.table.Init() == nil || c.kernel.table.Born() < 3 {
		time.Sleep(time.Millisecond)
	}
	if err := c.kernel.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		c.kernel.Signal(linux.SIGTERM)
		close(sent)
	}()
	born := c.kernel.table.Born()
	select {
	case <-sent:
		t.Error("a signal from outside came through a pause")
	case <-time.After(50 * time.Millisecond):
	}
	if now := c.kernel.table.Born(); now != born {
		t.Errorf("%d processes were born during a pause", now-born)
	}
	c.kernel.Resume()
	<-sent
	if out := <-end; out != "ready\nterm\n" {
		t.Errorf("output %q", out)
	}
}

// TestPauseGivesUp: if a pause cannot be reached in time, the container runs on.
func TestPauseGivesUp(t *testing.T) {
	c := newContainer(t, nil)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	end := make(chan string)
	go func() {
		_, out := c.run("sh", "-c", "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; echo $i")
		end <- out
	}()
	for range 20 {
		if err := c.kernel.Pause(over); err == nil {
			c.kernel.Resume() // it was reached at once
		}
	}
	if out := <-end; out != "3000\n" {
		t.Errorf("output %q", out)
	}
}
