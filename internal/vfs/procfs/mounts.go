package procfs

import (
	"fmt"
	"strings"

	"vkernel/internal/vfs"
)

// options prints the flags of a mount.
func options(m *vfs.Mount) string {
	s := "rw"
	if m.Flags&vfs.ReadOnly != 0 {
		s = "ro"
	}
	for _, o := range []struct {
		flag vfs.MountFlags
		name string
	}{{vfs.NoSUID, "nosuid"}, {vfs.NoDev, "nodev"}, {vfs.NoExec, "noexec"}} {
		if m.Flags&o.flag != 0 {
			s += "," + o.name
		}
	}
	return s + ",relatime"
}

// octal escapes what would end a field.
var octal = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)

func mounts(r *request) []byte {
	var b strings.Builder
	for _, m := range r.fs.ns.Mounts() {
		fmt.Fprintf(&b, "%s %s %s %s 0 0\n", octal.Replace(m.Source), octal.Replace(r.proc.FS().PathString(m.Root())),
			m.FS.Type(), options(m))
	}
	return []byte(b.String())
}

func mountinfo(r *request) []byte {
	var b strings.Builder
	for _, m := range r.fs.ns.Mounts() {
		st, _ := m.Root().Node().Stat()
		parent := 0
		if p := m.Parent(); p != nil {
			parent = p.ID
		}
		fmt.Fprintf(&b, "%d %d %d:%d / %s %s - %s %s %s\n", m.ID, parent, st.Dev>>8, st.Dev&0xff,
			octal.Replace(r.proc.FS().PathString(m.Root())), options(m), m.FS.Type(), octal.Replace(m.Source), options(m))
	}
	return []byte(b.String())
}
