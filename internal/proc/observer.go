package proc

import "vkernel/internal/linux"

// Observer is told of what happens to processes beside their calls, for traces.
type Observer interface {
	Signal(t *Thread, info *linux.SigInfo) // is about to be acted on
	Exit(p *Process, status int)           // wait status
}
