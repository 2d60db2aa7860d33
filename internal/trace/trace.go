// Package trace shows what guests do, as strace does: a line for each system call, signal
// and end of a process.
//
// # Model
//
// Around puts a tracing handler before each handler of a program, so that without a trace
// nothing is paid. How an argument is shown follows from its kind in the tables of packages
// syscalls and wasi; here is one function for each kind. Arguments are read before the call, those
// that the call fills in after it; a line appears when the call has returned:
//
//	openat(AT_FDCWD, "x", O_RDONLY|O_CLOEXEC) = 3
//	read(3, "abc\n", 4096) = 4
//	access("/nowhere", F_OK) = -1 ENOENT (No such file or directory)
//	--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=2} ---
//	+++ exited with 0 +++
//
// Where the lines go is the Sink's: a Writer, or a Recorder for tests, whose text is the
// golden file.
package trace

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// Sink takes the lines. It is called by many goroutines.
type Sink interface {
	Line(pid int, text string)
}

// Around makes the handlers of a program trace its calls (imports.Options). kinds are those
// of the call's arguments: a word for each, kind, kind@index of the first word it needs, or
// =text.
func Around(s Sink) func(call, kinds string, h proc.Handler) proc.Handler {
	return func(call, kinds string, h proc.Handler) proc.Handler {
		shown := parseKinds(kinds)
		noReturn := call == "exit" || call == "exit_group"
		return func(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
			pid := t.TID()
			args := make([]string, len(shown))
			show(args, shown, before, &view{t: t, a: a})
			n, e := h(t, a)
			result := resultText(n, e)
			if noReturn {
				result = "?"
			}
			show(args, shown, after, &view{t: t, a: a, n: n, e: e})
			s.Line(pid, call+"("+strings.Join(meant(args, shown, &a), ", ")+") = "+result)
			return n, e
		}
	}
}

// argument is how one argument of a call is shown.
type argument struct {
	kind  string // empty: text
	index int
	text  string
}

func parseKinds(kinds string) []argument {
	var list []argument
	for i, word := range strings.Fields(kinds) {
		if text, ok := strings.CutPrefix(word, "="); ok {
			list = append(list, argument{text: text})
			continue
		}
		kind, at, ok := strings.Cut(word, "@")
		if ok {
			i, _ = strconv.Atoi(at)
		}
		list = append(list, argument{kind: kind, index: i})
	}
	return list
}

// meant drops the mode of an open that makes no file.
func meant(args []string, shown []argument, a *proc.Args) []string {
	n := len(shown)
	if n >= 2 && shown[n-2].kind == "wasiopen" && !strings.Contains(args[n-2], "O_CREAT") {
		return args[:n-1]
	}
	if n >= 2 && shown[n-1].kind == "mode" && shown[n-2].kind == "oflags" && a.Uint(n-2)&(linux.O_CREAT|linux.O_TMPFILE&^linux.O_DIRECTORY) == 0 {
		return args[:n-1]
	}
	return args
}

// show fills in the arguments whose kind is in the table.
func show(args []string, shown []argument, table map[string]formatter, v *view) {
	for i, k := range shown {
		if f, ok := table[k.kind]; ok {
			args[i] = f(v, k.index)
		} else if k.kind == "" {
			args[i] = k.text
		}
	}
}

func resultText(n int64, e linux.Errno) string {
	switch {
	case e >= proc.ERESTARTSYS:
		return "? (interrupted)"
	case e != 0:
		text := e.Error()
		return fmt.Sprintf("-1 %s (%s)", e.Name(), strings.ToUpper(text[:1])+text[1:])
	case n > 0xffffff:
		return fmt.Sprintf("%#x", n)
	}
	return fmt.Sprint(n)
}

// Observer shows signals and ends of processes.
type Observer struct{ Sink }

// Signal shows a signal that is about to be acted on.
func (o Observer) Signal(t *proc.Thread, i *linux.SigInfo) {
	sig := linux.Signal(i.Signo)
	text := fmt.Sprintf("--- %v {si_signo=%v, si_code=%s", sig, sig, codeName(sig, i.Code))
	switch {
	case i.Code <= 0 || sig == linux.SIGCHLD:
		text += fmt.Sprintf(", si_pid=%d, si_uid=%d", i.PID(), i.UID())
	case i.Code < linux.SI_KERNEL:
		text += fmt.Sprintf(", si_addr=%#x", i.Fields[0])
	}
	o.Line(t.TID(), text+"} ---")
}

// Exit shows the end of a process.
func (o Observer) Exit(p *proc.Process, status int) {
	if sig := status & 0x7f; sig != 0 {
		o.Line(p.PID(), fmt.Sprintf("+++ killed by %v +++", linux.Signal(sig)))
		return
	}
	o.Line(p.PID(), fmt.Sprintf("+++ exited with %d +++", status>>8&0xff))
}

// writer is a Sink that writes lines.
type writer struct {
	mu sync.Mutex
	w  io.Writer // guarded by mu
}

// Writer makes a Sink that writes each line to w, with the process's id before it.
func Writer(w io.Writer) Sink { return &writer{w: w} }

func (w *writer) Line(pid int, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.w, "[%d] %s\n", pid, text)
}

// Recorder is a Sink that keeps the lines. The zero value is ready.
type Recorder struct {
	mu sync.Mutex

	// guarded by mu
	lines []string
}

// Line keeps a line.
func (r *Recorder) Line(pid int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf("[%d] %s", pid, text))
}

// Lines gives the lines so far.
func (r *Recorder) Lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.lines...)
}
