package procfs

import "vkernel/internal/linux"

// netRows are the files about sockets, which are the container's.
func netRows() []*kind {
	internet := func(name string, domain, typ int) *kind {
		return &kind{name: name, mode: fileMode, text: func(r *request) []byte { return r.fs.sys.Sockets().Internet(domain, typ) }}
	}
	return []*kind{
		internet("tcp", linux.AF_INET, linux.SOCK_STREAM),
		internet("tcp6", linux.AF_INET6, linux.SOCK_STREAM),
		internet("udp", linux.AF_INET, linux.SOCK_DGRAM),
		internet("udp6", linux.AF_INET6, linux.SOCK_DGRAM),
		{name: "unix", mode: fileMode, text: func(r *request) []byte { return r.fs.sys.Sockets().Unix() }},
		{name: "dev", mode: fileMode, text: constant(netDevices)},
	}
}

// netDevices is /proc/net/dev: nothing is counted.
const netDevices = "Inter-|   Receive                                                |  Transmit\n" +
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n" +
	"    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n"
