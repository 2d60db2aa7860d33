package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// testCase is one attack.
type testCase struct {
	Class, Name string
	attack      func(t *trial)
}

// suite is what all cases share: a signed copy of the bundle, and the key.
type suite struct {
	options
	dir    string // temporary, removed in the end
	key    string // private; the public one has .pub
	cases  []*testCase
	env    []string
	mutant string // the check that is switched off
}

func newSuite(o options) (_ *suite, err error) {
	s := &suite{options: o}
	if s.vkernel, err = filepath.Abs(o.vkernel); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "conformance"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.env = append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(s.dir, "config"), "XDG_CACHE_HOME="+filepath.Join(s.dir, "cache"),
		"XDG_STATE_HOME="+filepath.Join(s.dir, "state"), "XDG_RUNTIME_DIR="+s.dir)
	s.key = filepath.Join(s.dir, "signer.key")
	if err := s.vk("keygen", "--no-passphrase", s.key); err != nil {
		return nil, err
	}
	original := s.bundle
	s.bundle = filepath.Join(s.dir, "suite.vk")
	if err := copyTree(original, s.bundle); err != nil {
		return nil, err
	}
	if err := s.sign(s.bundle); err != nil {
		return nil, err
	}
	if err := s.guestCases(); err != nil {
		return nil, err
	}
	s.cases = append(s.cases, hostCases()...)
	seen := map[string]bool{}
	for _, c := range s.cases {
		if seen[c.Name] {
			return nil, fmt.Errorf("two cases are named %s", c.Name)
		}
		seen[c.Name] = true
	}
	return s, nil
}

func (s *suite) close() { os.RemoveAll(s.dir) }

// vk runs vkernel, which has to succeed.
func (s *suite) vk(args ...string) error {
	cmd := exec.Command(s.vkernel, args...)
	cmd.Env = s.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("vkernel %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (s *suite) sign(bundle string) error { return s.vk("sign", "--key", s.key, bundle) }

// guestCases asks the guest's program which cases it has.
func (s *suite) guestCases() error {
	cmd := exec.Command(s.vkernel, "run", "--key", s.key+".pub", s.bundle, "/bin/attack")
	cmd.Env = s.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("listing the guest's cases: %w\n%s", err, stderr.Bytes())
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		class, name, ok := strings.Cut(line, " ")
		if !ok {
			return fmt.Errorf("listing the guest's cases: %q, expected CLASS NAME", line)
		}
		s.cases = append(s.cases, &testCase{class, name, func(t *trial) { t.guest(name) }})
	}
	return nil
}

// run runs cases and gives their results in the same order.
func (s *suite) run(ctx context.Context, cases []*testCase) []result {
	results := make([]result, len(cases))
	todo := make(chan int)
	var workers sync.WaitGroup
	for range max(1, s.jobs) {
		workers.Go(func() {
			for i := range todo {
				results[i] = s.try(ctx, cases[i])
				if s.verbose {
					fmt.Fprintln(os.Stderr, results[i].line())
				}
			}
		})
	}
	for i := range cases {
		todo <- i
	}
	close(todo)
	workers.Wait()
	return results
}

// try runs one case.
func (s *suite) try(ctx context.Context, c *testCase) result {
	r := result{Class: c.Class, Name: c.Name}
	dir, err := os.MkdirTemp(s.dir, "case")
	if err != nil {
		r.Wrong = append(r.Wrong, err.Error())
		return r
	}
	defer os.RemoveAll(dir)
	t := &trial{suite: s, ctx: ctx, dir: dir, marks: filepath.Join(dir, "marks")}
	start := time.Now()
	if err := os.Mkdir(t.marks, 0o777); err != nil {
		t.wrong("%v", err)
	} else {
		t.attempt(c)
	}
	r.Seconds = time.Since(start).Seconds()
	r.Wrong = slices.Concat(r.Wrong, t.problems)
	r.Executed = t.executed()
	r.Passed = len(r.Wrong) == 0 && len(r.Executed) == 0
	return r
}
