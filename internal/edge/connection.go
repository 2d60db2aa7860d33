package edge

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/sock"
	"vkernel/internal/vfs/hostio"
	"vkernel/internal/wait"
)

// chunk is how much is moved at once.
const chunk = 16 << 10

// lingering is how long another host may go on to send what nobody will read: net.ipv4.tcp_fin_timeout.
const lingering = 60 * time.Second

// connection is a TCP connection to another host.
type connection struct {
	far     *sock.Far
	file    *os.File
	outside sync.Locker
}

// carry moves bytes in both directions until both have ended.
func (c *connection) carry() {
	var up sync.WaitGroup
	up.Go(c.send)
	c.receive()
	up.Wait()
	c.file.Close()
	c.outside.Lock()
	defer c.outside.Unlock()
	c.far.Close()
}

// send carries what the container sends, and the end of it.
func (c *connection) send() {
	buf := make([]byte, chunk)
	for {
		n, e := c.try(wait.In, func() (int, linux.Errno) { return c.far.Read(buf) })
		if e != 0 { // closed with something unread: a reset
			c.file.Close()
			return
		}
		if n == 0 {
			break
		}
		if _, err := c.file.Write(buf[:n]); err != nil {
			c.fail(err)
			return
		}
	}
	c.shut()
	c.try(wait.In|wait.Out|wait.Hup|wait.RdHup, func() (int, linux.Errno) {
		if !c.far.Gone() {
			return 0, linux.EAGAIN
		}
		return 0, 0
	})
	c.file.SetReadDeadline(time.Now().Add(lingering)) //nolint:errcheck // closed already, or there is a limit now
}

// shut passes the end on.
func (c *connection) shut() {
	if raw, err := c.file.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_WR) }) //nolint:errcheck // it may have ended
	}
}

// receive carries what comes from outside, and the end of it.
func (c *connection) receive() {
	buf := make([]byte, chunk)
	for {
		n, err := c.file.Read(buf)
		for p := buf[:n]; len(p) > 0; {
			m, e := c.try(wait.Out, func() (int, linux.Errno) { return c.far.Write(p) })
			if e != 0 { // nobody reads
				c.file.Close()
				return
			}
			p = p[m:]
		}
		switch {
		case errors.Is(err, io.EOF):
			c.outside.Lock()
			defer c.outside.Unlock()
			c.far.CloseWrite()
			return
		case err != nil:
			c.fail(err)
			return
		}
	}
}

func (c *connection) try(mask wait.Events, f func() (int, linux.Errno)) (int, linux.Errno) {
	return hostio.Retry(c.outside, c.far.Queue(), mask, f)
}

// fail ends the connection by an error of the host's socket.
func (c *connection) fail(err error) {
	e := linux.ECONNRESET
	var host syscall.Errno
	if errors.As(err, &host) && host == unix.ETIMEDOUT {
		e = linux.ETIMEDOUT
	}
	c.outside.Lock()
	defer c.outside.Unlock()
	c.far.Reset(e)
	c.file.Close()
}
