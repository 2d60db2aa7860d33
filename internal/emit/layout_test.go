package emit

import (
	"regexp"
	"strconv"
	"testing"

	"vkernel/internal/engine/layout"
)

// TestHeader compares runtime/vk_layout.h with package layout.
func TestHeader(t *testing.T) {
	want := map[string]int{
		"HOST_SP": layout.HostSP, "GUEST_SP": layout.GuestSP, "EXIT_KIND": layout.ExitKind, "EXIT_CODE": layout.ExitCode,
		"PAGES": layout.Pages, "RECORDS": layout.Records, "THROWN": layout.Thrown, "ARGS": layout.Args, "RESULTS": layout.Results,
		"EXIT_SYSCALL": layout.ExitSyscall, "EXIT_RETURN": layout.ExitReturn, "EXIT_GROW": layout.ExitGrow,
		"EXIT_SETJMP": layout.ExitSetjmp, "EXIT_LONGJMP": layout.ExitLongjmp, "EXIT_WAIT": layout.ExitWait, "EXIT_NOTIFY": layout.ExitNotify,
		"TRAP_UNREACHABLE": layout.TrapUnreachable, "TRAP_DIVIDE": layout.TrapDivideByZero, "TRAP_OVERFLOW": layout.TrapOverflow,
		"TRAP_CONVERSION": layout.TrapConversion, "TRAP_TABLE": layout.TrapTableBounds, "TRAP_NULL": layout.TrapNullElement,
		"TRAP_TYPE": layout.TrapTypeMismatch, "TRAP_MEMORY": layout.TrapMemoryBounds, "TRAP_UNALIGNED": layout.TrapUnaligned,
		"TRAP_UNSHARED": layout.TrapUnshared, "TRAP_UNCAUGHT": layout.TrapUncaught,
		"TRAP_NULL_EXCEPTION": layout.TrapNullException, "TRAP_EXCEPTIONS": layout.TrapExceptions,
		"EXIT_SAVE": layout.ExitSave, "EXIT_LOAD": layout.ExitLoad, "EXIT_TABLE": layout.ExitTable,
		"TABLE_SET": layout.TableSet, "TABLE_FILL": layout.TableFill, "TABLE_COPY": layout.TableCopy,
		"TABLE_INIT": layout.TableInit, "TABLE_GROW": layout.TableGrow, "MEMORY_INIT": layout.MemoryInit,
	}
	text, err := Runtime.ReadFile("runtime/vk_layout.h")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, m := range regexp.MustCompile(`(?m)^#define VK_(\w+) (-?\d+)$`).FindAllStringSubmatch(string(text), -1) {
		v, _ := strconv.Atoi(m[2])
		if w, ok := want[m[1]]; !ok || w != v {
			t.Errorf("VK_%s is %d, package layout has %d (%v)", m[1], v, w, ok)
		}
		seen++
	}
	if seen != len(want) {
		t.Errorf("%d numbers in the header, %d in the list", seen, len(want))
	}
}
