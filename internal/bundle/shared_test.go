package bundle

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/manifest"
)

func inode(t *testing.T, f *os.File) string {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Fstat(int(f.Fd()), &st))
	return fmt.Sprint(st.Dev, ":", st.Ino)
}

// ownCode makes a bundle whose native code no other test has.
func ownCode(t *testing.T) (*made, manifest.Blob, string) {
	t.Helper()
	b, content := makeBundle(t), "native code of "+rand.Text()
	blob := b.write(t, NativeFile(Arch), []byte(content))
	b.m.Native[0].SHA256, b.m.Native[0].Size = blob.SHA256, blob.Size
	b.resign(t)
	return b, blob, content
}

// Containers of one digest have one copy of their code, which outlives the launcher that made it.
func TestSharedCode(t *testing.T) {
	b, _, _ := ownCode(t)
	first, err := Open(b.dir, b.key)
	must(t, err)
	one := inode(t, first.Code)
	second, err := Open(b.dir, b.key)
	must(t, err)
	defer second.Close()
	if two := inode(t, second.Code); one != two {
		t.Errorf("two copies: %s and %s", one, two)
	}
	first.Close()
	third, err := Open(b.dir, b.key)
	must(t, err)
	defer third.Close()
	if three := inode(t, third.Code); one != three {
		t.Errorf("two copies, after the first has ended: %s and %s", one, three)
	}
	private, err := OpenWith(b.dir, b.key, Options{PrivateCode: true})
	must(t, err)
	defer private.Close()
	if inode(t, private.Code) == one {
		t.Error("a private copy is the shared one")
	}
	// A changed bundle is refused also if the code could be had.
	b.write(t, NativeFile(Arch), []byte("other code of "+rand.Text()))
	if _, err := Open(b.dir, b.key); err == nil {
		t.Error("a bundle with changed native code was opened")
	}
}

// memory makes a file in memory.
func memory(t *testing.T, content string, seals int) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("offered", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	must(t, err)
	f := os.NewFile(uintptr(fd), "offered")
	t.Cleanup(func() { f.Close() })
	_, err = f.WriteString(content)
	must(t, err)
	_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals)
	must(t, err)
	return f
}

// offerOther listens where a launcher would, and answers each with descriptors.
func offerOther(t *testing.T, want manifest.Digest, reply func(peer int)) (end func()) {
	t.Helper()
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, unix.Bind(s, shareName(want, 0)))
	must(t, unix.Listen(s, 8))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			peer, _, err := unix.Accept4(s, unix.SOCK_CLOEXEC)
			if err != nil {
				return
			}
			reply(peer)
			unix.Close(peer)
		}
	}()
	return func() {
		unix.Shutdown(s, unix.SHUT_RDWR) //nolint:errcheck // it ends accept
		<-ended
		unix.Close(s)
	}
}

func passing(files ...*os.File) func(int) {
	return func(peer int) {
		var fds []int
		for _, f := range files {
			fds = append(fds, int(f.Fd()))
		}
		unix.Sendmsg(peer, []byte{1}, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL) //nolint:errcheck // see the test
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(list)
}

// What only says that it is the code costs a copy, and no descriptor.
func TestOtherOffers(t *testing.T) {
	b, want, content := ownCode(t)
	right := memory(t, content, codeSeals)
	file, err := os.Open(filepath.Join(b.dir, NativeFile(Arch)))
	must(t, err)
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	must(t, err)
	defer null.Close()
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	defer w.Close()
	crowd := make([]*os.File, 200)
	for i := range crowd {
		crowd[i] = right
	}
	offered := map[string]func(int){
		"not sealed":      passing(memory(t, content, 0)),
		"not all seals":   passing(memory(t, content, codeSeals&^unix.F_SEAL_WRITE)),
		"may shrink":      passing(memory(t, content, codeSeals&^unix.F_SEAL_SHRINK)),
		"other bytes":     passing(memory(t, strings.ToUpper(content), codeSeals)),
		"more bytes":      passing(memory(t, content+"x", codeSeals)),
		"nothing in it":   passing(memory(t, "", codeSeals)),
		"a file":          passing(file),
		"a device":        passing(null),
		"a pipe":          passing(r),
		"two descriptors": passing(right, right),
		"200 descriptors": passing(crowd...),
		"no descriptor":   passing(),
		"an end":          func(int) {},
		"silence":         func(int) { time.Sleep(4 * asking * time.Millisecond) },
	}
	for name, reply := range offered {
		end := offerOther(t, want.SHA256, reply)
		before := openFiles(t)
		got, err := Open(b.dir, b.key)
		must(t, err)
		if f := inode(t, got.Code); f == inode(t, right) {
			t.Errorf("%s: it was taken", name)
		}
		text := make([]byte, want.Size)
		if _, err := got.Code.ReadAt(text, 0); err != nil || string(text) != content {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		got.Close()
		end()
		if after := openFiles(t); after >= before {
			t.Errorf("%s: %d open files, then %d without the listener", name, before, after)
		}
	}
	// The test could have been taken in: the right one is taken.
	defer offerOther(t, want.SHA256, passing(right))()
	got, err := Open(b.dir, b.key)
	must(t, err)
	defer got.Close()
	if inode(t, got.Code) != inode(t, right) {
		t.Error("the right one was not taken")
	}
}

// Who asks and takes nothing can have only so many descriptors under way.
func TestHostileAsker(t *testing.T) {
	b, want, _ := ownCode(t)
	got, err := Open(b.dir, b.key)
	must(t, err)
	defer got.Close()
	for n := range offerLost {
		s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		defer unix.Close(s)
		must(t, unix.Connect(s, shareName(want.SHA256, 0)))
		must(t, unix.Shutdown(s, unix.SHUT_WR))
		if !readable(s, 10000) {
			t.Fatalf("asker %d got no answer", n)
		}
	}
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		f, there := ask(want, 0)
		if f != nil {
			f.Close()
		}
		if !there {
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatal("it is still offered")
		}
	}
	again, err := Open(b.dir, b.key) // the name is free, for the next that has a copy
	must(t, err)
	again.Close()
}

// Another user's container of the digest has the same copy.
func TestSharedBetweenUsers(t *testing.T) {
	const as = "SHARED_BUNDLE"
	if dir := os.Getenv(as); dir != "" {
		b, err := open(dir, nil, Options{})
		must(t, err)
		defer b.Close()
		fmt.Println("inode", inode(t, b.Code))
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only root has another user")
	}
	b, _, _ := ownCode(t)
	must(t, os.Chmod(b.dir, 0o755))
	must(t, os.Chmod(filepath.Dir(b.dir), 0o755))
	got, err := Open(b.dir, b.key)
	must(t, err)
	defer got.Close()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestSharedBetweenUsers$")
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), as+"="+b.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		t.Skip("nobody cannot run the test's program: ", err)
	}
	must(t, err)
	if want := "inode " + inode(t, got.Code); !strings.Contains(string(out), want+"\n") {
		t.Errorf("expected %s, the other user has:\n%s", want, out)
	}
}
