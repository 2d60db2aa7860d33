package aot

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestBudget holds that a module's compilers together have a limit on their time.
func TestBudget(t *testing.T) {
	ctx := context.Background()
	opts := Options{}
	opts.defaults()
	tools, err := findTools(ctx, &opts)
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{tools: tools, dir: t.TempDir()}
	m := &module{size: 10 << 10}
	if err := b.clang(ctx, m, ".", []string{"--version"}); err != nil || m.spent.Load() == 0 {
		t.Errorf("%v, %d ns spent; expected some", err, m.spent.Load())
	}
	m.spent.Store(int64(304 * time.Second))
	if err := b.clang(ctx, m, ".", []string{"--version"}); err != nil {
		t.Errorf("within the limit: %v", err)
	}
	m.spent.Store(int64(305 * time.Second))
	if err := b.clang(ctx, m, ".", []string{"--version"}); err == nil || !strings.Contains(err.Error(), "limit for a module of 10240 bytes") {
		t.Errorf("beyond the limit: %v", err)
	}
}
