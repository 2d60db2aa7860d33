package kernel

import "vkernel/internal/edge"

// leadOutside connects the sockets with other hosts, if somebody makes connections.
func (k *Kernel) leadOutside() {
	if b := k.config.Broker; b != nil {
		k.table.Sockets().UseEdge(edge.New(b, k.table.Outside().RLocker()))
	}
}
