package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"vkernel/internal/packet"
	"vkernel/internal/sandbox"
)

// maxSave bounds a sandbox.SaveArgument: the digests of an old snapshot.
const maxSave = 256 << 20

// save has the container save itself. It ends when that is done, or the client has gone.
func (c *Call) save() {
	if len(c.files) != 2 {
		c.fail(errors.New("a request to save has two descriptors: what, and where to"))
		return
	}
	memory, to := c.files[0], c.files[1]
	c.files = c.files[1:]
	var a sandbox.SaveArgument
	data, err := packet.ReadSealed(memory, maxSave)
	if err == nil {
		err = strict(data, &a)
	}
	if err == nil && !sandbox.Plain(to) {
		err = errors.New("it can be saved into a pipe or memory")
	}
	if err != nil {
		c.fail(err)
		return
	}
	ctx, leave := context.WithCancel(c.server.ctx)
	defer leave()
	go func() {
		defer leave()
		_, files, _ := c.conn.Receive() // nothing comes: this is its end
		packet.CloseAll(files)
	}()
	c.server.cut.Lock()
	saved, err := c.server.config.Container.Save(ctx, a, to)
	c.server.cut.Unlock()
	if err != nil {
		c.fail(err)
		return
	}
	c.result(saved)
}

// Save has the container save itself into a pipe (sandbox.ReadRecords reads it) or, with a.Memory, into memory. The caller keeps the
// descriptor, and closes its own end of a pipe when sent has been called.
func (c *Client) save(ctx context.Context, a sandbox.SaveArgument, to *os.File, sent func()) (saved sandbox.Saved, err error) {
	data, err := json.Marshal(&a)
	if err != nil {
		return saved, err
	}
	memory, err := packet.Seal("save", data)
	if err != nil {
		return saved, err
	}
	defer memory.Close()
	conn, err := c.call("save", nil, memory, to)
	if err != nil {
		return saved, err
	}
	defer conn.Close()
	sent()
	return saved, c.await(ctx, conn, &saved)
}

// Save saves the container into memory or a file, in the form of a.
func (c *Client) Save(ctx context.Context, a sandbox.SaveArgument, to *os.File) (sandbox.Saved, error) {
	return c.save(ctx, a, to, func() {})
}

// Records saves the container and gives each record to do. It holds no more than most bytes, whatever the container sends.
func (c *Client) Records(ctx context.Context, known []byte, most int64, do func(sandbox.Record) error) (sandbox.Saved, error) {
	from, to, err := os.Pipe()
	if err != nil {
		return sandbox.Saved{}, err
	}
	defer from.Close()
	growPipe(to)
	type result struct {
		saved sandbox.Saved
		err   error
	}
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	ended := make(chan result, 1)
	go func() {
		defer to.Close()
		saved, err := c.save(ctx, sandbox.SaveArgument{Known: known}, to, func() { to.Close() })
		ended <- result{saved, err}
	}()
	read := sandbox.ReadRecords(from, most, do)
	if read != nil {
		from.Close() // the sandbox's writes fail, and it goes on
	}
	r := <-ended
	if r.err != nil {
		return r.saved, r.err // which is why the records end early, if they do
	}
	if read != nil {
		return r.saved, fmt.Errorf("%s: %w", c.name, read)
	}
	return r.saved, nil
}

// growPipe makes a pipe as large as a user may, so that a container that is being saved waits less.
func growPipe(f *os.File) {
	unix.FcntlInt(f.Fd(), unix.F_SETPIPE_SZ, 1<<20) //nolint:errcheck // a smaller one works
}
