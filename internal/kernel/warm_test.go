package kernel

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vkernel/internal/manifest"
	"vkernel/internal/proc"
	"vkernel/internal/router"
)

// warmSpec is what the entry of the test program has in the manifest.
var warmSpec = &manifest.Warm{Env: []string{"COLD*"}, Args: []string{"-R", "--cold"}}

// newWarm makes a container with the program warm; spec nil: it never starts warm.
func newWarm(t testing.TB, spec *manifest.Warm, edit func(*Config)) *container {
	t.Helper()
	at := slices.IndexFunc(available(), func(g guest) bool { return g.name == "warm" })
	if os.Getenv("VKERNEL_GUESTS") == "" || at < 0 {
		t.Skip("VKERNEL_GUESTS has no program warm")
	}
	c := newContainer(t, edit)
	c.file("/bin/warm", "program warm\n", router.Entry{ID: "warm", Name: "warm", Program: at, Export: "_start", Warm: spec})
	return c
}

// untilWarm is a command of a shell that waits for the image of warm.
const untilWarm = "until warm is-warm; do :; done\n"

// entryState is what the container says of an entry.
func entryState(t testing.TB, c *container, entry string) WarmState {
	t.Helper()
	list := c.kernel.Warm()
	for _, s := range list {
		if s.Entry == entry {
			return s
		}
	}
	t.Fatalf("no state of %s: %+v\n%s", entry, list, c.log.String())
	return WarmState{}
}

// TestWarmStart: a program starts cold until there is an image, and then warm; who asks for what it looked at before starts cold.
func TestWarmStart(t *testing.T) {
	c := newWarm(t, warmSpec, nil)
	_, out := c.run("/bin/dash", "-c", untilWarm+`
		warm is-warm && echo warm
		warm is-warm -x && echo warm
		warm is-warm -IR || echo cold
		warm is-warm --cold || echo cold
		COLD_START= warm is-warm || echo cold
		warm exec /bin/warm is-warm && echo warm
		(trap '' USR1; warm is-warm || echo cold)
		(trap '' HUP; warm is-warm && echo warm)
		(ulimit -s 100; warm is-warm || echo cold)
	`)
	if want := "warm\nwarm\ncold\ncold\ncold\nwarm\ncold\nwarm\ncold\n"; out != want {
		t.Errorf("output %q, want %q\n%s", out, want, c.log.String())
	}
	if s := entryState(t, c, "warm"); s.Warm < 6 || s.Cold < 6 {
		t.Errorf("%+v", s)
	}
	if n := c.kernel.config.Code.LayerBytes(); n != 0 {
		t.Errorf("%d bytes of layers are left", n)
	}
}

// variations are commands around warm, each a line of a shell's.
func variations() (list []string) {
	long := strings.Repeat("x", 5000)
	commands := []string{"warm", "warm a 'b c' ''", "warm " + long, "warm $(seq 300)"}
	frames := []string{
		"%s", "X=1 Y='a b' %s", "env -i PARENT=$$ /bin/%s", "(cd /etc; %s)", "(umask 077; %s)", "%s </etc/motd", "%s <&-",
		"(exec 5</etc/motd 7</etc/motd; %s)", "(ulimit -n 77; %s)", "(ulimit -c 5; ulimit -d 100000; %s)", "(trap '' HUP INT; %s)",
		"nice -n 7 %s", "%s | cat", "%s & wait", "LONG=" + long + " %s", "(cd /tmp; umask 0; Z=1 %s 3>&1)",
		"timeout 50 %s", "(exec %s)", "sh -c 'exec %s'", "ln -sf /bin/warm /tmp/other; PATH=/tmp:$PATH; (cd /; %s)",
		"(ulimit -v 100000; %s)", "(trap '' PIPE; cd /root; umask 27; A=1 B=2 %s 2>&-)", "find /etc -name motd -exec %s {} ';'",
		"echo x | xargs %s",
	}
	for _, f := range frames {
		for _, command := range commands {
			if strings.Contains(f, "'%s") {
				command = strings.ReplaceAll(command, "'", "")
			}
			list = append(list, fmt.Sprintf(f, command))
		}
	}
	return list
}

