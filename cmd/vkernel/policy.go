package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vkernel/internal/bundle"
	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
	"vkernel/internal/policy"
)

func policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy [flags] BUNDLE [ENTRY...]",
		Short: "Show what a bundle's programs may call, and narrow it before you sign",
		Long: `Shows, and with flags changes, what each entry of BUNDLE may ask of the kernel. The builder
lists every system call that a program imports: it can never make another. Whoever signs
can take away what the program does not need, and the signature then covers that too.

Start from a profile, then adjust. Flags change the entries that are named, or all:

` + profileHelp() + `
A call that is taken away is bound, when the program is loaded, to a denial: it answers
EPERM, or ends the process with SIGSYS (--denied kill). Calls that are allowed cost what
they cost without a policy.

Rules say more than yes or no. --read and --write name the only paths that there are for
the program (both replace the path rules that it had): every call that takes a path is held
by them, on the file that links, ".." and mounts lead to. --only names the values of an
argument: "ioctl:1=0x5401,0x5413", or with a mask "clone:0=0x10000/0x10000". --starts says
which entries it may execute, and --inherit holds those, and what they start, by this
policy as well as their own: it then is the most that they may do, so that --profile and
--allow may name calls for them which the program itself does not import.

--connect is about the whole container: the only hosts to which it may connect, by name or network. Without one it
has no network but its own loopback. What is not listed is EACCES, names included.

The changed manifest.json replaces the old one, whose signatures no longer hold.`,
		Example: `  vkernel policy app.vk                                  what may each program do?
  vkernel policy --profile filter app.vk sort uniq       two programs that only read and write
  vkernel policy --profile files-read --read /data app.vk report
  vkernel policy --deny socket,connect --denied kill app.vk
  vkernel policy --connect tcp:example.org:443 --connect tcp:10.1.0.0/16 app.vk
  vkernel policy --starts none --memory 256M --cpu 60 app.vk lua5.4
  vkernel policy --dry-run --json --profile shell app.vk | jq '.entries[].withheld'`,
		Args: args(1, -1, "one bundle, and names of entries if you like"),
	}
	o := policyOptions{changed: cmd.Flags().Changed}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "", "start from the policy `NAME`, in place of what there is")
	f.StringSliceVar(&o.deny, "deny", nil, "take system calls away: `CALL,CALL`")
	f.StringSliceVar(&o.allow, "allow", nil, "give system calls back: `CALL,CALL`")
	f.StringVar(&o.denied, "denied", "", "what a denied call does: `errno` (EPERM) or kill (SIGSYS)")
	f.StringArrayVar(&o.read, "read", nil, "let it read `PATH` and what is below (may be repeated)")
	f.StringArrayVar(&o.write, "write", nil, "let it read and write `PATH` and what is below (may be repeated)")
	f.StringArrayVar(&o.only, "only", nil, "allow only these values of an argument: `CALL:ARG=VALUE,VALUE[/MASK]`")
	f.StringArrayVar(&o.addresses, "address", nil, "allow only these socket addresses: `CALL=ADDRESS`, such as connect=unix:/run/x")
	f.StringArrayVar(&o.connect, "connect", nil, "let the container connect to `PROTOCOL:HOST:PORT,PORT`, in place of what there is (may be repeated), or none")
	f.StringSliceVar(&o.starts, "starts", nil, "entries that it may execute: `ENTRY,ENTRY`, none or any")
	f.BoolVar(&o.inherit, "inherit", false, "hold what it starts by its policy, too")
	f.StringVar(&o.memory, "memory", "", "most `BYTES` of address space of one process (K, M, G), or none: no limit")
	f.StringVar(&o.cpu, "cpu", "", "most `SECONDS` of CPU time of one process, or none: no limit")
	f.BoolVarP(&o.dry, "dry-run", "n", false, "show what would come of it, and write nothing")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m, err := readEntries(args[0])
		if err != nil {
			return err
		}
		chosen, err := o.choose(m, args[1:])
		if err != nil {
			return err
		}
		before := m.Marshal()
		imported, err := o.imported(args[0], m)
		if err != nil {
			return err
		}
		for _, e := range chosen {
			if err := o.change(e, imported[e.Module]); err != nil {
				return fmt.Errorf("entry %s: %w", e.ID, err)
			}
		}
		if err := o.network(m); err != nil {
			return err
		}
		after, err := o.checked(m)
		if err != nil {
			return err
		}
		warnings, err := linkWarnings(args[0], chosen)
		if err != nil {
			return err
		}
		for _, w := range warnings {
			fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
		}
		v := policyView{Bundle: args[0], Changed: !bytes.Equal(before, after), Entries: chosen, Network: m.Network}
		if v.Written = v.Changed && !o.dry; v.Written {
			if err := writeAtomic(filepath.Join(args[0], manifest.File), after); err != nil {
				return err
			}
		}
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), v)
		}
		v.print(cmd.OutOrStdout(), m)
		return nil
	}
	return cmd
}

