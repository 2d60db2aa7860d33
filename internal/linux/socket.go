package linux

// Sockets: families, types, flags and structures of socket(7), unix(7), ip(7), tcp(7).

// Address families.
const (
	AF_UNSPEC  = 0
	AF_UNIX    = 1
	AF_INET    = 2
	AF_INET6   = 10
	AF_NETLINK = 16
	AF_MAX     = 46
)

// Types of sockets, and flags of socket(2) and accept4(2).
const (
	SOCK_STREAM    = 1
	SOCK_DGRAM     = 2
	SOCK_RAW       = 3
	SOCK_SEQPACKET = 5

	SOCK_TYPE_MASK = 0xf
	SOCK_MAX       = 11 // types below are known to Linux
	SOCK_NONBLOCK  = O_NONBLOCK
	SOCK_CLOEXEC   = O_CLOEXEC
)

// Protocols, which are levels of options too.
const (
	IPPROTO_IP   = 0
	IPPROTO_ICMP = 1
	IPPROTO_TCP  = 6
	IPPROTO_UDP  = 17
	IPPROTO_IPV6 = 41
	IPPROTO_MAX  = 263
	SOL_SOCKET   = 1
)

// Options of level SOL_SOCKET.
const (
	SO_DEBUG          = 1
	SO_REUSEADDR      = 2
	SO_TYPE           = 3
	SO_ERROR          = 4
	SO_DONTROUTE      = 5
	SO_BROADCAST      = 6
	SO_SNDBUF         = 7
	SO_RCVBUF         = 8
	SO_KEEPALIVE      = 9
	SO_OOBINLINE      = 10
	SO_PRIORITY       = 12
	SO_LINGER         = 13
	SO_REUSEPORT      = 15
	SO_PASSCRED       = 16
	SO_PEERCRED       = 17
	SO_RCVLOWAT       = 18
	SO_SNDLOWAT       = 19
	SO_RCVTIMEO       = 20
	SO_SNDTIMEO       = 21
	SO_BINDTODEVICE   = 25
	SO_TIMESTAMP      = 29
	SO_ACCEPTCONN     = 30
	SO_SNDBUFFORCE    = 32
	SO_RCVBUFFORCE    = 33
	SO_TIMESTAMPNS    = 35
	SO_MARK           = 36
	SO_PROTOCOL       = 38
	SO_DOMAIN         = 39
	SO_PEERGROUPS     = 59
	SO_TIMESTAMP64    = 63
	SO_TIMESTAMPNS64  = 64
	SO_RCVTIMEO64     = 66
	SO_SNDTIMEO64     = 67
	TCP_NODELAY       = 1
	TCP_MAXSEG        = 2
	TCP_CORK          = 3
	TCP_KEEPIDLE      = 4
	TCP_KEEPINTVL     = 5
	TCP_KEEPCNT       = 6
	TCP_SYNCNT        = 7
	TCP_LINGER2       = 8
	TCP_DEFER_ACCEPT  = 9
	TCP_WINDOW_CLAMP  = 10
	TCP_INFO          = 11
	TCP_QUICKACK      = 12
	TCP_CONGESTION    = 13
	TCP_USER_TIMEOUT  = 18
	TCP_FASTOPEN      = 23
	TCP_NOTSENT_LOWAT = 25

	IP_TOS             = 1
	IP_TTL             = 2
	IP_OPTIONS         = 4
	IP_RECVOPTS        = 6
	IP_PKTINFO         = 8
	IP_MTU_DISCOVER    = 10
	IP_RECVERR         = 11
	IP_RECVTTL         = 12
	IP_RECVTOS         = 13
	IP_FREEBIND        = 15
	IP_MULTICAST_IF    = 32
	IP_MULTICAST_TTL   = 33
	IP_MULTICAST_LOOP  = 34
	IP_ADD_MEMBERSHIP  = 35
	IP_DROP_MEMBERSHIP = 36

	IPV6_UNICAST_HOPS    = 16
	IPV6_MULTICAST_IF    = 17
	IPV6_MULTICAST_HOPS  = 18
	IPV6_MULTICAST_LOOP  = 19
	IPV6_JOIN_GROUP      = 20
	IPV6_LEAVE_GROUP     = 21
	IPV6_MTU_DISCOVER    = 23
	IPV6_RECVERR         = 25
	IPV6_V6ONLY          = 26
	IPV6_RECVPKTINFO     = 49
	IPV6_RECVHOPLIMIT    = 51
	IPV6_RECVHOPOPTS     = 53
	IPV6_RECVRTHDR       = 56
	IPV6_RECVDSTOPTS     = 58
	IPV6_RECVTCLASS      = 66
	IPV6_TCLASS          = 67
	IPV6_DONTFRAG        = 62
	IPV6_ADDR_PREFERENCE = 72
)

