package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"vkernel/internal/bundle"
	"vkernel/internal/control"
	"vkernel/internal/kernel"
	"vkernel/internal/linux"
)

func runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run [flags] BUNDLE [COMMAND [ARG...]]",
		Short: "Run a container",
		Long: `Verifies BUNDLE and runs COMMAND in a container made of it, or what the bundle names if
there is none. The root file system is the bundle's; what is written goes to a layer in
memory and is gone with the container.

The manifest must be signed by keys that you trust: one given with --key, or as many as the
trust policy asks for (see 'vkernel trust --help'). A bundle of which any part was changed
does not start. What is revoked while the container runs is refused at the next execve.

With a terminal on standard input and output, the container has a terminal: line editing,
Ctrl-C and job control are those of its own kernel, and the host's terminal only carries
bytes. Otherwise standard input, output and error are plain streams.

An executable file that is not in the manifest is refused (EACCES), and the kernel's log
says which and why.

With --name other commands find the container while it runs: 'vkernel ps', 'exec', 'pause', 'resume',
'rm'. With --detach it runs on in the background, with no input; vkernel prints its name once COMMAND has begun.

It connects to other hosts only if the manifest says to which (see 'vkernel policy --connect'); its own loopback is always
there.

The exit status is that of COMMAND, or 128 and the signal that killed it. 125 says that
the container was not started, 126 that COMMAND may not be executed, 127 that there is
none.`,
		Example: `  vkernel run demo.vk
  vkernel run -v "$PWD:/src:ro" -w /src demo.vk grep -rn main .
  echo 'ls / | wc -l' | vkernel run demo.vk sh
  vkernel run -d --name web demo.vk sh -c 'while :; do date; sleep 1; done'
  vkernel run --key release.key.pub --strace app.vk /bin/app 2>trace`,
		Args: args(1, -1, "a bundle, and a command if you like"),
	}
	var o runOptions
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows BUNDLE is the container's
	f.StringArrayVarP(&o.volumes, "volume", "v", nil, "show a directory of the host in the container: `HOST:GUEST[:ro]`")
	f.StringArrayVarP(&o.env, "env", "e", nil, "set a variable `K=V`, or pass on the host's with K alone")
	f.StringVarP(&o.dir, "workdir", "w", "/", "working `DIR` of the command")
	f.StringVar(&o.hostname, "hostname", "", "`NAME` of the container (default: the manifest's)")
	f.StringVar(&o.logFile, "log", "", "append the kernel's log to `FILE` (default: standard error)")
	f.StringVar(&o.auditFile, "audit", "", "append to `FILE` a line of JSON for each decision about a file to be executed (see 'vkernel audit')")
	f.Var(&o.disk, "disk", "most `BYTES` that may be written to the root file system (K, M, G; default 1G)")
	f.IntVar(&o.processes, "processes", kernel.DefaultProcesses, fmt.Sprintf("most `N` processes at once, at most %d", kernel.MaxProcesses))
	f.VarP(&o.memory, "memory", "m", "most `BYTES` of the host's memory; beyond it the largest processes are killed (default half of what there is)")
	f.BoolVar(&o.strace, "strace", false, "print every system call to standard error")
	f.BoolVar(&o.offline, "offline", false, "no connections to other hosts, whatever the manifest allows")
	f.BoolVar(&o.privateCode, "private-code", false, "share no native code with other containers: to share it tells other users that a container of this bundle runs")
	o.addNameFlags(cmd)
	o.trust = addTrustFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.memory != 0 && o.memory < leastMemory {
			return &statusError{exitUsage, fmt.Errorf("--memory %s: the kernel itself needs some: at least %dM", &o.memory, leastMemory>>20)}
		}
		if o.processes < 1 || o.processes > kernel.MaxProcesses {
			return &statusError{exitUsage, fmt.Errorf("--processes %d: there can be 1 to %d", o.processes, kernel.MaxProcesses)}
		}
		o.bundle, o.command = args[0], args[1:]
		o.std = stdio{cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()}
		return o.launch(background(cmd))
	}
	return cmd
}