func profileHelp() string {
	var b strings.Builder
	for i := range policy.Profiles {
		p := &policy.Profiles[i]
		fmt.Fprintf(&b, "  %-12s %s\n", p.Name, wrapText(p.About, 15, 88))
	}
	return b.String()
}

// wrapText sets words in lines; all but the first are indented.
func wrapText(text string, indent, width int) string {
	return strings.TrimLeft(wrap(strings.Fields(text), indent, width), " ")
}

// readEntries reads the manifest of a bundle that may not be signed yet.
func readEntries(dir string) (*manifest.Manifest, error) {
	data, err := bundle.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	return manifest.Parse(data)
}

// choose finds the entries by their ids; all without any.
func (o *policyOptions) choose(m *manifest.Manifest, ids []string) (chosen []*manifest.Entry, err error) {
	for i := range m.Entries {
		if e := &m.Entries[i]; len(ids) == 0 || slices.Contains(ids, e.ID) {
			chosen = append(chosen, e)
		}
	}
	for _, id := range ids {
		if !slices.ContainsFunc(chosen, func(e *manifest.Entry) bool { return e.ID == id }) {
			known := make([]string, len(m.Entries))
			for i := range m.Entries {
				known[i] = m.Entries[i].ID
			}
			return nil, fmt.Errorf("there is no entry %q: there are %s", id, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

// imported lists the calls that each module imports, if the flags make that necessary.
func (o *policyOptions) imported(dir string, m *manifest.Manifest) ([][]string, error) {
	calls := make([][]string, len(m.Megabinary.Modules))
	if o.profile == "" && !o.changed("inherit") {
		return calls, nil
	}
	data, err := os.ReadFile(filepath.Join(dir, bundle.MegabinaryFile))
	if err != nil {
		return nil, err
	}
	modules, err := bundle.ComponentModules(data)
	if err == nil && len(modules) != len(calls) {
		err = fmt.Errorf("it holds %d modules, the manifest lists %d", len(modules), len(calls))
	}
	for i := 0; i < len(modules) && err == nil; i++ {
		var list []layout.Import
		list, err = functions(modules[i])
		calls[i] = charged(list)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", bundle.MegabinaryFile, err)
	}
	return calls, nil
}

// checked gives the bytes of the manifest, if it still is one.
func (o *policyOptions) checked(m *manifest.Manifest) ([]byte, error) {
	err := m.Check()
	if err == nil {
		_, err = policy.New(m)
	}
	if err != nil {
		return nil, fmt.Errorf("nothing was written: %w", err)
	}
	data := m.Marshal()
	if len(data) > manifest.MaxSize {
		return nil, fmt.Errorf("nothing was written: the manifest would have %d bytes, the limit is %d", len(data), manifest.MaxSize)
	}
	return data, nil
}
