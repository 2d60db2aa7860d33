package aot

// compileFlags are clang's for emitted C. Each has its reason; most are needed for
// WebAssembly's semantics or for the rules of package layout, not for taste. Emitted C is
// careful itself: arithmetic is unsigned, loops are gotos, shifts are masked. So
// -fno-finite-loops, -fwrapv and -fno-delete-null-pointer-checks are a second line.
var compileFlags = []string{
	"-std=gnu17", "-w",
	"-O2",
	"--target=x86_64-linux-gnu",
	"-march=x86-64-v2",                  // SSE4.1 rounding, popcnt; what every host of the last decade has
	"-ffreestanding",                    // no library stands behind the code
	"-fno-builtin",                      // a loop must not become a call of memset, least of all through GS
	"-nostdinc",                         // only our headers
	"-fPIC",                             // text is mapped anywhere: no absolute addresses
	"-fvisibility=hidden",               // no function can be replaced: direct calls
	"-fno-finite-loops",                 // a loop without effects still does not end
	"-fwrapv",                           // arithmetic wraps, addresses too
	"-fno-strict-aliasing",              // memory is bytes
	"-fno-delete-null-pointer-checks",   // address 0 is valid memory
	"-fno-math-errno",                   // sqrt is one instruction
	"-ffp-contract=off",                 // no fused multiply-add: results are exact
	"-fcf-protection=none",              // no endbr64: indirect calls go only to table entries
	"-fomit-frame-pointer",              // a frame must hold no address of the stack
	"-fno-stack-protector",              // return addresses are out of the guest's reach; no TLS here
	"-fno-asynchronous-unwind-tables",   // nothing unwinds
	"-fno-unwind-tables",                //
	"-mno-red-zone",                     // whatever interrupts a guest may use its stack at once
	"-fno-stack-clash-protection",       // the guard is larger than any frame; it would copy RSP
	"-fno-ident", "-fno-addrsig", "-Qn", // nothing in the object that depends on the builder
	"-mllvm", "-trap-unreachable", // no function ends with a call, not even one that never returns
	"-mllvm", "-tail-dup-indirect-size=60", // an interpreter's jump is copied to the ends of its operations,
	"-mllvm", "-tail-dup-pred-size=256", "-mllvm", "-tail-dup-succ-size=256", // however many they are
	"-mllvm", "-x86-cmov-converter=0", // a select stays one: the program's compiler chose it over a branch
	"-fstack-size-section", // frame sizes, for Program.MaxFrame
	"-ferror-limit=5",
}

// linkFlags are lld's. The output is static and has no dynamic section: objects are checked
// to hold no absolute relocation, so it can be mapped at any address.
var linkFlags = []string{
	"-static", "--entry=0", "--image-base=0x10000",
	"-z", "separate-code", // text begins on a page of its own
	"-z", "max-page-size=4096", "-z", "common-page-size=4096",
	"-z", "noexecstack", "-z", "norelro", "-z", "nognustack",
	"-z", "text", "-z", "defs",
	"--build-id=none", "--hash-style=sysv",
	"--no-eh-frame-hdr", "--orphan-handling=place",
	"--fatal-warnings",
}

// Limits of one compiler or linker process. All compilers that run at a time get no more
// memory than the machine has, but each gets the least: a hostile module is to end its
// compiler, not the machine's other work.
const (
	cpuSeconds  = 1200
	memoryKiB   = 12 << 20
	leastMemory = 2 << 20 // KiB

	// All compilers of a module together: real ones need 10 to 40 s a megabyte.
	leastSeconds   = 300
	bytesPerSecond = 2 << 10
)
