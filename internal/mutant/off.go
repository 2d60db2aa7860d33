//go:build !mutate

package mutant

// Off says whether the named check is switched off: never, in this build.
func Off(string) bool { return false }

// Compiled says whether this build can switch checks off.
const Compiled = false
