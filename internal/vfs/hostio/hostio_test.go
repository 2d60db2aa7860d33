package hostio

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/vfs/tty"
	"vkernel/internal/wait"
)

// all reads a guest's end to its end of file.
func all(f vfs.File) string {
	var b bytes.Buffer
	p := make([]byte, 4096)
	for {
		n, e := Retry(unlocked{}, f.Queue(), wait.In, func() (int, linux.Errno) { return f.Read(p, 0) })
		if e != 0 || n == 0 {
			return b.String()
		}
		b.Write(p[:n])
	}
}

// watched notes that it was read.
type watched struct {
	io.Reader
	mu   sync.Mutex
	read bool
}

func (w *watched) Read(p []byte) (int, error) {
	w.mu.Lock()
	w.read = true
	w.mu.Unlock()
	return w.Reader.Read(p)
}

func TestInputOnDemand(t *testing.T) {
	text := strings.Repeat("0123456789", 50000)
	r := &watched{Reader: strings.NewReader(text)}
	end, _ := NewHost(unlocked{}).Input(pipe.NewPool(1<<20), "", r)
	time.Sleep(20 * time.Millisecond)
	r.mu.Lock()
	if r.read {
		t.Error("the host was read before the guest asked")
	}
	r.mu.Unlock()
	if got := all(end); got != text {
		t.Errorf("%d bytes arrived", len(got))
	}
	if ev := end.Poll(); ev != wait.Hup {
		t.Errorf("polls %x", ev)
	}
	end.Close()
}

func TestOutputIsComplete(t *testing.T) {
	var b bytes.Buffer
	end, _, done := NewHost(unlocked{}).Output(pipe.NewPool(1<<20), "", &b)
	var want strings.Builder
	for i := range 3000 {
		line := strings.Repeat(string(rune('a'+i%26)), i%300) + "\n"
		want.WriteString(line)
		send(unlocked{}, end, []byte(line), wait.Out)
	}
	end.Close()
	<-done
	if b.String() != want.String() {
		t.Errorf("%d bytes arrived of %d", b.Len(), want.Len())
	}
}

// broken fails to write.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestOutputFails(t *testing.T) {
	end, _, done := NewHost(unlocked{}).Output(pipe.NewPool(1<<20), "", broken{})
	end.Write([]byte("x"), 0)
	<-done
	if _, e := end.Write([]byte("x"), 0); e != linux.EPIPE {
		t.Errorf("write to a host that takes no more: %v", e)
	}
}

type noJobs struct{}

func (noJobs) SignalGroup(int32, linux.Signal) {}
func (noJobs) Hangup(*tty.TTY, int32, int32)   {}

func TestConsole(t *testing.T) {
	in, typing := io.Pipe()
	var out bytes.Buffer
	term := tty.New(noJobs{}, 0, "tty")
	f, e := term.Open(nil)
	if e != 0 {
		t.Fatal(e)
	}
	c := NewHost(unlocked{}).Attach("", term, in, &out)
	c.Resize(linux.Winsize{Row: 3, Col: 4})
	typing.Write([]byte("hello\r"))
	p := make([]byte, 100)
	n, e := Retry(unlocked{}, f.Queue(), wait.In, func() (int, linux.Errno) { return f.Read(p, 0) })
	if string(p[:n]) != "hello\n" || e != 0 {
		t.Errorf("the guest reads %q, %v", p[:n], e)
	}
	f.Write([]byte("bye\n"), 0)
	c.Flush()
	out.WriteString("log\r\n")
	f.Write([]byte("end\n"), 0)
	c.Close()
	c.Close()
	if out.String() != "hello\r\nbye\r\nlog\r\nend\r\n" {
		t.Errorf("the host sees %q", out.String())
	}
	typing.Close()
}
