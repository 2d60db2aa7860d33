package engine

import "fmt"

// Refusal says which limit of the host was in the way of an instance, for the log.
type Refusal struct {
	Limit  string // its name, always the same for the same limit
	Detail string
}

// Refused is why the last instance, or memory of one, was refused; the zero value if none was.
func (c *Code) Refused() Refusal {
	if r := c.slots.refused.Load(); r != nil {
		return *r
	}
	return Refusal{}
}

// Names of limits.
const (
	limitMappings = "vm.max_map_count"
	limitSlots    = "address ranges"
	limitAddress  = "address space"
	limitMemory   = "memory"
	limitFiles    = "RLIMIT_NOFILE"
)

func (s *slots) refuse(limit, format string, args ...any) {
	s.refused.Store(&Refusal{limit, fmt.Sprintf(format, args...)})
}

// refuseMappings notes that n more mappings are too many.
func (s *slots) refuseMappings(n int64) {
	s.refuse(limitMappings, "%d mappings are in use, %d of them beyond what fresh processes need; %d more do not fit in %d (the host's limit less what the kernel itself needs)",
		s.used.Load(), s.areas.Load(), n, s.mappings)
}
