package main

import (
	"io/fs"
	"testing"

	"vkernel/guest"
	"vkernel/internal/syscalls"
	"vkernel/internal/toolchain"
)

// TestListAgreesWithKernel compares the library's list of imports with the kernel's table:
// numbers and types. A call that only one side has is none of the other's business, but one
// that the kernel implements must be reachable from C.
func TestListAgreesWithKernel(t *testing.T) {
	text, err := fs.ReadFile(guest.FS, "musl/wali.list")
	if err != nil {
		t.Fatal(err)
	}
	calls, err := toolchain.ParseWaliList(text)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, c := range calls {
		listed[c.Name] = true
		if err := syscalls.CheckImport("wali", "SYS_"+c.Name, c.Sig); err != nil {
			t.Error(err)
		}
		if k, ok := syscalls.Lookup(c.Name); ok && k.Num != c.Num {
			t.Errorf("%s is %d in wali.list, %d in the kernel", c.Name, c.Num, k.Num)
		}
	}
	notFromC := map[string]bool{
		"rt_sigreturn": true, // the kernel returns from handlers itself
		"clone":        true, // needs a stack of the caller's choice
	}
	for _, k := range syscalls.Table {
		if !listed[k.Name] && !notFromC[k.Name] {
			t.Errorf("the kernel's %s (%d, %s) is not in guest/musl/wali.list", k.Name, k.Num, k.Sig)
		}
	}
}
