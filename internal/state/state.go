// Package state is how objects of the kernel become bytes, and bytes become objects: the shape of
// every Save and Load.
//
// # Model
//
// What is saved is a graph. An Object is a node that others point to: a process, a pipe, an open
// description. Each is written once and has a number; a reference is that number, 0 for nil. What
// belongs to one object only (a path, a queue of signals) is written in line, by methods of the same
// names, and has no number.
//
// Saving begins at one object, the root. Ref gives the object that it is called with the next number
// and has it saved later, so no object is saved inside another and depth costs nothing. Loading makes
// all objects empty first, then has each read what it wrote; a reference is a pointer at once, to an
// object that may still be empty. What has to look into other objects is put off: with Complete if the object needs it to be whole (an index
// by names that other objects have), with After if it uses others, which are whole by then. Each runs
// in the order in which it was asked for.
//
// Some objects are not saved, because they are the host's or are made anew from the same configuration: a program
// of the mapped code, the root file system, a console. They are externals: both sides agree on a name for
// them, and a reference to one is a reference to that name. Externals have to be named before
// anything refers to them.
//
// # How an object takes part
//
//	func (*Pipe) StateType() string { return "pipe.Pipe" }
//
//	func (p *Pipe) SaveState(e *state.Encoder) {
//		e.Uint(uint64(p.capacity))
//		state.Ref(e, p.pool)
//	}
//
//	func (p *Pipe) LoadState(d *state.Decoder) {
//		p.capacity = int(d.Uint(maxCapacity))
//		p.pool = state.Get[*Pool](d)
//	}
//
//	// Types are what this package saves.
//	var Types = []state.Type{state.Of[Pipe](1)}
//
// The methods stand in the file of the object, or beside it in state.go of its package, and are
// explicit: a test (package snapshot) walks all types that a Kernel reaches, and fails for a type that has no
// such methods and for a field that they do not name, unless the list of exceptions says why.
//
// # What is not in the bytes
//
//   - Goroutines. A thread is its fields: one that is started after loading goes on from them.
//   - Wait queues. They are empty at a cut: who slept in one has left it, and comes again because its
//     call is done again. A Queue is left as its zero value.
//   - Timers. The moment at which one ends is saved with Deadline, as the time that is left; whoever owns it
//     arms it again in After.
//   - Locks. A cut is made while no thread runs and nothing from outside comes in (proc.Table.Freeze), so
//     nobody holds one. SaveState takes none; LoadState works on objects that nobody else knows.
//   - Closures, channels, and caches that are filled again.
//
// # Time
//
// Monotonic moments are written relative to the cut (Deadline) and read relative to the moment of
// loading, so a clock that is measured from one of them goes on without a jump. Wall times are written as they are.
//
// # Format
//
// See docs/snapshot.md. Every number is a varint of the shortest form, every length is bounded by the bytes
// that are left, each object has to read exactly what it wrote, and what is read as a number is given its
// largest value by who reads it. So of one graph there is one form, and hostile bytes give
// an error: they cannot make the decoder allocate more than a small multiple of their length.
// The first error stops everything: all later reads give zero values, and nothing of After runs.
package state

// Object is a node of the graph that is saved. All implementations are pointers.
type Object interface {
	// StateType names the type in what is saved. It never changes.
	StateType() string
	// SaveState writes the object.
	SaveState(e *Encoder)
	// LoadState reads it into an empty one.
	LoadState(d *Decoder)
}

// Type is a type of objects that can be loaded.
type Type struct {
	Name string
	// Version of what SaveState writes. Loading refuses every other.
	Version uint32
	// New makes an empty object.
	New func() Object
}

// Of describes the type T, whose pointers are objects.
func Of[T any, P interface {
	*T
	Object
}](version uint32,
) Type {
	return Type{P(new(T)).StateType(), version, func() Object { return P(new(T)) }}
}

// magic begins each stream.
const magic = "vkstate1"

// Chunk is a content that is kept beside the stream, under its digest.
type Chunk [32]byte

// Sink takes the contents of chunks.
type Sink interface {
	// Put keeps a content, and gives its name. It does not hold on to b.
	Put(b []byte) (Chunk, error)
}

// Source gives them back.
type Source interface {
	// Get gives the content of a name: size bytes.
	Get(c Chunk, size int) ([]byte, error)
}

// Placed is a Source whose contents lie in a file that nobody can change any more, so that they can be mapped.
type Placed interface {
	Source
	// Place gives where a content begins: a descriptor, which is the source's, and an offset. It reports false for one that has to be got.
	Place(c Chunk, size int) (fd int, offset int64, ok bool)
}

// Chunks is both.
type Chunks interface {
	Sink
	Source
}

// maxChunk bounds the content of a chunk.
const maxChunk = 1 << 20
