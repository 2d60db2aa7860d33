package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// logPatience is how long the end of a container waits for the rest of its log: whoever holds the other end of the pipe
// has ended by then.
const logPatience = 5 * time.Second

// openLog opens the file of --log, if there is one, and gives the end of a pipe that leads to it, and what ends it.
// The sandbox never has the file itself: it could take O_APPEND away, and write over what was logged before. Without
// a file the log goes to standard error.
func (o *runOptions) openLog() (pipe *os.File, end func() error, err error) {
	if o.logFile == "" {
		return nil, func() error { return nil }, nil
	}
	file, err := os.OpenFile(o.logFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("--log: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(file, r)
		r.Close() // a sandbox that goes on writing after an error does not wait
		copied <- err
	}()
	return w, func() error {
		w.Close()
		var err error
		select {
		case err = <-copied:
		case <-time.After(logPatience):
			err = errors.New("somebody still writes")
		}
		if err = errors.Join(err, file.Close()); err != nil {
			err = fmt.Errorf("--log: %w", err)
		}
		return err
	}, nil
}
