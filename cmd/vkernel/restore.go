package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vkernel/internal/bundle"
	"vkernel/internal/control"
	"vkernel/internal/kernel"
	"vkernel/internal/manifest"
	"vkernel/internal/packet"
	"vkernel/internal/sandbox"
)

func restoreCommand() *cobra.Command {
	var o runOptions
	var container string
	var copied bool
	cmd := &cobra.Command{
		Use:   "restore [flags] DIR",
		Short: "Run a container from a snapshot",
		Long: `Makes the container again that 'vkernel snapshot' saved into DIR, in a new sandbox, and lets it go on
where it was. A snapshot can be restored any number of times.

DIR must be authenticated by your own key, or signed by a key that you trust; the bundle is verified as run
does it, and has to be the one of the snapshot. What was revoked since does not go on. A part that was changed
is refused by its name.

Standard streams, or the terminal, are those of this command. Connections within the container go on; what led out of it has ended.
Directories of the host are those that run was given, in their places then: -v puts another one in
the place of one. For a snapshot that is signed, each has to be given by -v.`,
		Example: `  vkernel restore web.snap
  vkernel restore -d --name web2 web.snap
  vkernel restore --bundle app.vk --key release.key.pub -v "$PWD:/src" app.snap`,
		Args: args(1, 1, "the directory of a snapshot"),
	}
	f := cmd.Flags()
	f.StringVar(&o.bundle, "bundle", "", "`BUNDLE` that the container is of (default: where it was)")
	f.StringVar(&container, "container", "", "refuse a snapshot of another container than `ID` ('vkernel ps --json' shows it)")
	f.StringArrayVarP(&o.volumes, "volume", "v", nil, "show a directory of the host in the place of one that the container had: `HOST:GUEST[:ro]`")
	f.StringVar(&o.logFile, "log", "", "append the kernel's log to `FILE` (default: standard error)")
	f.StringVar(&o.auditFile, "audit", "", "append to `FILE` a line of JSON for each decision about a file to be executed (see 'vkernel audit')")
	f.BoolVar(&o.offline, "offline", false, "no connections to other hosts, whatever the manifest allows; a container that was run so stays so")
	f.BoolVar(&o.privateCode, "private-code", false, "share no native code with other containers: to share it tells other users that a container of this bundle runs")
	f.BoolVar(&copied, "copy", false, "")
	f.MarkHidden("copy") //nolint:errcheck // it exists
	o.addNameFlags(cmd)
	o.trust = addTrustFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.std = stdio{cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()}
		o.dir = "/"
		if o.detach && o.ready == 0 {
			return o.launch(background(cmd))
		}
		var err error
		if copied {
			o.again, err = receiveCopy()
		} else {
			o.again, err = o.openSnapshot(args[0], container)
		}
		if err == nil {
			defer o.again.close()
			err = o.adopt()
		}
		if err != nil {
			return &statusError{exitRefused, err}
		}
		return o.launch(background(cmd))
	}
	return cmd
}

// again is a container that was saved.
type again struct {
	settings control.Settings
	bundle   string
	id       string // that it keeps; "": a new one
	parent   string
	manifest string
	code     string
	snapshot *control.Restored
	memory   *os.File
}

// openSnapshot opens the snapshot of a directory.
func (o *runOptions) openSnapshot(dir, container string) (*again, error) {
	v, err := snapshotVerifier(o.trust, o.bundle, false)
	if err != nil {
		return nil, err
	}
	r, err := control.OpenSnapshot(dir, v)
	if err != nil {
		return nil, err
	}
	a := &again{
		settings: r.Container, bundle: r.Bundle, id: r.Index.Container, parent: dir, snapshot: r,
		manifest: fmt.Sprintf("%x", r.Manifest), code: fmt.Sprintf("%x", r.Code),
	}
	if err := r.Belongs(container, r.Manifest, r.Code); err != nil {
		r.Close()
		return nil, err
	}
	return a, nil
}

