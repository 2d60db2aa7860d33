package toolchain

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// stage is the last step of a compilation.
type stage int

const (
	link         stage = iota
	compile            // -c
	assembly           // -S
	preprocess         // -E, -M, -MM
	syntaxOnly         // -fsyntax-only
	printVersion       // --version
	printHelp          // --help
	printQuery         // -dumpmachine, -print-...
)

// source is a file to be compiled, with the language that -x gave it, if any.
type source struct{ path, language string }

// invocation is a command line, sorted.
type invocation struct {
	stage    stage
	output   string   // -o
	query    string   // what printQuery asks
	flags    []string // for the compiler, in order
	sources  []source
	inputs   []string // for the linker, in order; a source stands as "\x00<index>"
	noStart  bool     // -nostartfiles
	noLibs   bool     // -nodefaultlibs
	noInc    bool     // -nostdinc
	noIncCXX bool     // -nostdinc++
	noLibCXX bool     // -nostdlib++
	libCXX   bool     // link the C++ library
	cxx      string   // its directory
	partial  bool     // -r
	strip    bool     // -s
	stack    string   // -z stack-size=
	verbose  bool     // -v
	dryRun   bool     // -###
}

// withValue lists the compiler's flags whose value is the next argument.
var withValue = set("-I", "-D", "-U", "-include", "-imacros", "-isystem", "-idirafter", "-iquote", "-iprefix",
	"-iwithprefix", "-iwithprefixbefore", "-MF", "-MT", "-MQ", "-Xclang", "-Xpreprocessor", "-Xassembler", "-mllvm", "--param")

// ignored lists flags that mean nothing here: position-independent code (a program is never
// shared), machine tuning, protections that WebAssembly has by nature, linking modes.
var ignored = set("-fPIC", "-fpic", "-fPIE", "-fpie", "-fno-pic", "-fno-pie", "-fno-PIC", "-fno-PIE", "-pie", "-no-pie",
	"-static-pie", "-static", "-static-libgcc", "-static-libstdc++", "-rdynamic", "-pipe", "-m32", "-m64", "-mx32",
	"-fstack-protector", "-fstack-protector-all", "-fstack-protector-strong", "-fno-stack-protector",
	"-fstack-clash-protection", "-fcf-protection", "-fno-plt", "-gsplit-dwarf", "-nopie", "-s-")

// ignoredPrefixes is the same for flags with a value in the same word.
var ignoredPrefixes = []string{
	"-march=", "-mtune=", "-mcpu=", "-mfpmath=", "-mpreferred-stack-boundary=", "-fcf-protection=",
	"-fuse-ld=", "-mindirect-branch", "-mfunction-return", "-specs=", "-stdlib=", "-rtlib=", "-unwindlib=",
}

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// parseArgs sorts a command line. It is as tolerant as gcc: what it does not know goes to
// clang, which says what is wrong with it.
func parseArgs(args []string) (*invocation, error) {
	args, err := expandResponseFiles(args, 0)
	if err != nil {
		return nil, err
	}
	inv := &invocation{}
	p := &argParser{inv: inv, args: args}
	for p.next < len(p.args) {
		if err := p.one(); err != nil {
			return nil, err
		}
	}
	if inv.output != "" && inv.stage != link && inv.stage < printVersion && len(inv.sources) > 1 {
		return nil, errors.New("cannot use -o with -c, -S or -E and several files")
	}
	return inv, nil
}

type argParser struct {
	inv      *invocation
	args     []string
	next     int
	language string // of -x
}

// value is the argument of a flag: the rest of the word, or the next word.
func (p *argParser) value(flag, word string) (string, error) {
	if v := strings.TrimPrefix(word, flag); v != "" {
		return v, nil
	}
	if p.next >= len(p.args) {
		return "", fmt.Errorf("argument to %q is missing", flag)
	}
	p.next++
	return p.args[p.next-1], nil
}

