package layout

// MetaSection is the ELF section of a .aot file that holds its Meta, as JSON.
const MetaSection = ".vk.meta"

// Meta describes the native code of a megabinary. Code offsets count from the start of
// the text segment (symbol vk_text); image offsets are file offsets, page-aligned.
type Meta struct {
	Version  string    `json:"version"` // Version
	Enter    uint32    `json:"enter"`   // code offset of vk_enter, where an activation starts
	Programs []Program `json:"programs"`
}

// Program is one core module of the megabinary.
type Program struct {
	Name    string   `json:"name"`
	Module  string   `json:"module"` // hex SHA-256 of the wasm module
	Types   []string `json:"types"`  // signature of type id i+1, for example "ii:l" (see Signature)
	Imports []Import `json:"imports"`
	Exports []Export `json:"exports"`
	// Start is the code offset of the start function's thunk, 0 if there is none or if it
	// ran at build time.
	Start uint32 `json:"start,omitempty"`

	AreaSize uint32 `json:"area_size"` // bytes of the instance area, a multiple of 4096
	AreaFile uint64 `json:"area_file"` // file offset of its image

	Memory Memory `json:"memory"`

	StackPointer int32         `json:"stack_pointer,omitempty"` // offset from base of the global __stack_pointer, 0 if unknown
	Tables       []Table       `json:"tables"`
	Elems        []ElemSegment `json:"elems,omitempty"`
	Data         []DataSegment `json:"data,omitempty"`
	MaxFrame     uint32        `json:"max_frame"` // largest native stack frame, bytes

	Code    [][2]uint32 `json:"code"`           // its functions lie in these ranges of code offsets, and no others
	Globals uint32      `json:"globals"`        // 16 bytes each, down from the control page
	Refs    []Ref       `json:"refs,omitempty"` // all function references that there can be
}

// Ref is a function reference: code offset and type id. Nothing else gets into a table of
// functions.
type Ref struct {
	Code uint32 `json:"code"`
	Type uint32 `json:"type"`
}

// ElemSegment is an element segment: Count entries at Offset from base; the u32 at SizeOffset
// is Count, or 0 once it is dropped. Count is 0 for one that is not passive.
type ElemSegment struct {
	Offset     int32  `json:"offset"`
	SizeOffset int32  `json:"size_offset"`
	Count      uint32 `json:"count"`
}

// DataSegment is a data segment: Size bytes at File in the file; otherwise like ElemSegment.
type DataSegment struct {
	SizeOffset int32  `json:"size_offset"`
	File       uint64 `json:"file"`
	Size       uint32 `json:"size"`
}

// Memory is a program's linear memory. Image bytes [ImageStart, ImageStart+ImageSize) are
// at ImageFile in the file; both are multiples of 4096; the rest of the memory is zero.
type Memory struct {
	Min        uint32 `json:"min"` // WebAssembly pages of 64 KiB
	Max        uint32 `json:"max"` // 65536 if the module sets no limit
	Shared     bool   `json:"shared,omitempty"`
	NullGuard  uint32 `json:"null_guard,omitempty"` // bytes from 0 that hold nothing and stay unmapped, so that null pointers fault
	ImageStart uint32 `json:"image_start"`
	ImageSize  uint32 `json:"image_size"`
	ImageFile  uint64 `json:"image_file"`
}

// Table is a function table in the instance area: Cap entries of 8 bytes at Offset (from
// base, negative); the current length is the u32 at SizeOffset.
type Table struct {
	Offset     int32  `json:"offset"`
	SizeOffset int32  `json:"size_offset"`
	Cap        uint32 `json:"cap"`
	Extern     bool   `json:"extern,omitempty"` // its entries are not functions
}

// Import is one imported function; its index is its place in the list.
type Import struct {
	Module string `json:"module"`
	Name   string `json:"name"`
	Type   string `json:"type"`
}

// Export is one exported function. Thunk takes its arguments from Args and leaves its
// results in Results.
type Export struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Thunk uint32 `json:"thunk"`
}