// leastMemory is what a container can start in.
const leastMemory = 64 << 20

// runOptions are the command line of run.
type runOptions struct {
	bundle                 string
	command                []string
	pool                   int // of which exec starts a copy; 0: none
	trust                  *trustFlags
	volumes, env           []string
	dir, hostname, logFile string
	auditFile              string
	disk, memory           byteSize
	processes              int
	strace, privateCode    bool
	offline                bool
	name, output           string
	detach                 bool
	again                  *again // a container that was saved, instead of a new one
	ready                  int    // of a detached launcher: the descriptor that is closed when the container has begun
	std                    stdio
}

// refusal is the exit status for an error of run itself.
func refusal(err error) int {
	var c *kernel.CommandError
	if !errors.As(err, &c) {
		return exitRefused
	}
	switch c.Errno {
	case linux.ENOENT, linux.ENOTDIR:
		return exitNotFound
	case linux.EACCES, linux.ENOEXEC, linux.EPERM:
		return exitNoExec
	}
	return exitRefused
}

// mounts reads -v.
func (o *runOptions) mounts() ([]mount, error) {
	protected, err := o.protected()
	if err != nil {
		return nil, err
	}
	return parseMounts(o.volumes, protected)
}

// protected lists what no container may reach through a mount.
func (o *runOptions) protected() ([]string, error) {
	list := append([]string{o.bundle}, o.trust.files()...)
	if config, err := configDir(); err == nil {
		list = append(list, config)
	}
	if cache, err := os.UserCacheDir(); err == nil {
		list = append(list, filepath.Join(cache, "vkernel")) // which code has been verified
	}
	if o.auditFile != "" {
		list = append(list, o.auditFile)
	}
	if runtime, err := control.Dir(); err == nil {
		list = append(list, runtime)
	}
	if state, err := stateDir(); err == nil {
		list = append(list, state)
	}
	for i, p := range list {
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, err
		}
		list[i] = abs
	}
	return list, nil
}

// open verifies the bundle, and tells of what is verified.
func (o *runOptions) open(with bundle.Options) (*bundle.Bundle, error) {
	if _, err := bundle.ReadManifest(o.bundle); err != nil {
		return nil, err
	}
	with.PrivateCode = o.privateCode
	policy, _, err := o.trust.load(o.bundle)
	if err != nil {
		return nil, err
	}
	b, err := bundle.OpenWith(o.bundle, policy, with)
	if err != nil {
		return nil, fmt.Errorf("%s does not start: %w", o.bundle, err)
	}
	return b, nil
}

// environment is that of the first process.
func (o *runOptions) environment(hasTerminal bool) ([]string, error) {
	env := newEnvironment("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root")
	if t := os.Getenv("TERM"); hasTerminal && t != "" {
		env.set("TERM", t)
	}
	for _, kv := range o.env {
		k, v, ok := strings.Cut(kv, "=")
		if k == "" {
			return nil, fmt.Errorf("-e %s: expected NAME=VALUE or NAME", kv)
		}
		if !ok {
			if v, ok = os.LookupEnv(k); !ok {
				continue
			}
		}
		env.set(k, v)
	}
	return env.list, nil
}

// environment keeps the order in which variables were first set.
type environment struct{ list []string }

func newEnvironment(list ...string) *environment { return &environment{list} }

func (e *environment) set(k, v string) {
	for i, kv := range e.list {
		if strings.HasPrefix(kv, k+"=") {
			e.list[i] = k + "=" + v
			return
		}
	}
	e.list = append(e.list, k+"="+v)
}

// workdir checks -w.
func (o *runOptions) workdir() (string, error) {
	if !path.IsAbs(o.dir) {
		return "", fmt.Errorf("-w %s: expected an absolute path in the container", o.dir)
	}
	return path.Clean(o.dir), nil
}
