package sandbox

// #include "enter.h"
import "C"

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Word is the first argument of a sandbox process: the constructor in enter.c looks for it.
const word = "sandbox-process"

// probe is that of a process that only asks whether the host lets it make its root empty.
const probe = "sandbox-probe"

// Entered tells whether the constructor has made this process a sandbox. Then Main is all
// that the program does.
func Entered() bool { return C.vk_entered.entered != 0 }

// Descriptors of a sandbox process.
const (
	fdControl = C.VK_CONTROL
	fdRoot    = C.VK_ROOT
	fdPagemap = C.VK_PAGEMAP
	fdStatus  = C.VK_STATUS
	fdMounts  = C.VK_MOUNTS
)

// What a launcher asks the constructor for.
const (
	wantEmptyRoot = C.VK_EMPTY_ROOT
	wantOwnMounts = C.VK_OWN_MOUNTS
	wantLandlock  = C.VK_LANDLOCK
	wantFileCaps  = C.VK_KEEP_FILE_CAPS
)

// Confinements are what holds a sandbox process. Without seccomp and no_new_privs there is
// none.
type Confinements struct {
	Namespaces bool // user, pid, network, ipc, uts and mount: set by the launcher, which made them
	EmptyRoot  bool // its root directory is empty, without procfs
	OwnMounts  bool // above the directories that it was given is nothing
	Landlock   int  // version of the interface, 0: none
	MDWE       bool // the host refuses to make memory executable, beside seccomp
	Scan       bool // dirty pages are found by PAGEMAP_SCAN

	RootErrno, MountsErrno, LandlockErrno unix.Errno // why not
}

// keepFiles tells whether the host's files are out of reach: without Landlock, an empty root keeps
// those with a name, and mounts of its own those above the directories that it was given.
func (c *Confinements) keepFiles() bool { return c.Landlock > 0 || c.EmptyRoot && c.OwnMounts }

// note says what the host lacks, in one line. It is a warning if the host's files are not kept
// from the process by anything but seccomp, which cannot see paths.
func (c *Confinements) note() message {
	var missing []string
	for _, f := range []struct {
		has  bool
		name string
		why  unix.Errno
	}{
		{c.Namespaces, "namespaces", 0},
		{c.EmptyRoot, "an empty root", c.RootErrno},
		{c.OwnMounts, "mounts of its own", c.MountsErrno},
		{c.Landlock > 0, "Landlock", c.LandlockErrno},
		{c.MDWE, "MDWE", 0},
		{c.Scan, "PAGEMAP_SCAN", 0},
	} {
		switch {
		case f.has:
		case f.why != 0:
			missing = append(missing, fmt.Sprintf("%s (%v)", f.name, f.why))
		default:
			missing = append(missing, f.name)
		}
	}
	if len(missing) == 0 {
		return message{Kind: kindNote}
	}
	return message{
		Kind: kindNote, Warn: !c.keepFiles(),
		Text: "the sandbox lacks " + strings.Join(missing, ", ") + ": 'vkernel doctor' says what that costs",
	}
}

// constructed is what the constructor has done.
func constructed() Confinements {
	e := &C.vk_entered
	return Confinements{
		EmptyRoot: e.empty_root != 0, OwnMounts: e.own_mounts != 0, Landlock: int(e.landlock),
		RootErrno: unix.Errno(e.root_errno), MountsErrno: unix.Errno(e.mounts_errno), LandlockErrno: unix.Errno(e.landlock_errno),
	}
}
