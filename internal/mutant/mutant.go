// Package mutant lets single security checks be switched off, so that the conformance
// suite (test/conformance) can be shown to fail when one is missing.
//
// Model: a check that the suite must notice reads
//
//	if !mutant.Off("exec.hash") && !listed { return EACCES }
//
// and has a name, "area.check", that stands in this one place. In normal builds Off is
// the constant false: the compiler drops the call, and no name or variable is in the
// binary. Only a build with the tag mutate can switch checks off: it reads the names,
// separated by commas, from the environment variable VKERNEL_MUTANT when the process
// starts, never later.
//
// Rules: one name for one check; Off stands where the check is made, not around what
// follows from it; names are string literals, so that `make mutation` finds them all in
// the sources. Nothing is locked: the set never changes.
package mutant