// TestWarmAgreesWithCold: whatever a process brings along, a program that starts warm finds what one finds that starts cold.
func TestWarmAgreesWithCold(t *testing.T) {
	all := variations()
	if len(all) < 90 {
		t.Fatalf("%d variations", len(all))
	}
	script := "export PARENT=$$\n"
	for n, line := range all {
		script += fmt.Sprintf("echo == %d; %s\n", n, line)
	}
	parents := regexp.MustCompile(`PARENT=\d+|parent [01]`)
	for _, uid := range []uint32{0, 1000} {
		outputs := map[bool]string{}
		for _, warm := range []bool{false, true} {
			spec, first := (*manifest.Warm)(nil), ":\n"
			if warm {
				spec, first = &manifest.Warm{}, untilWarm
			}
			c := newWarm(t, spec, func(config *Config) {
				config.Cred = proc.Cred{UID: uid, EUID: uid, SUID: uid, FSUID: uid, GID: uid, EGID: uid, SGID: uid, FSGID: uid}
			})
			_, out := c.run("/bin/dash", "-c", first+script)
			outputs[warm] = parents.ReplaceAllString(out, "parent")
			if !warm {
				continue
			}
			if s := entryState(t, c, "warm"); s.Warm < int64(len(all))*9/10 {
				t.Errorf("uid %d: %d of %d starts were warm", uid, s.Warm, len(all))
			}
		}
		cold, warm := strings.Split(outputs[false], "\n"), strings.Split(outputs[true], "\n")
		at := ""
		for n := range max(len(cold), len(warm)) {
			if n >= len(cold) || n >= len(warm) || cold[n] != warm[n] {
				t.Fatalf("uid %d, %s: line %d is %.200q cold and %.200q warm", uid, at, n, cold[min(n, len(cold)-1)], warm[min(n, len(warm)-1)])
			}
			if strings.HasPrefix(cold[n], "== ") {
				var k int
				fmt.Sscanf(cold[n], "== %d", &k)
				at = fmt.Sprintf("%.100q", all[k])
			}
		}
		if n := strings.Count(outputs[true], "clean 1\n"); n != len(all) {
			t.Errorf("uid %d: %d of %d have told all", uid, n, len(all))
		}
	}
}

// TestWarmRandom: no two starts have the same random numbers.
func TestWarmRandom(t *testing.T) {
	c := newWarm(t, warmSpec, nil)
	_, out := c.run("/bin/dash", "-c", untilWarm+"for i in 1 2 3 4 5 6 7 8; do warm random; done")
	lines := strings.Fields(out)
	slices.Sort(lines)
	if len(slices.Compact(lines)) != 8 {
		t.Errorf("%q", out)
	}
}

// TestWarmAudit: the record of a start says whether it is warm.
func TestWarmAudit(t *testing.T) {
	var seen records
	c := newWarm(t, warmSpec, func(config *Config) { config.Audit = &seen })
	c.run("/bin/dash", "-c", untilWarm+"warm nothing; warm nothing -R")
	var last []bool
	for _, r := range seen.all {
		if r.Entry == "warm" {
			last = append(last, r.Warm)
		}
	}
	if n := len(last); n < 4 || last[0] || !last[n-2] || last[n-1] {
		t.Errorf("warm: %v", last)
	}
}

// TestWarmRevoked: a content that is revoked starts neither warm nor cold, and its image is gone.
func TestWarmRevoked(t *testing.T) {
	revoked := make(chan struct{})
	c := newWarm(t, warmSpec, func(config *Config) {
		config.Revoked = func(digest [32]byte) bool {
			select {
			case <-revoked:
				return true
			default:
				return false
			}
		}
	})
	go func() {
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			for _, s := range c.kernel.Warm() {
				if s.Warm >= 3 {
					close(revoked)
					return
				}
			}
		}
	}()
	_, out := c.run("/bin/dash", "-c", untilWarm+"while warm is-warm; do :; done 2>/dev/null; warm nothing; echo $?")
	if !strings.HasSuffix(out, "126\n") {
		t.Errorf("output %q", out)
	}
	if s := entryState(t, c, "warm"); s.Ready {
		t.Errorf("%+v", s)
	}
}

