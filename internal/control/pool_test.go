package control

import (
	"context"
	"fmt"
	"testing"

	"vkernel/internal/kernel"
	"vkernel/internal/sandbox"
)

func (*fake) MakePool(_ context.Context, r sandbox.PoolRequest) (kernel.PoolState, error) {
	if r.PID == 4711 {
		return kernel.PoolState{}, fmt.Errorf("there is no process %d", r.PID)
	}
	return kernel.PoolState{ID: r.PID, Live: r.Copies, Program: r.Idle.String()}, nil
}

func (*fake) Pools(context.Context) ([]kernel.PoolState, error) {
	return []kernel.PoolState{{ID: 1, Started: 2}, {ID: 3, Ended: true}}, nil
}

func (*fake) RemovePool(_ context.Context, id int) error {
	if id != 3 {
		return fmt.Errorf("there is no pool %d", id)
	}
	return nil
}

// TestPools: requests about pools arrive with their arguments, and their answers come back.
func TestPools(t *testing.T) {
	runtimeDir(t)
	served(t, "pooled", &fake{})
	c, err := Open("pooled")
	must(t, err)
	ctx := t.Context()
	p, err := c.MakePool(ctx, sandbox.PoolRequest{PID: 7, Copies: 5, Idle: 90e9})
	if err != nil || p.ID != 7 || p.Live != 5 || p.Program != "1m30s" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := c.MakePool(ctx, sandbox.PoolRequest{PID: 4711}); err == nil {
		t.Error("a pool of no process")
	}
	list, err := c.Pools(ctx)
	if err != nil || len(list) != 2 || list[0].Started != 2 || !list[1].Ended {
		t.Errorf("%+v, %v", list, err)
	}
	if err := c.RemovePool(ctx, 3); err != nil {
		t.Error(err)
	}
	if err := c.RemovePool(ctx, 4); err == nil {
		t.Error("no pool was removed")
	}
}
