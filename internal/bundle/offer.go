package bundle

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/manifest"
)

// What strangers may cost a launcher that offers its code. A descriptor that was sent and not yet
// received counts for the sender, whom Linux lets have only so many.
const (
	offerBacklog = 16  // of connections that wait; others get a refusal at once
	offerRate    = 200 // answers in a second
	offerLost    = 8   // answers that nobody took: then the offer ends
	offerWait    = 50  // ms for an answer to be taken
)

// offer passes f to whoever asks for the digest, until the function that it gives is called. Where it
// cannot, it does not.
func offer(digest manifest.Digest, f *os.File) (end func()) {
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return func() {}
	}
	for n := range offers {
		if err = unix.Bind(s, shareName(digest, n)); err == nil {
			break
		}
	}
	if err != nil || unix.Listen(s, offerBacklog) != nil {
		unix.Close(s)
		return func() {}
	}
	listener := os.NewFile(uintptr(s), "offer of native code")
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		defer listener.Close()
		answerAll(listener, int(f.Fd()), stop)
	})
	return func() {
		close(stop)
		listener.Close()
		done.Wait() // before the descriptor is closed, and its number another's
	}
}

// answerAll answers until the listener is closed, or too many have not taken their answer.
func answerAll(listener *os.File, code int, stop <-chan struct{}) {
	raw, err := listener.SyscallConn()
	if err != nil {
		return
	}
	second, answered := time.Now(), 0
	for lost := 0; lost < offerLost; {
		var peer int
		var got error
		err := raw.Read(func(fd uintptr) bool {
			peer, _, got = unix.Accept4(int(fd), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
			return got != unix.EAGAIN
		})
		if err != nil {
			return
		}
		switch got {
		case nil:
		case unix.ECONNABORTED, unix.EINTR:
			continue
		default:
			return // no descriptors, or no memory: others need them more
		}
		if !answer(peer, code) {
			lost++
		}
		unix.Close(peer)
		if answered++; answered < offerRate {
			continue
		}
		select {
		case <-stop:
			return
		case <-time.After(time.Until(second.Add(time.Second))):
		}
		second, answered = time.Now(), 0
	}
}

// answer sends the code, and tells whether it is no longer under way: the other side takes it and closes.
func answer(peer, code int) bool {
	if unix.Sendmsg(peer, []byte{1}, unix.UnixRights(code), nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT) != nil {
		return true
	}
	readable(peer, offerWait)
	left, err := unix.IoctlGetInt(peer, unix.SIOCOUTQ) // who has only said that there is nothing to come has taken nothing
	return err == nil && left == 0
}
