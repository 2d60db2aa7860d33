package procfs

import (
	"math"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
)

// Types are what this package saves. What the files tell is the System's, which is an external or an object of
// who implements it.
var Types = []state.Type{state.Of[FS](1), state.Of[textFile](1), state.Of[dirFile](1)}

// Kinds by the names under which nodes are saved, and back. They are filled once, by init, and never change
// after it.
var (
	byName = map[string]*kind{}
	nameOf = map[*kind]string{}
)

// nameAll names all kinds: rows by their path, the others by what they are.
func nameAll() {
	for name, k := range map[string]*kind{
		"/": rootKind, "PID": pidKind, "PID/task/TID": taskDirKind, "PID/fd/N": linkFD, "PID/fdinfo/N": infoFD,
	} {
		byName[name], nameOf[k] = k, name
	}
	nameRows("", rootKind.rows)
	nameRows("PID", pidKind.rows) // those of threads are among them
}

func nameRows(dir string, rows []*kind) {
	for _, k := range rows {
		name := dir + "/" + k.name
		byName[name], nameOf[k] = k, name
		nameRows(name, k.rows)
	}
}

// StateType names the type.
func (*FS) StateType() string { return "procfs.FS" }

// SaveState writes the file system. The text that open files keep is counted again.
func (fs *FS) SaveState(e *state.Encoder) {
	state.RefAny(e, fs.sys)
	e.Uint(fs.dev)
	state.Ref(e, fs.ns)
	state.Ref(e, fs.root)
	e.Int(fs.boot.Sec)
	e.Int(fs.boot.Nsec)
	e.Raw(fs.id[:])
}

// LoadState reads it. Files may be there already, and counted.
func (fs *FS) LoadState(d *state.Decoder) {
	fs.sys = state.Need[System](d)
	fs.dev = d.Uint(math.MaxUint64)
	fs.ns = state.Need[*vfs.Namespace](d)
	fs.root = state.Need[*vfs.Entry](d)
	fs.boot = linux.Timespec{Sec: d.Int(math.MinInt64, math.MaxInt64), Nsec: d.Int(0, 999_999_999)}
	copy(fs.id[:], d.Raw(len(fs.id)))
}

// Maker is the node's file system.
func (n node) Maker() vfs.NodeMaker { return n.fs }

// SaveState writes the node; who refers to it has written the file system.
func (n node) SaveState(e *state.Encoder) {
	e.String(nameOf[n.kind])
	e.Uint(uint64(n.pid))
	e.Uint(uint64(n.tid))
	e.Uint(uint64(n.num))
}

// LoadState reads it.
func (n *node) LoadState(d *state.Decoder) {
	name := d.String()
	n.pid, n.tid, n.num = int(d.Uint(math.MaxInt32)), int(d.Uint(math.MaxInt32)), int(d.Uint(math.MaxInt32))
	if n.kind = byName[name]; n.kind == nil {
		d.Failf("%.100q: no file of /proc", name)
		n.kind = rootKind
	}
}

// LoadNode reads a node of the file system, which may itself not be loaded yet.
func (fs *FS) LoadNode(d *state.Decoder) vfs.Node {
	n := node{fs: fs}
	n.LoadState(d)
	return n.wrap()
}

// StateType names the type.
func (*textFile) StateType() string { return "procfs.textFile" }

// SaveState writes the open file with its text.
func (f *textFile) SaveState(e *state.Encoder) {
	state.Ref(e, f.node.fs)
	f.node.SaveState(e)
	state.Ref(e, f.c)
	e.Bool(f.made)
	e.Bytes(f.text)
}

// LoadState reads it.
func (f *textFile) LoadState(d *state.Decoder) {
	f.node.fs = state.Need[*FS](d)
	f.node.LoadState(d)
	if f.node.kind.text == nil {
		d.Failf("%s has no text", nameOf[f.node.kind])
	}
	f.c = state.Get[*vfs.Context](d)
	f.made = d.Bool()
	f.text = d.Bytes()
	if !d.Failed() {
		f.node.fs.kept.Add(int64(cap(f.text)))
	}
}

// StateType names the type.
func (*dirFile) StateType() string { return "procfs.dirFile" }

// SaveState writes the open directory.
func (f *dirFile) SaveState(e *state.Encoder) {
	state.Ref(e, f.dir.node.fs)
	f.dir.node.SaveState(e)
}

// LoadState reads it.
func (f *dirFile) LoadState(d *state.Decoder) {
	f.dir.node.fs = state.Need[*FS](d)
	f.dir.node.LoadState(d)
	if f.dir.node.kind.mode&linux.S_IFMT != linux.S_IFDIR {
		d.Failf("%s is no directory", nameOf[f.dir.node.kind])
	}
}
