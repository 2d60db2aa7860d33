package sandbox

import (
	"bytes"
	"io"
	"log/slog"
)

// newLog is where the kernel writes what its users should know: why a file was not executed,
// which limit was met. With a terminal the lines go between the container's, as a kernel's
// messages do on a console. A file gets more, and the time of each line.
func newLog(w io.Writer, file bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if !file {
		options.Level = slog.LevelWarn
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{} // whoever looks at a terminal knows the time
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// crlf ends lines so that a terminal in raw mode starts the next one at its left edge.
type crlf struct {
	w     io.Writer
	flush func() // writes what the container has shown before, if not nil
}

func (c *crlf) Write(p []byte) (int, error) {
	if c.flush != nil {
		c.flush()
	}
	if _, err := c.w.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}
