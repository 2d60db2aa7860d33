// Package manifest is the signed list of what a container may execute: its schema, and its
// strict parser.
//
// # Model
//
// A bundle's manifest.json names, by SHA-256, the megabinary, the native code of each
// architecture, every file that may be executed, and the list of the root file system
// (rootfs.json); what each entry point may ask of the kernel; and which entry may start
// which. It is signed as a whole (package signature), over the exact bytes of
// manifest.json. So whoever trusts the keys trusts every byte that can run, and nothing
// else can.
//
// A complete manifest:
//
//	{
//	  "version": 2,
//	  "name": "demo",
//	  "release": 7,
//	  "build": {"vkernel": "0.1", "go": "go1.26.8", "clang": "19.1.7"},
//	  "megabinary": {
//	    "sha256": "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069",
//	    "size": 1431655,
//	    "modules": ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"]
//	  },
//	  "native": [{
//	    "arch": "x86_64", "abi": "vk1", "features": ["x86-64-v2"],
//	    "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
//	    "size": 2220032
//	  }],
//	  "entries": [{
//	    "id": "busybox", "name": "busybox", "module": 0, "export": "_start",
//	    "syscalls": ["clone", "execve", "exit_group", "read", "socket", "write"],
//	    "rules": [{"syscall": "socket", "arg": 0, "allow": [1]}],
//	    "denied": "kill", "starts": ["busybox"], "limits": {"memory": 67108864}
//	  }],
//	  "executables": [
//	    {"sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
//	     "entry": "busybox", "paths": ["/bin/busybox"]},
//	    {"sha256": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
//	     "interpreter": "/bin/sh", "paths": ["/etc/init.d/rcS"]}
//	  ],
//	  "command": ["/bin/sh"],
//	  "rootfs": {
//	    "sha256": "baa5a0964d3320fbc0c6a922140453c8513ea24ab8fd0577034804a967248096",
//	    "size": 40960
//	  }
//	}
//
// and the rootfs.json that belongs to it:
//
//	{
//	  "version": 1,
//	  "files": [
//	    {"path": "/bin", "type": "dir", "mode": "0755"},
//	    {"path": "/bin/busybox", "type": "file", "mode": "0755", "size": 1271808,
//	     "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
//	    {"path": "/bin/sh", "type": "link", "mode": "0777", "target": "busybox"}
//	  ]
//	}
//
// docs/manifest.md says what each field means; docs/manifest.schema.json is the form of
// manifest.json for others' tools.
//
// # Rules
//
// The parser accepts exactly one form: names are case-sensitive, and an unknown name, a
// name given twice, a missing name, trailing bytes, invalid UTF-8, a value out of bounds
// or a reference to nothing is an error that names the field. What is trusted is what
// package trust has checked; parsing comes after. A Manifest is not changed after Parse.
//
// In a list that may be absent, absent and empty differ: absent says nothing, [] says none.
package manifest

import "vkernel/internal/manifest/strictjson"

// Names of the files of a bundle that this package defines.
const (
	File          = "manifest.json"
	SignatureFile = "manifest.json.sig"
	RootFile      = "rootfs.json"
)

// Versions of the two formats. A parser refuses every other.
const (
	Version     = 2 // of manifest.json
	RootVersion = 1 // of rootfs.json
)

// Limits of the formats. They bound what a hostile file can cost before it is refused.
const (
	MaxSize     = 16 << 20  // bytes of manifest.json
	MaxRootSize = 256 << 20 // bytes of rootfs.json
	MaxString   = strictjson.MaxString
	MaxModules  = 4096
	MaxFiles    = strictjson.MaxList // entries of rootfs.json
	MaxPreopens = 64                 // of one entry
	MaxRules    = 1024               // of one entry, of network and of mounts
	maxList     = 1 << 16            // elements of any other list
)

// Manifest is the content of manifest.json.
type Manifest struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	// Release counts up with what is shipped under Name; a trust policy may name the lowest
	// that still runs, so that an old bundle, though signed, cannot be replayed.
	Release     uint64       `json:"release,omitzero"`
	Build       Build        `json:"build"`
	Source      []Source     `json:"source,omitzero"`
	Megabinary  Megabinary   `json:"megabinary"`
	Native      []Native     `json:"native"`
	Entries     []Entry      `json:"entries"`
	Executables []Executable `json:"executables"`
	Command     []string     `json:"command"`
	Rootfs      Blob         `json:"rootfs"`
	Network     []Connection `json:"network,omitzero"` // absent or empty: no connections to outside
	Mounts      []Mount      `json:"mounts,omitzero"`  // absent: anywhere, nothing executable
}

// Build tells what made the bundle. It holds no times, so that equal input gives equal
// bytes.
type Build struct {
	By      string `json:"by,omitempty"` // who built it, for people
	Vkernel string `json:"vkernel"`
	Go      string `json:"go"`
	Clang   string `json:"clang"`
}

// Blob names bytes by their digest.
type Blob struct {
	SHA256 Digest `json:"sha256"`
	Size   uint64 `json:"size"`
}

// Megabinary names megabinary.wasm and the core modules in it, in their order.
type Megabinary struct {
	SHA256  Digest   `json:"sha256"`
	Size    uint64   `json:"size"`
	Modules []Digest `json:"modules"`
}

// Native names the native code for one architecture: megabinary.<arch>.aot.
type Native struct {
	Arch     string   `json:"arch"`     // as uname -m says it: "x86_64"
	ABI      string   `json:"abi"`      // layout.Version of the code
	Features []string `json:"features"` // what the CPU must have: "x86-64-v2"
	SHA256   Digest   `json:"sha256"`
	Size     uint64   `json:"size"`
}

// Executable allows one content to be executed: as the entry point Entry, or, if
// Interpreter is set, as a script that starts with #! and the interpreter's path.
type Executable struct {
	SHA256      Digest   `json:"sha256"`
	Entry       string   `json:"entry,omitempty"`
	Interpreter string   `json:"interpreter,omitempty"`
	Paths       []string `json:"paths"` // where the builder saw it; for people, never consulted
}

// Script reports whether x is a #! script.
func (x *Executable) Script() bool { return x.Interpreter != "" }
