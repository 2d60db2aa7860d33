package wasm

// Implementation limits, those that web engines agreed on. A vector is bounded by the
// bytes that are left as well, since each element takes at least one.
const (
	MaxModule   = 1 << 30 // bytes of a module
	maxTypes    = 1_000_000
	maxParams   = 1000 // and results
	maxFuncs    = 1_000_000
	maxImports  = 100_000
	maxExports  = 1_000_000
	maxGlobals  = 1_000_000
	maxTags     = 1_000_000
	maxTables   = 100_000
	maxMems     = 100_000 // decoded; valid modules have at most one
	maxSegments = 1_000_000
	maxElems    = 10_000_000 // in one segment
	maxBody     = 7_654_321  // bytes of one function
	maxRuns     = 50_000
	maxLocals   = 50_000 // of one function, parameters included

	maxTableMin = 10_000_000 // entries that a table may start with
	maxPages    = 65536      // of memory
	maxDepth    = 50_000     // nesting of blocks
	maxOperands = 1 << 20    // height of the operand stack
)
