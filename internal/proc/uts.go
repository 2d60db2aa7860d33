package proc

import "sync"

// UTS is the names of a container: uname(2).
type UTS struct {
	mu sync.Mutex

	// guarded by mu
	node, domain string
}

// NewUTS makes it.
func NewUTS(node, domain string) *UTS { return &UTS{node: node, domain: domain} }

// Names gives both names.
func (u *UTS) Names() (node, domain string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.node, u.domain
}

// SetNode is sethostname(2), SetDomain setdomainname(2).
func (u *UTS) SetNode(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.node = name
}

// SetDomain sets the NIS domain name.
func (u *UTS) SetDomain(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.domain = name
}

// UTS gives the container's names.
func (t *Table) UTS() *UTS { return t.config.UTS }

// Memory gives the total and free bytes of memory that guests see.
func (t *Table) Memory() (total, free uint64) { return t.config.Memory() }
