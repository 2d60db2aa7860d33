package aot

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"vkernel/internal/emit"
	"vkernel/internal/verify"
)

// clang may count with 64-bit pointers where it has proven that a 32-bit address does not wrap;
// the verifier, which does not believe clang, then sees no bound. Functions that it refuses are
// translated again, with addresses that hide from clang where they come from (EA_BOUND in
// vk.h), which is slower in loops. Which functions these are is found out in every build anew: a
// list from an older verifier would be a longer one, and the same input would not give the same
// bytes. The objects of the rounds are in the cache.

// maxRounds bounds how often what is refused is compiled again: a function that is compiled
// anew may be inlined elsewhere.
const maxRounds = 8

// verified verifies the finished file. again says that there are functions to be compiled
// again.
func (b *builder) verified(l *linked, path string) (again bool, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	code, err := verify.Parse(data)
	if err != nil {
		return false, err
	}
	refused, err := verify.Refused(code)
	if err != nil || len(refused) == 0 {
		return false, err
	}
	return b.widen(refused, l.byAddress())
}

// widen bounds what was refused. again says that anything was bounded: also for a function of which
// nothing more can be, since what others call may be what it has inlined. If nothing was, the first
// refusal is the error.
func (b *builder) widen(refused []*verify.Error, names map[uint64]string) (again bool, err error) {
	for _, r := range refused {
		m, index, ok := b.functionOf(names[r.Entry])
		if ok && m.bound(index) {
			again = true
		}
	}
	if !again {
		return false, fmt.Errorf("the compiler's output is not safe, or not provably: %w", refused[0])
	}
	return true, nil
}

// maxInlined is how deep calls are followed from a function that is refused again.
const maxInlined = 4

// bound hides what plain loops of a function count with, then all of it, then all of what may have been
// inlined into it. It reports false if there is nothing more. Each callee is looked at once: a module
// may have very many ways through its calls.
func (m *module) bound(index uint32) bool {
	if m.bounded[index] < emit.BoundLoops {
		m.bounded[index] = emit.BoundLoops
		return true
	}
	level, seen := []uint32{index}, map[uint32]bool{index: true}
	for range 2 + maxInlined {
		added := false
		var next []uint32
		for _, f := range level {
			if m.bounded[f] < emit.BoundAll {
				m.bounded[f], added = emit.BoundAll, true
			}
			for _, callee := range m.out.Calls[f] {
				if !seen[callee] {
					seen[callee] = true
					next = append(next, callee)
				}
			}
		}
		if added {
			return true
		}
		level = next
	}
	return false
}

// byAddress names the functions.
func (l *linked) byAddress() map[uint64]string {
	names := make(map[uint64]string, len(l.symbols))
	for name, s := range l.symbols {
		names[s.Value] = name
	}
	return names
}

// functionOf finds the module and index of a function of ours.
func (b *builder) functionOf(symbol string) (*module, uint32, bool) {
	for _, m := range b.modules {
		rest, ok := strings.CutPrefix(symbol, m.prefix+"f")
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(rest, 10, 32)
		return m, uint32(n), err == nil
	}
	return nil, 0, false
}

// untilVerified compiles and links until the verifier accepts all functions.
func (b *builder) untilVerified(ctx context.Context, programs []Input) (*linked, error) {
	for round := 1; ; round++ {
		objects, err := b.compile(ctx)
		if err != nil {
			return nil, err
		}
		l, err := b.link(ctx, objects)
		if err != nil {
			return nil, err
		}
		if err := b.finish(ctx, l, programs); err != nil {
			return nil, err
		}
		again, err := b.verified(l, filepath.Join(b.dir, "finished"))
		switch {
		case b.opts.Unverified && (err != nil || round == maxRounds):
			return l, nil
		case err != nil:
			return nil, err
		case !again:
			return l, nil
		case round == maxRounds:
			return nil, fmt.Errorf("the verifier refuses functions still after %d rounds", round)
		}
		b.opts.Progress = noProgress
	}
}
