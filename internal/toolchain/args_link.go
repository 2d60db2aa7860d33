package toolchain

import "strings"

// linkFlag takes a flag for the linker; done tells that it was one.
func (p *argParser) linkFlag(a string) (done bool, err error) {
	inv := p.inv
	switch {
	case strings.HasPrefix(a, "-l") || strings.HasPrefix(a, "-L"):
		v, err := p.value(a[:2], a)
		if a[:2] == "-l" && cxxNames[v] {
			inv.libCXX = true // linked last, with what it needs
			return true, err
		}
		inv.inputs = append(inv.inputs, a[:2]+v)
		return true, err
	case strings.HasPrefix(a, "-Wl,"):
		p.linkerWords(strings.Split(a[len("-Wl,"):], ","))
		return true, nil
	case a == "-Xlinker":
		words := []string{}
		for { // consecutive ones are one command line
			v, err := p.value(a, a)
			if err != nil {
				return true, err
			}
			words = append(words, v)
			if p.next >= len(p.args) || p.args[p.next] != "-Xlinker" {
				break
			}
			p.next++
		}
		p.linkerWords(words)
		return true, nil
	case a == "-z" || a == "-u" || a == "-e" || a == "-T" || a == "-Xlinker":
		v, err := p.value(a, a)
		if err == nil {
			p.linkerWords([]string{a, v})
		}
		return true, err
	}
	return false, nil
}

// linkerKeep lists the GNU linker's flags that wasm-ld takes and that a program may need;
// all others (groups, maps, hash styles, sonames, rpaths, -z relro) mean nothing to it. The
// value tells whether the next word belongs to the flag.
var linkerKeep = map[string]bool{
	"--gc-sections": false, "--no-gc-sections": false, "--whole-archive": false, "--no-whole-archive": false,
	"--allow-undefined": false, "--no-entry": false, "--export-all": false, "--trace": false, "-t": false,
	"--verbose": false,
	"-u":        true, "--undefined": true, "--wrap": true, "--entry": true, "-y": true,
	"--trace-symbol": true, "-L": true, "-l": true, "--export": true,
	"--max-memory": true, "--initial-memory": true, "--initial-heap": true,
}

// linkerDropWithValue lists flags without meaning whose value is the next word.
var linkerDropWithValue = set("-z", "-Map", "--Map", "-rpath", "--rpath", "-rpath-link", "--rpath-link", "-soname", "--soname", "-h",
	"-T", "--script", "--version-script", "--dynamic-list", "-I", "--dynamic-linker", "-dynamic-linker", "-m", "-a", "--sort-section",
	"-b", "--format", "-plugin", "-plugin-opt", "-Ttext", "-Tdata", "-Tbss")

// linkerKeepJoined lists prefixes of kept flags with their value in the same word.
var linkerKeepJoined = []string{
	"--undefined=", "--wrap=", "--entry=", "--trace-symbol=", "--export=",
	"--export-if-defined=", "--max-memory=", "--initial-memory=", "--initial-heap=", "--global-base=", "--error-limit=",
	"-L", "-l", "-O", "--lto-", "--features=", "--extra-features=",
}

// linkerWords sorts words meant for the linker (-Wl, -Xlinker).
func (p *argParser) linkerWords(words []string) {
	inv := p.inv
	for i := 0; i < len(words); i++ {
		w := words[i]
		name := w
		if strings.HasPrefix(name, "-") && !strings.HasPrefix(name, "--") && len(name) > 2 {
			if _, known := linkerKeep["-"+name]; known {
				name = "-" + name // long flags may have one dash
			}
		}
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		value, keep := linkerKeep[name]
		switch {
		case w == "-e" && next != "":
			inv.inputs = append(inv.inputs, "--entry", next)
			i++
		case (w == "-u" || name == "--undefined") && next != "":
			inv.inputs = append(inv.inputs, "--undefined="+next)
			i++
		case w == "-z" && strings.HasPrefix(next, "stack-size="):
			inv.stack = strings.TrimPrefix(next, "stack-size=")
			i++
		case strings.HasPrefix(w, "-zstack-size="):
			inv.stack = strings.TrimPrefix(w, "-zstack-size=")
		case w == "-s" || w == "--strip-all" || w == "-S" || w == "--strip-debug":
			inv.strip = true
		case w == "-r" || w == "--relocatable":
			inv.partial = true
		case keep && value && next != "":
			inv.inputs = append(inv.inputs, name, next)
			i++
		case keep && !value, hasPrefix(w, linkerKeepJoined):
			inv.inputs = append(inv.inputs, name)
		case linkerDropWithValue[w]:
			i++
		case !strings.HasPrefix(w, "-"):
			inv.inputs = append(inv.inputs, w)
		}
	}
}
