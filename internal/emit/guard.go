package emit

import (
	"fmt"
	"strconv"
	"strings"
)

// abiSection is the custom section that our C library's start file puts into a program:
// "key=value" lines.
const abiSection = "vkernel.abi"

// nullGuard takes from the program's mark how many bytes from address 0 it leaves unused.
// They stay unmapped, so that a null pointer faults in compiled code and is EFAULT in a system
// call. A program without the mark may keep data there.
func (p *program) nullGuard() error {
	guard := uint32(0)
	for _, c := range p.m.Customs {
		if c.Name != abiSection {
			continue
		}
		for line := range strings.SplitSeq(string(c.Data), "\n") {
			value, ok := strings.CutPrefix(line, "null_guard=")
			if !ok {
				continue
			}
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil || n%4096 != 0 || n > 65536 {
				return fmt.Errorf("section %s: null_guard=%s: want whole pages, at most 65536", abiSection, value)
			}
			guard = uint32(n)
		}
	}
	mem := &p.out.Program.Memory
	if guard != 0 && (mem.Min == 0 || mem.ImageSize != 0 && mem.ImageStart < guard) {
		return fmt.Errorf("section %s: null_guard=%d, but there is data from %d on", abiSection, guard, mem.ImageStart)
	}
	mem.NullGuard = guard
	return nil
}