// one takes the next flag or file, with its value.
func (p *argParser) one() error {
	inv, a := p.inv, p.args[p.next]
	p.next++
	switch {
	case a == "-" || !strings.HasPrefix(a, "-"):
		p.file(a)
		return nil
	case p.stageFlag(a) || ignored[a] || hasPrefix(a, ignoredPrefixes):
		return nil
	case withValue[a]:
		v, err := p.value(a, a)
		inv.flags = append(inv.flags, a, v)
		return err
	case strings.HasPrefix(a, "-o") && !strings.HasPrefix(a, "-object"):
		v, err := p.value("-o", a)
		inv.output = v
		return err
	case strings.HasPrefix(a, "-x"):
		v, err := p.value("-x", a)
		p.language = v
		if v == "none" {
			p.language = ""
		}
		return err
	case a == "-shared" || a == "--shared" || a == "-dynamiclib":
		return errors.New("-shared: a WebAssembly program cannot load libraries at run time; link libraries as archives (configure --disable-shared --enable-static)")
	case a == "-pthread" || a == "-pthreads":
		inv.flags = append(inv.flags, "-D_REENTRANT=1")
		return nil // the linker adds shared memory to programs that can start a thread
	}
	if done, err := p.linkFlag(a); done || err != nil {
		return err
	}
	inv.flags = append(inv.flags, a)
	return nil
}

// stageFlag takes the flags without value that choose what to do.
func (p *argParser) stageFlag(a string) bool {
	inv := p.inv
	switch a {
	case "-c":
		inv.stage = max(inv.stage, compile)
	case "-S":
		inv.stage = max(inv.stage, assembly)
	case "-E":
		inv.stage = max(inv.stage, preprocess)
	case "-M", "-MM":
		inv.stage = max(inv.stage, preprocess)
		inv.flags = append(inv.flags, a)
	case "-fsyntax-only":
		inv.stage = max(inv.stage, syntaxOnly)
	case "--version", "-version":
		inv.stage = printVersion
	case "--help", "-help", "-h":
		inv.stage = printHelp
	case "-v":
		inv.verbose = true
	case "-###":
		inv.dryRun = true
	case "-nostdinc":
		inv.noInc = true
	case "-nostdlib":
		inv.noStart, inv.noLibs = true, true
	case "-nostartfiles":
		inv.noStart = true
	case "-nostdinc++":
		inv.noIncCXX = true
	case "-nostdlib++":
		inv.noLibCXX = true
	case "-nodefaultlibs", "-nolibc":
		inv.noLibs = true
	case "-r":
		inv.partial = true
	case "-s":
		inv.strip = true
	default:
		if !strings.HasPrefix(a, "-dump") && !strings.HasPrefix(a, "-print-") && !strings.HasPrefix(a, "--print-") {
			return false
		}
		if a == "-dumpbase" || a == "-dumpdir" {
			return false
		}
		inv.stage, inv.query = printQuery, strings.TrimPrefix(strings.TrimPrefix(a, "-"), "-")
	}
	return true
}

// file takes an input: something to compile, or something to link.
func (p *argParser) file(name string) {
	inv := p.inv
	if p.language == "" && !isSource(name) {
		inv.inputs = append(inv.inputs, name)
		return
	}
	inv.inputs = append(inv.inputs, fmt.Sprintf("\x00%d", len(inv.sources)))
	inv.sources = append(inv.sources, source{name, p.language})
}

// isSource reports whether the compiler, not the linker, takes the file.
func isSource(name string) bool {
	switch ext := filepath.Ext(name); ext {
	case ".c", ".i", ".s", ".S", ".sx", ".h", ".ll", ".m":
		return true
	default:
		return name == "-" || cxxExtensions[ext]
	}
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// expandResponseFiles replaces @file by the words in the file.
func expandResponseFiles(args []string, depth int) ([]string, error) {
	var out []string
	for _, a := range args {
		name, ok := strings.CutPrefix(a, "@")
		if !ok {
			out = append(out, a)
			continue
		}
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			out = append(out, a) // as gcc: then it is the name of a file
			continue
		}
		if err != nil {
			return nil, err
		}
		if depth > 10 {
			return nil, fmt.Errorf("%s: response files nest too deep", a)
		}
		words, err := expandResponseFiles(splitWords(string(text)), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, words...)
	}
	return out, nil
}

// splitWords splits the text of a response file: blanks separate, quotes and backslash keep.
func splitWords(text string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	started, escaped := false, false
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped, started = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, started = r, true
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if started {
		words = append(words, word.String())
	}
	return words
}
