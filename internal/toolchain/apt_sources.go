package toolchain

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// aptSource is one place that the machine takes Debian packages from.
type aptSource struct {
	uris, suites, components string
	signedBy                 string // file, or a key in the form of a deb822 value
}

// stanza writes the source as deb822 text, for source packages.
func (s aptSource) stanza() string {
	text := fmt.Sprintf("Types: deb-src\nURIs: %s\nSuites: %s\nComponents: %s\n", s.uris, s.suites, s.components)
	if s.signedBy != "" {
		text += "Signed-By: " + s.signedBy + "\n"
	}
	return text + "\n"
}

// machineSources reads the machine's apt configuration below dir (/etc/apt) and keeps the
// suites of the Debian release: nothing else has the sources we look for.
func machineSources(dir, codename string) ([]aptSource, error) {
	files := []string{filepath.Join(dir, "sources.list")}
	for _, pattern := range []string{"*.list", "*.sources"} {
		more, _ := filepath.Glob(filepath.Join(dir, "sources.list.d", pattern))
		files = append(files, more...)
	}
	var all []aptSource
	for _, path := range files {
		f, err := os.Open(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(path, ".sources") {
			all = append(all, parseDeb822(f)...)
		} else {
			all = append(all, parseOneLine(f)...)
		}
		f.Close()
	}
	var kept []aptSource
	for _, s := range all {
		var suites []string
		for _, suite := range strings.Fields(s.suites) {
			if suite == codename || strings.HasPrefix(suite, codename+"-") {
				suites = append(suites, suite)
			}
		}
		s.suites = strings.Join(suites, " ")
		if len(suites) > 0 && !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("%s names no mirror of Debian %s", dir, codename)
	}
	return kept, nil
}

// parseOneLine reads lines "deb [option=value ...] uri suite component ...".
func parseOneLine(r io.Reader) []aptSource {
	var out []aptSource
	for sc := bufio.NewScanner(r); sc.Scan(); {
		line, _, _ := strings.Cut(sc.Text(), "#")
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "deb" && f[0] != "deb-src" {
			continue
		}
		f = f[1:]
		var s aptSource
		if len(f) > 0 && strings.HasPrefix(f[0], "[") {
			end := slices.IndexFunc(f, func(w string) bool { return strings.HasSuffix(w, "]") })
			if end < 0 {
				continue
			}
			for _, option := range f[:end+1] {
				if v, ok := strings.CutPrefix(strings.Trim(option, "[]"), "signed-by="); ok {
					s.signedBy = v
				}
			}
			f = f[end+1:]
		}
		if len(f) < 2 {
			continue
		}
		s.uris, s.suites, s.components = f[0], f[1], strings.Join(f[2:], " ")
		out = append(out, s)
	}
	return out
}

// parseDeb822 reads stanzas of "Field: value" lines; a line that begins with a blank goes on
// with the value before.
func parseDeb822(r io.Reader) []aptSource {
	var out []aptSource
	field := map[string]string{}
	last := ""
	flush := func() {
		if strings.Contains(field["types"], "deb") && field["uris"] != "" && !strings.EqualFold(strings.TrimSpace(field["enabled"]), "no") {
			out = append(out, aptSource{field["uris"], field["suites"], field["components"], field["signed-by"]})
		}
		field, last = map[string]string{}, ""
	}
	for sc := bufio.NewScanner(r); sc.Scan(); {
		line := sc.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			if last == "signed-by" {
				field[last] += "\n" + line // a key block keeps its lines
			} else if last != "" {
				field[last] += " " + strings.TrimSpace(line)
			}
		default:
			name, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(name)
			field[last] = strings.TrimSpace(value)
		}
	}
	flush()
	return out
}

// debianCodename is the machine's Debian release, "bookworm".
func debianCodename(osRelease string) (string, error) {
	b, err := os.ReadFile(osRelease)
	if err != nil {
		return "", err
	}
	for _, line := range strings.Split(string(b), "\n") {
		if v, ok := strings.CutPrefix(line, "VERSION_CODENAME="); ok {
			return strings.Trim(v, `"`), nil
		}
	}
	return "", fmt.Errorf("%s names no VERSION_CODENAME", osRelease)
}
