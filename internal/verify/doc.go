// Package verify proves that native code stays where it may be: the compiler is not trusted.
// docs/verifier.md says exactly what is proven, under which assumptions, and the machine model.
//
// # Model
//
//	decode.go opcode.go group.go operand.go vector.go   bytes to inst: an allowlist, all else is refused;
//	common.go                                            what is most frequent, by a short way
//	value.go state.go                                    what is known of registers and of the frame
//	step.go pointer.go memory.go branch.go               what an instruction does to that, and whether it may
//	quick.go                                             the same for what is most frequent, by a short way
//	control.go setjmp.go                                 calls, jumps, returns
//	walk.go order.go loop.go hub.go                      a function: until nothing changes any more
//	verify.go area.go stubs.go elf.go                    a file: symbols, metadata, the trusted stubs
//	known.go                                             the digests that were verified
//
// # Rules
//
// Nothing that the file says of itself is believed. A state says less than is true, never more;
// an instruction that a state does not allow is refused at once, as states only lose precision.
// Time is bounded by steps in proportion to the size. A Text, and what it was made from, is not
// changed while it is verified; calls do not share anything.
package verify