// copyOf is what a copy's launcher is told, beside its memory. Descriptors: 4 the memory, 5 this.
type copyOf struct {
	Info control.Info
}

const (
	copyMemory = 4
	copyInfo   = 5
)

// receiveCopy takes over what fork has handed over.
func receiveCopy() (*again, error) {
	data, err := packet.ReadSealed(os.NewFile(copyInfo, "info"), 1<<20)
	if err != nil {
		return nil, err
	}
	var c copyOf
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, err
	}
	i := c.Info
	return &again{
		settings: i.Settings, bundle: i.Bundle, parent: i.Name, manifest: i.Manifest, code: i.Code, memory: os.NewFile(copyMemory, "copy"),
	}, nil
}

func (a *again) close() {
	if a.snapshot != nil {
		a.snapshot.Close()
	}
	if a.memory != nil {
		a.memory.Close()
	}
}

// adopt takes over the settings of the container.
func (o *runOptions) adopt() error {
	s := &o.again.settings
	if o.bundle == "" {
		o.bundle = o.again.bundle
	}
	o.hostname, o.memory, o.disk, o.processes = s.Hostname, byteSize(s.Memory), byteSize(s.Disk), s.Processes
	if o.processes < 1 || o.processes > kernel.MaxProcesses || o.memory != 0 && o.memory < leastMemory {
		return errors.New("snapshot: settings: limits that no container can have")
	}
	o.offline = o.offline || s.Offline
	volumes, err := replaceVolumes(s.Volumes, o.volumes, o.again.snapshot != nil && o.again.snapshot.Travelled())
	if err != nil {
		return err
	}
	o.volumes = volumes
	return nil
}

// replaceVolumes puts given directories in the places of those that a container had. If the snapshot has travelled, all
// have to be: who has signed it decides what runs, and not what it sees of this host.
func replaceVolumes(had, given []string, travelled bool) ([]string, error) {
	guest := func(v string) string {
		parts := strings.Split(v, ":")
		if len(parts) < 2 {
			return ""
		}
		return path.Clean(parts[1])
	}
	volumes := append([]string{}, had...)
	if travelled {
		for _, v := range had {
			if !slices.ContainsFunc(given, func(g string) bool { return guest(g) == guest(v) }) {
				return nil, fmt.Errorf("the container had a directory of its host at %s, and its snapshot is signed, not yours: say with -v what it is here", guest(v))
			}
		}
	}
next:
	for _, v := range given {
		for i := range volumes {
			if guest(volumes[i]) == guest(v) {
				volumes[i] = v
				continue next
			}
		}
		return nil, fmt.Errorf("-v %s: the container had no directory of the host there", v)
	}
	return volumes, nil
}

// belongs refuses another bundle than the container's.
func (a *again) belongs(b *bundle.Bundle) error {
	if a == nil {
		return nil
	}
	m, code := manifest.Sum(b.ManifestBytes()), b.Native.SHA256
	if a.snapshot != nil {
		return a.snapshot.Belongs("", m, code)
	}
	if m.String() != a.manifest || code.String() != a.code {
		return fmt.Errorf("%s has been built again since the container was started", b.Dir)
	}
	return nil
}

// from is what the sandbox begins with, and what ends its use.
func (a *again) from() (*sandbox.From, func()) {
	switch {
	case a == nil:
		return nil, func() {}
	case a.memory != nil:
		return &sandbox.From{Memory: a.memory}, func() {}
	}
	chunks, stop := a.snapshot.Ahead()
	return &sandbox.From{Root: a.snapshot.Root, Chunks: chunks}, stop
}

// describe notes what the container was.
func (a *again) describe(i *control.Info) {
	if a == nil {
		return
	}
	if a.id != "" {
		i.ID = a.id
	}
	i.Parent, i.Settings.Terminal, i.Command = a.parent, a.settings.Terminal, a.settings.Command
}
