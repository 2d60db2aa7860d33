//go:build !mutate

package mutant

// Off says whether the named check is switched off: never, in this build.
func Off(string) bool { return false }

// Compiled says whether this build can switch checks off.
const Compiled = false

// Env is what a process has to give to one that it starts with another environment: nothing.
func Env() []string { return nil }
