package proc

import (
	"bytes"

	"vkernel/internal/linux"
)

// maxScripts is how many interpreters may be scripts themselves.
const maxScripts = 5

// parseScript reads the #! line of a script: the interpreter, and the one argument that
// the rest of the line is. ENOEXEC if there is none, or it does not fit.
func parseScript(head []byte) (interpreter, arg string, hasArg bool, e linux.Errno) {
	line, ok := bytes.CutPrefix(head, []byte("#!"))
	if !ok {
		return "", "", false, linux.ENOEXEC
	}
	whole := false
	if i := bytes.IndexAny(line, "\n\x00"); i >= 0 {
		line, whole = line[:i], true
	} else if len(head) < headSize {
		whole = true
	}
	line = bytes.Trim(line, " \t")
	name := line
	if i := bytes.IndexAny(line, " \t"); i >= 0 {
		name = line[:i]
		arg, hasArg = string(bytes.TrimLeft(line[i:], " \t")), true
	} else if !whole {
		return "", "", false, linux.ENOEXEC // the interpreter's name may go on
	}
	if len(name) == 0 {
		return "", "", false, linux.ENOEXEC
	}
	return string(name), arg, hasArg, 0
}
