package kernel

import (
	"strings"
	"testing"
	"time"

	"vkernel/internal/proc"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
)

// seenFirst makes what the program warm looks at before it is ready.
const seenFirst = `
	mkdir -p /etc/warm.d/list /etc/warm.d/full /etc/other
	echo first >/etc/warm.conf; echo same >/etc/same; ln -s same /etc/warm.link; echo 1 >/etc/warm.d/list/one
`

// TestWarmSees: what a program has looked at before it was ready is what is there at each start from its image: content,
// names that were not there, lists, links, modes. Other changes leave the image alone.
func TestWarmSees(t *testing.T) {
	seen := []string{
		"echo second >/etc/warm.conf", "echo more >>/etc/warm.conf", ">/etc/warm.conf", "dd if=/etc/same of=/etc/warm.conf bs=3 count=1 2>/dev/null",
		"dd if=/dev/zero of=/etc/warm.conf bs=1 count=1 seek=2 conv=notrunc 2>/dev/null", "rm /etc/warm.conf",
		"echo x >/etc/x; mv /etc/x /etc/warm.conf", "chmod 600 /etc/warm.conf; chmod 644 /etc/warm.conf", "echo x >/etc/warm.d/extra",
		"touch /etc/warm.d/list/two", "rm /etc/warm.d/list/one", "mv /etc/warm.d/list /etc/warm.d/full/", "chmod 711 /etc/warm.d",
		"ln -sf warm.conf /etc/warm.link", "rm /etc/warm.link; ln -s same /etc/warm.link", "echo longer >/etc/same", "rm -r /etc/warm.d/full /etc/warm.d/extra; ln -s ../other /etc/warm.d/extra",
		"mv /etc /was; mkdir /etc; cp -r /was/other /was/same /etc/; ln -s same /etc/warm.link", "ln /etc/same /etc/hard; echo longer >>/etc/hard",
		"(exec 3<>/etc/warm.conf; echo Z >&3)", "cp /etc/warm.conf /etc/c; rm /etc/warm.conf; mv /etc/c /etc/warm.conf", "mkdir -p /etc/warm.d/list",
	}
	unseen := []string{
		"echo x >/new; mkdir /etc/more; echo y >/etc/more/y", "cat /etc/warm.conf /etc/same; ls /etc/warm.d; stat /etc/warm.d",
		"echo x >/etc/other/warm.conf", "mkdir /tmp/etc; echo x >/tmp/etc/warm.conf", "rm /new", "chmod 700 /etc/other",
	}
	script := seenFirst + untilWarm
	for _, change := range seen {
		script += "{ " + change + "; } >/dev/null\nwarm is-warm && echo warm after '" + change + "'\nwarm look || echo stale after '" + change + "'\n" +
			untilWarm + "warm look || echo stale and warm after '" + change + "'\n"
	}
	for _, change := range unseen {
		script += "{ " + change + "; } >/dev/null\nwarm is-warm || echo cold after '" + change + "'\n"
	}
	c := newWarm(t, warmSpec, nil)
	c.kernel.warm.quick = true
	if _, out := c.run("/bin/dash", "-c", script); out != "" {
		t.Errorf("output %.2000q\n%.2000s", out, c.log.String())
	}
	if s := entryState(t, c, "warm"); s.Made != int64(len(seen)+1) {
		t.Errorf("%d images were made, want %d", s.Made, len(seen)+1)
	}
}

// TestWarmUnseen: what may change without the kernel's knowing makes no image.
func TestWarmUnseen(t *testing.T) {
	for first, reason := range map[string]string{
		"mkdir -p /tmp/list; ln -s /tmp /etc/warm.d": "another file system",
		"ln -s /proc/self /etc/warm.d":               "another file system",
		"ln -s /dev/stdin /etc/warm.conf":            "another file system",
		">/etc/warm.conf; chmod 600 /etc/warm.conf":  "not everybody",
		"mkdir -m 700 /etc/warm.d":                   "not everybody",
	} {
		c := newWarm(t, warmSpec, nil)
		script := first + "\ni=0; while [ $i -lt 40 ]; do warm is-warm && echo warm; i=$((i+1)); sleep 0.005; done"
		if _, out := c.run("/bin/dash", "-c", script); out != "" {
			t.Errorf("%s: %q", first, out)
		}
		if s := entryState(t, c, "warm"); !strings.Contains(s.Reason, reason) {
			t.Errorf("%s: %+v", first, s)
		}
	}
}

// TestWarmPauses: an image that does not last is made again later each time; one that has lasted starts anew.
func TestWarmPauses(t *testing.T) {
	var n named
	x := n.add("/bin/x", 1, 0)
	now, last := time.Duration(0), time.Duration(0)
	for range 12 {
		start := now
		for !x.begin(now) {
			now += time.Millisecond
		}
		if now-start < last || now-start > 2*last+firstPause {
			t.Fatalf("after %v it is made again, before after %v", now-start, last)
		}
		last = now - start
		x.end(nil, "reason", nil, now)
	}
	if x.next = 0; !x.begin(now) {
		t.Fatal("no image is made")
	}
	fs, e := memfs.New(memfs.Options{Dev: 1})
	if e != 0 {
		t.Fatal(e)
	}
	ns := vfs.NewNamespace(fs, "", 0)
	reads := ns.Witness()
	c := vfs.NewContext(ns, vfs.Root(), nil)
	c.Lookup(vfs.Path{}, "/file", 0)
	x.end(nil, "reason", reads, now)
	if x.begin(1000 * time.Hour) {
		t.Error("it is made again although nothing has changed")
	}
	if e := c.Mkdir(vfs.Path{}, "/file", 0o755); e != 0 {
		t.Fatal(e)
	}
	if !x.begin(1000 * time.Hour) {
		t.Error("it is not made again although what it has read has changed")
	}
}

// TestWarmNames: a user has few images of a content, and takes nobody else's place.
func TestWarmNames(t *testing.T) {
	var n named
	if n.add("/a", 1000, 0) == nil || n.add("/b", 1000, 0) == nil {
		t.Fatal("two names of a user")
	}
	if n.add("/c", 1000, staleName) != nil {
		t.Error("a third name while the others are in use")
	}
	if n.add("/bin/x", 0, staleName) == nil {
		t.Error("another user's name")
	}
	n.find("/a").take(proc.Start{}, staleName)
	if n.add("/c", 1000, 2*staleName) == nil || n.find("/b") != nil || n.find("/a") == nil {
		t.Error("a third name does not replace the one that was not used")
	}
	for uid := range uint32(20) {
		n.add("/"+string(rune('g'+uid)), uid+1, 2*staleName)
	}
	if len(n.all()) != maxWarmNames {
		t.Errorf("%d names", len(n.all()))
	}
}
