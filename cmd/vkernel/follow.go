package main

import (
	"fmt"

	"vkernel/internal/bundle"
	"vkernel/internal/sandbox"
	"vkernel/internal/trust"
)

// follow passes on to the sandbox what the trust policy says of the bundle from now on: what
// is revoked while the container runs, nothing can start any more.
func (o *runOptions) follow(b *bundle.Bundle, s *sandbox.Sandbox) (*trust.Watcher, error) {
	source, err := o.trust.source(o.bundle)
	if err != nil {
		return nil, err
	}
	w, err := trust.Watch(source, b.Signed, s.Revoke, func(err error) { s.Note(err.Error()) })
	if err != nil {
		return nil, fmt.Errorf("%s does not start: %w", o.bundle, err)
	}
	return w, nil
}
