package syscalls

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Module is the import module of the native ABI.
const Module = "wali"

// Prefix of the imports that are system calls.
const Prefix = "SYS_"

// helpers are the imports of module wali that are not system calls: name and types, as in
// Call.Sig. Those from setjmp to longjmp never reach a handler: the engine leaves with a
// kind of its own.
var helpers = map[string]string{
	"__init":              ":i",
	"__deinit":            ":i",
	"__proc_exit":         "i:",
	"__cl_get_argc":       ":i",
	"__cl_get_argv_len":   "i:i",
	"__cl_copy_argv":      "ii:i",
	"__get_init_envfile":  "ii:i",
	"__cl_get_envc":       ":i",   // ours: the environment without a file between,
	"__cl_get_env_len":    "i:i",  // its strings indexed and copied like arguments
	"__cl_copy_env":       "ii:i", // (NAME=value, NUL not counted)
	"__wasm_thread_spawn": "ii:i",
	"setjmp":              "i:i",
	"sigsetjmp":           "ii:i",
	"longjmp":             "ii:",
}

// Lookup finds the call that is imported under the name, without its SYS_ prefix.
func Lookup(name string) (*Call, bool) {
	if to, ok := aliases[name]; ok {
		name = to
	}
	c, ok := byName[name]
	return c, ok
}

var byName = func() map[string]*Call {
	m := make(map[string]*Call, len(Table))
	for i := range Table {
		m[Table[i].Name] = &Table[i]
	}
	return m
}()

// Signature gives the type of an import as layout.Import.Type writes it, and whether the
// kernel knows it. Of several accepted types it is the first.
func Signature(module, name string) (sig string, known bool) {
	sigs := signatures(module, name)
	if len(sigs) == 0 {
		return "", false
	}
	return sigs[0], true
}

// signatures lists the accepted types of an import; none if it is not known.
func signatures(module, name string) []string {
	if module == OwnModule {
		return strings.Fields(ownCalls[name].sig)
	}
	if module != Module {
		return nil
	}
	if s, ok := helpers[name]; ok {
		return strings.Fields(s)
	}
	if call, ok := strings.CutPrefix(name, Prefix); ok {
		if c, ok := Lookup(call); ok {
			return strings.Fields(c.Sig)
		}
	}
	return nil
}

// CheckImport is the builder's check of one import. An unknown call of a known module
// passes, since it answers ENOSYS; an unknown module or helper and a type that differs
// are errors that name the import.
func CheckImport(module, name, sig string) error {
	if module != Module && module != OwnModule {
		return fmt.Errorf("import %s: unknown module %q, want %q", Shown(module, name), module, Module)
	}
	want := signatures(module, name)
	im := Shown(module, name)
	switch {
	case want == nil && module == Module && strings.HasPrefix(name, Prefix) && im == module+"."+name:
		if !strings.HasSuffix(sig, ":l") {
			return fmt.Errorf("import %s: type %s: a system call returns i64", im, sig)
		}
		return nil
	case want == nil:
		return fmt.Errorf("import %s: unknown function", im)
	case !slices.Contains(want, sig):
		return fmt.Errorf("import %s: type %s, want %s", im, sig, strings.Join(want, " or "))
	}
	return nil
}

// Shown is an import's name for people: quoted if it is made to deceive them or their
// terminal, for it is the module author's text.
func Shown(module, name string) string {
	s := module + "." + name
	plain := func(c byte) bool {
		return c == '.' || c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	const most = 128
	for i := range len(s) {
		if i == most || !plain(s[i]) {
			return strconv.Quote(s[:min(len(s), most)])
		}
	}
	return s
}