// Flags of send(2) and recv(2).
const (
	MSG_OOB          = 0x1
	MSG_PEEK         = 0x2
	MSG_DONTROUTE    = 0x4
	MSG_CTRUNC       = 0x8
	MSG_TRUNC        = 0x20
	MSG_DONTWAIT     = 0x40
	MSG_EOR          = 0x80
	MSG_WAITALL      = 0x100
	MSG_CONFIRM      = 0x800
	MSG_ERRQUEUE     = 0x2000
	MSG_NOSIGNAL     = 0x4000
	MSG_MORE         = 0x8000
	MSG_WAITFORONE   = 0x10000
	MSG_FASTOPEN     = 0x20000000
	MSG_CMSG_CLOEXEC = 0x40000000
)

// Types of control messages of level SOL_SOCKET.
const (
	SCM_RIGHTS      = 1
	SCM_CREDENTIALS = 2
	SCM_MAX_FD      = 253 // descriptors in a message
)

// How of shutdown(2).
const (
	SHUT_RD   = 0
	SHUT_WR   = 1
	SHUT_RDWR = 2
)

// Limits.
const (
	SOMAXCONN = 4096
	UNIX_PATH = 108 // size of sun_path
)

// Requests of ioctl(2) on sockets.
const (
	SIOCATMARK        = 0x8905
	SIOCGIFNAME       = 0x8910
	SIOCGIFCONF       = 0x8912
	SIOCGIFFLAGS      = 0x8913
	SIOCGIFADDR       = 0x8915
	SIOCGIFDSTADDR    = 0x8917
	SIOCGIFBRDADDR    = 0x8919
	SIOCGIFNETMASK    = 0x891b
	SIOCGIFMETRIC     = 0x891d
	SIOCGIFMTU        = 0x8921
	SIOCGIFHWADDR     = 0x8927
	SIOCGIFINDEX      = 0x8933
	SIOCGIFTXQLEN     = 0x8942
	SIOCOUTQ          = 0x5411 // TIOCOUTQ
	IFF_UP            = 0x1
	IFF_LOOPBACK      = 0x8
	IFF_RUNNING       = 0x40
	ARPHRD_LOOPBACK   = 772
	IFNAMSIZ          = 16
	LoopbackInterface = 1 // index of lo
)

// Ucred is struct ucred.
type Ucred struct {
	PID      int32
	UID, GID uint32
}

// Msghdr is struct msghdr as a guest with 4-byte pointers has it.
type Msghdr struct {
	Name, Namelen uint32
	Iov           uint32
	Iovlen        int32
	_             uint32
	Control       uint32
	Controllen    uint32
	_             uint32
	Flags         uint32
}

// Mmsghdr is struct mmsghdr.
type Mmsghdr struct {
	Msghdr
	Len uint32
}

// CmsghdrSize is the size of struct cmsghdr (len 4, padding 4, level 4, type 4); what follows
// one is aligned to CmsgAlign.
const (
	CmsghdrSize = 16
	CmsgAlign   = 4
)
