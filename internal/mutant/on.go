//go:build mutate

package mutant

import (
	"os"
	"strings"
)

// Compiled says whether this build can switch checks off.
const Compiled = true

// variable names the checks that are off in this process.
const variable = "VKERNEL_MUTANT"

// off is read once, before main.
var off = parse(os.Getenv(variable))

func parse(list string) map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Split(list, ",") {
		if name != "" {
			set[name] = true
		}
	}
	return set
}

// Off says whether the named check is switched off.
func Off(name string) bool { return off[name] }

// Env is what a process has to give to one that it starts with another environment.
func Env() []string { return []string{variable + "=" + os.Getenv(variable)} }
