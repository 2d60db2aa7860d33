package sandbox

import (
	"encoding/json"
	"fmt"
	"os"

	"vkernel/internal/packet"
	"vkernel/internal/trust"
)

// Spec is what a sandbox loads before it is sealed. Everything in it has been verified by the
// launcher.
type Spec struct {
	Manifest []byte // its exact bytes
	Root     []byte // the list of the root file system
	Mounts   []MountPoint
	First    string // the file that will probably be executed first; empty: the manifest's command

	Memory    uint64 // most bytes of the host's memory
	Processes int    // most at once
	Disk      int64  // most bytes written to the root file system

	Mappings int64  // the host's vm.max_map_count
	NoScan   bool   // do without PAGEMAP_SCAN
	NoMDWE   bool   // do without PR_SET_MDWE
	Zone     string // the name of the host's time zone
	Offset   int    // and its seconds east of Greenwich
}

// MountPoint is where a directory of the host is seen. Its descriptor is VK_MOUNTS and its
// index; where it lies on the host is not the sandbox's business.
type MountPoint struct {
	Target   string
	ReadOnly bool
	NoExec   bool // nothing on it is executed, listed or not
}

// Start is what a loaded sandbox runs.
type Start struct {
	Command, Env  []string
	Dir, Hostname string
	Pool          int // of which to start a copy, instead of a program; see Exec
	Strace        bool
	Network       bool         // the launcher makes connections to outside
	Audit         bool         // decisions about files to be executed are told
	Revoked       trust.Update // what may not be started; later ones are messages
	Note          message      // for the log, before anything that the container prints

	// What the descriptors that come with it are, in this order: the console's socket, or else
	// standard input and output; standard error; the log.
	Console bool
	Stderr  bool // it may lack with a console, which then shows messages
	Log     bool // else the log goes to standard error
	Restore Restored

	Rows, Columns uint16
	Relayed       bool // standard input is asked for before it is sent
}

// streams are what comes with a Start.
type streams struct{ console, in, out, err, log, root, chunks *os.File }

// Restored says what a container begins with.
type Restored string

const (
	Fresh        Restored = ""         // its first process
	FromSnapshot Restored = "snapshot" // what was saved: two descriptors more, with the stream of objects and a socket for chunks
	FromMemory   Restored = "memory"   // what another container was: a descriptor more
)

// split tells the descriptors of a start apart.
func (s *Start) split(files []*os.File) (st streams, err error) {
	var want []**os.File
	if s.Console {
		want = append(want, &st.console)
	} else {
		want = append(want, &st.in, &st.out)
	}
	if s.Stderr {
		want = append(want, &st.err)
	}
	if s.Log {
		want = append(want, &st.log)
	}
	if s.Restore == FromSnapshot {
		want = append(want, &st.root)
	}
	if s.Restore != Fresh {
		want = append(want, &st.chunks)
	}
	if len(files) != len(want) || !s.Console && !s.Stderr {
		return st, fmt.Errorf("%d streams, expected %d", len(files), len(want))
	}
	for i, f := range files {
		*want[i] = f
	}
	return st, nil
}

// maxHandover bounds what is read of a Spec or Start: the list of a large root.
const maxHandover = 1 << 30

// sealedMemory puts v into memory that nobody can change, for a process to read.
func sealedMemory(name string, v any) (*os.File, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return packet.Seal(name, data)
}

// readMemory reads what sealedMemory has written, and closes it.
func readMemory(f *os.File, v any) error {
	data, err := packet.ReadSealed(f, maxHandover)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
