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

	StackPointer int32   `json:"stack_pointer,omitempty"` // offset from base of the global __stack_pointer, 0 if unknown
	Tables       []Table `json:"tables"`
	MaxFrame     uint32  `json:"max_frame"` // largest native stack frame, bytes
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
