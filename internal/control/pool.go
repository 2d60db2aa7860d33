package control

import (
	"context"

	"vkernel/internal/kernel"
	"vkernel/internal/sandbox"
)

// makePool, pools and removePool serve what is asked about pools.
func makePool(c *Call, ctx context.Context) (any, error) {
	var r sandbox.PoolRequest
	if err := c.Argument(&r); err != nil {
		return nil, err
	}
	return c.server.config.Container.MakePool(ctx, r)
}

func pools(c *Call, ctx context.Context) (any, error) {
	return c.server.config.Container.Pools(ctx)
}

func removePool(c *Call, ctx context.Context) (any, error) {
	var id int
	if err := c.Argument(&id); err != nil {
		return nil, err
	}
	return nil, c.server.config.Container.RemovePool(ctx, id)
}

// MakePool makes a pool of a process of the container, once that is ready or reads its standard input.
func (c *Client) MakePool(ctx context.Context, r sandbox.PoolRequest) (p kernel.PoolState, err error) {
	return p, c.ask(ctx, "make pool", r, &p)
}

// Pools lists those of the container.
func (c *Client) Pools(ctx context.Context) (list []kernel.PoolState, err error) {
	return list, c.ask(ctx, "pools", nil, &list)
}

// RemovePool ends one. Copies go on.
func (c *Client) RemovePool(ctx context.Context, id int) error {
	return c.ask(ctx, "remove pool", id, nil)
}
