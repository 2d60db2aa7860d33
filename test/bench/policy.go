package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What a policy costs: the same program with its entry as the builder wrote it and with one
// that was narrowed, in turns. Policy is linked, so that a call which is allowed without
// conditions costs the same; one that is denied costs a call that does nothing, one with a
// rule on an argument a comparison, and one on paths the names up to the root.

// policyRows are the calls, and how the narrowed entry has them.
var policyRows = []struct{ name, call, how string }{
	{"getpid_narrowed", "getpid", "allowed"},
	{"getppid_denied", "getppid", "denied"},
	{"getpgid_ruled", "getpgid", "allowed with one value of an argument"},
	{"open_close_ruled", "open_close", "allowed under two paths"},
}

// narrowing are the flags of `vkernel policy` for the narrowed bundle.
var narrowing = []string{"--deny", "getppid,mkdir,chroot,mount", "--only", "getpgid:0=0", "--read", "/bin", "--read", "/dev"}

func measurePolicies(vkernel, bundle, key, only string, results *[]Result) error {
	wanted := func(name string) bool { return strings.Contains(name, only) }
	if !wanted(policyRows[0].name) && !wanted(policyRows[1].name) && !wanted(policyRows[2].name) && !wanted(policyRows[3].name) {
		return nil
	}
	dir, err := os.MkdirTemp("", "vkbench-policy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	narrowed, pub, err := narrow(vkernel, bundle, dir)
	if err != nil {
		return err
	}
	free, held := onVKernel(vkernel, bundle, key), onVKernel(vkernel, narrowed, pub)
	for _, row := range policyRows {
		if !wanted(row.name) {
			continue
		}
		r, err := measure(benchmark{row.call, 5, 20}, held, free)
		if err != nil {
			return err
		}
		r.Name = row.name
		fmt.Printf("%-18s %12.0f %12.0f %8.2f   (vkernel with a narrowed entry, %s, beside vkernel without)\n", r.Name, r.VKernel, r.Native, r.Ratio, row.how)
		*results = append(*results, r)
	}
	return nil
}

// narrow makes a copy of the bundle with a narrowed entry, signed by a key of its own.
func narrow(vkernel, bundle, dir string) (narrowed, pub string, err error) {
	narrowed, key := filepath.Join(dir, "narrowed.vk"), filepath.Join(dir, "key")
	if err := os.CopyFS(narrowed, os.DirFS(bundle)); err != nil {
		return "", "", err
	}
	for _, args := range [][]string{
		{"keygen", key},
		append(append([]string{"policy"}, narrowing...), narrowed, "bench"),
		{"sign", "--key", key, narrowed},
	} {
		if out, err := exec.Command(vkernel, args...).CombinedOutput(); err != nil {
			return "", "", fmt.Errorf("%s %s: %w\n%s", vkernel, args[0], err, out)
		}
	}
	return narrowed, key + ".pub", nil
}
