package engine

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// fill makes instances until one is refused.
func fill(t *testing.T, p *Program, most int) (all []*Instance, e linux.Errno) {
	t.Helper()
	for len(all) < most {
		i, e := p.New()
		if e != 0 {
			return all, e
		}
		all = append(all, i)
	}
	t.Fatalf("%d instances and no limit", most)
	return nil, 0
}

// refused holds that a limit is met with an errno and the limit's name, and that an instance
// that ends makes room for another.
func refused(t *testing.T, p *Program, errno linux.Errno, limit string) {
	t.Helper()
	all, e := fill(t, p, 1000)
	if r := p.code.Refused(); e != errno || r.Limit != limit || r.Detail == "" {
		t.Errorf("after %d instances: %v, %+v, want %v for %s", len(all), e, r, errno, limit)
	}
	if len(all) < 2 {
		t.Fatalf("only %d instances", len(all))
	}
	all[0].Free()
	i, e := p.New()
	if e != 0 {
		t.Fatalf("where one has ended: %v", e)
	}
	all[0] = i
	for _, i := range all {
		i.Free()
	}
}

func TestRefusedMappings(t *testing.T) {
	c := loadGuest(t)
	c.slots.mappings = 50 * c.Programs()[0].mappings
	refused(t, c.Programs()[0], linux.EAGAIN, limitMappings)
}

func TestRefusedSlots(t *testing.T) {
	c := loadGuest(t)
	c.slots.limit = 20
	refused(t, c.Programs()[0], linux.EAGAIN, limitSlots)
}

// TestRefusedByHost runs itself in a process whose limits are lowered.
func TestRefusedByHost(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector needs the address space")
	}
	limits := map[string]struct {
		resource int
		bytes    uint64
		errno    linux.Errno
		limit    string
	}{
		"AS":   {unix.RLIMIT_AS, 600 << 30, linux.ENOMEM, limitAddress},
		"DATA": {unix.RLIMIT_DATA, 1 << 30, linux.ENOMEM, limitMemory},
	}
	if l, ok := limits[os.Getenv("ENGINE_TEST_LIMIT")]; ok {
		c := loadGuest(t)
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: l.bytes, Max: l.bytes}); err != nil {
			t.Fatal(err)
		}
		refused(t, c.Programs()[0], l.errno, l.limit)
		return
	}
	for name := range limits {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRefusedByHost$")
		cmd.Env = append(os.Environ(), "ENGINE_TEST_LIMIT="+name)
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
