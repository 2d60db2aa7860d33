package aot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vkernel/internal/emit"
	"vkernel/internal/verify"
)

// clang may count with 64-bit pointers where it has proven that a 32-bit address does not wrap;
// the verifier, which does not believe clang, then sees no bound. Functions that it refuses are
// translated again, with addresses that hide from clang where they come from (EA_BOUND in
// vk.h), which is slower in loops. What functions these are is kept in the cache.

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
	names := l.byAddress()
	for _, r := range refused {
		m, index, ok := b.functionOf(names[r.Entry])
		if !ok || !m.bound(index) {
			return false, fmt.Errorf("the compiler's output is not safe, or not provably: %w", r)
		}
	}
	return true, b.keepBounded()
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

// boundedPath is where the cache keeps the functions of a module.
func (b *builder) boundedPath(m *module) string {
	h := sha256.New()
	fmt.Fprintf(h, "bounded\n%s\n%q\n%s\n%s", b.tools.version, compileFlags, m.hash, b.runtime)
	key := hex.EncodeToString(h.Sum(nil))
	return filepath.Join(b.opts.CacheDir, key[:2], key+".bounded")
}

func (b *builder) keepBounded() error {
	if b.opts.CacheDir == "" {
		return nil
	}
	var errs []error
	for _, m := range b.modules {
		if len(m.bounded) == 0 {
			continue
		}
		var s strings.Builder
		for n, bound := range m.bounded {
			fmt.Fprintf(&s, "%d %d\n", n, bound)
		}
		lines := strings.SplitAfter(strings.TrimSuffix(s.String(), "\n"), "\n")
		slices.Sort(lines)
		errs = append(errs, writeWhole(b.boundedPath(m), []byte(strings.Join(lines, ""))))
	}
	return errors.Join(errs...)
}

// loadBounded takes over what the cache knows. It may be wrong: the code is verified.
func (b *builder) loadBounded() {
	for _, m := range b.modules {
		m.bounded = map[uint32]emit.Bound{}
		if b.opts.CacheDir == "" {
			continue
		}
		text, err := os.ReadFile(b.boundedPath(m))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			var n uint32
			var bound emit.Bound
			if _, err := fmt.Sscanf(line, "%d %d\n", &n, &bound); err == nil {
				m.bounded[n] = min(bound, emit.BoundAll)
			}
		}
	}
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
