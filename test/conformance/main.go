// Command conformance attacks the hash rule: nothing is executed that was not signed.
//
// # Model
//
// A case is one way around the rule, tried on a real container: `vkernel run` of a signed
// bundle. What is executed leaves a mark. The programs /bin/mark and /bin/interp of the
// bundle write the word that they are given to /marks, a directory of the host which each
// case has to itself; the payload of an attack gives the word EVIL, and is not listed in
// the manifest. So a mark is the proof that unlisted content was executed, and nothing the
// guest prints can hide it. Guests print what differs from the errno that is expected.
//
// Cases inside of a container are in C (guest/); `attack` without arguments lists them.
// Those that need another hand outside (files of the host, the bundle, signatures, the
// manifest, native code) are in Go, here.
//
// A case passes if there is no mark, no wrong errno, and the runtime ended as it should:
// a panic or a timeout fails it.
//
// # Mutation
//
// `conformance -mutate` shows that the suite can fail: each check that package mutant can
// switch off is switched off by itself, and some case must fail.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	vkernel, bundle string
	races, jobs     int
	match, only     *regexp.Regexp
	verbose         bool
}

func run(ctx context.Context) (ok bool, err error) {
	var o options
	flag.StringVar(&o.vkernel, "vkernel", "out/vkernel", "the program to test")
	flag.StringVar(&o.bundle, "bundle", "out/conformance.vk", "the bundle of the suite")
	flag.IntVar(&o.races, "races", 2000, "how often a race is repeated")
	flag.IntVar(&o.jobs, "j", runtime.NumCPU(), "cases at a time")
	flag.BoolVar(&o.verbose, "v", false, "print each case")
	match := flag.String("run", "", "only the cases whose class/name match")
	asJSON := flag.Bool("json", false, "print the results as JSON")
	mutate := flag.Bool("mutate", false, "switch the checks of a build with the tag mutate off, one at a time")
	only := flag.String("checks", "", "with -mutate: only the checks whose names match")
	sources := flag.String("sources", ".", "with -mutate: where the checks are named")
	flag.Parse()
	if o.match, err = regexp.Compile(*match); err != nil {
		return false, fmt.Errorf("-run: %w", err)
	}
	if o.only, err = regexp.Compile(*only); err != nil {
		return false, fmt.Errorf("-checks: %w", err)
	}
	s, err := newSuite(o)
	if err != nil {
		return false, err
	}
	defer s.close()
	if *mutate {
		return s.mutate(ctx, *sources, os.Stdout)
	}
	results := s.run(ctx, s.selected())
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return passed(results) == len(results), e.Encode(summarise(results))
	}
	report(os.Stdout, results)
	return passed(results) == len(results), nil
}

// selected are the cases that -run names.
func (s *suite) selected() []*testCase {
	var list []*testCase
	for _, c := range s.cases {
		if s.match.MatchString(c.Class + "/" + c.Name) {
			list = append(list, c)
		}
	}
	return list
}