// TestWarmChanged: another content of the same name does not start from the image, even if it is one of the same entry.
func TestWarmChanged(t *testing.T) {
	c := newWarm(t, warmSpec, nil)
	e := c.routes[sha256.Sum256([]byte("program warm\n"))]
	c.file("/bin/warm2", "another program warm\n", e)
	_, out := c.run("/bin/dash", "-c", untilWarm+`
		cp /bin/warm2 /bin/warm; warm is-warm || echo cold
		`+untilWarm+`
		echo changed >>/bin/warm; warm is-warm 2>/dev/null; echo $?`)
	if out != "cold\n126\n" {
		t.Errorf("output %q\n%s", out, c.log.String())
	}
}

// TestWarmOtherName: a copy of the program elsewhere may have looked for files beside itself, which anybody may have
// put there: its image is for nobody else, nor another's for it.
func TestWarmOtherName(t *testing.T) {
	for _, first := range []string{"/bin/warm", "/bin/other"} {
		c := newWarm(t, warmSpec, nil)
		_, out := c.run("/bin/dash", "-c", "cp /bin/warm /bin/other; until "+first+` is-warm; do :; done
			for p in /bin/warm /bin/other; do $p is-warm && echo $p; done`)
		if out != first+"\n" {
			t.Errorf("%s: output %q\n%s", first, out, c.log.String())
		}
	}
}

// idlers is the output of copies that wait.
type idlers struct {
	n    atomic.Int32
	want int32
	all  chan struct{} // closed when there are as many as wanted
}

func (i *idlers) Write(b []byte) (int, error) {
	n := int32(bytes.Count(b, []byte("idle\n")))
	if now := i.n.Add(n); now >= i.want && now-n < i.want {
		close(i.all)
	}
	return len(b), nil
}

// TestWarmMemory: an idle copy has little memory of its own.
func TestWarmMemory(t *testing.T) {
	const copies, most = 50, 150 << 10
	in, hold := io.Pipe()
	idle := &idlers{want: copies, all: make(chan struct{})}
	c := newWarm(t, warmSpec, func(config *Config) { config.Stdin, config.Stdout, config.Stderr = in, idle, idle })
	go func() {
		defer hold.Close()
		select {
		case <-idle.all:
		case <-time.After(30 * time.Second):
			t.Errorf("%d copies wait", idle.n.Load())
			return
		}
		var own, n uint64
		for _, p := range c.kernel.table.All() {
			if p.Thread().Name() == "warm" {
				p.View(func(m *proc.Memory) {
					u := m.Space.Usage()
					own, n = own+u.Resident-u.Lent, n+1
				})
			}
		}
		if n != copies || own/copies > most {
			t.Errorf("%d copies have %d bytes, each its part of the image included", n, own)
		}
		t.Logf("an idle copy has %d bytes, its part of the image of %d included", own/copies, entryState(t, c, "warm").Bytes)
	}()
	c.run("/bin/dash", "-c", untilWarm+fmt.Sprintf("exec 3<&0; i=0; while [ $i -lt %d ]; do warm idle <&3 & i=$((i+1)); done; wait", copies))
}

func BenchmarkWarm(b *testing.B) {
	for _, bb := range []struct {
		name string
		spec *manifest.Warm
	}{{"warm", warmSpec}, {"cold", nil}} {
		b.Run(bb.name, func(b *testing.B) {
			c := newWarm(b, bb.spec, nil)
			first := ""
			if bb.spec != nil {
				first = untilWarm
			}
			start := time.Now()
			c.run("/bin/dash", "-c", first+fmt.Sprintf("i=0; while [ $i -lt %d ]; do warm nothing; i=$((i+1)); done", b.N))
			b.ReportMetric(float64(time.Since(start).Microseconds())/float64(b.N), "us/round")
		})
	}
}
