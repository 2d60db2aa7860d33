package main

import (
	"fmt"
	"log/slog"

	"vkernel/internal/bundle"
	"vkernel/internal/trust"
)

// follow watches what the trust policy says of a bundle that is about to run: what it
// revokes from now on, push is told.
func (o *runOptions) follow(b *bundle.Bundle, log *slog.Logger, push func(trust.Update)) (*trust.Watcher, error) {
	source, err := o.trust.source(o.bundle)
	if err != nil {
		return nil, err
	}
	w, err := trust.Watch(source, b.Signed, push, func(err error) { log.Warn(err.Error()) })
	if err != nil {
		return nil, fmt.Errorf("%s does not start: %w", o.bundle, err)
	}
	return w, nil
}
