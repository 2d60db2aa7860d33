package manifest

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "../../docs/manifest.schema.json"

func loadSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// judge asks the schema about a document.
func judge(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// documents are changes of the full example, and who refuses them. What only the parser
// refuses is what docs/manifest.schema.json says a schema cannot: names given twice, order,
// references.
var documents = []struct {
	name, old, new string
	schema, parser bool // refused
}{
	{"as it is", "", "", false, false},
	{"no release", `"release": 7,`, ``, false, false},
	{"largest release", `"release": 7`, `"release": 9007199254740991`, false, false},
	{"release too large", `"release": 7`, `"release": 9007199254740992`, true, true},
	{"negative release", `"release": 7`, `"release": -1`, true, true},
	{"release as text", `"release": 7`, `"release": "7"`, true, true},
	{"version 1", `"version": 2`, `"version": 1`, true, true},
	{"unknown", `"release": 7`, `"relaese": 7`, true, true},
	{"unknown in build", `"by":`, `"on":`, true, true},
	{"no name", `"name": "demo", "release"`, `"release"`, true, true},
	{"name with a slash", `"name": "demo", "release"`, `"name": "de/mo", "release"`, true, true},
	{"name with a dot first", `"name": "demo", "release"`, `"name": ".demo", "release"`, true, true},
	{"null", `"starts": []`, `"starts": null`, true, true},
	{"digest in capitals", `"sha256": "` + shaB, `"sha256": "` + strings.ToUpper(shaB), true, true},
	{"digest too short", `"sha256": "` + shaB, `"sha256": "` + shaB[1:], true, true},
	{"no modules", `"modules": ["` + shaA + `"]`, `"modules": []`, true, true},
	{"module beyond", `"module": 0`, `"module": 1`, false, true},
	{"export empty", `"_start"`, `""`, true, true},
	{"syscalls out of order", `"connect", "openat"`, `"openat", "connect"`, false, true},
	{"syscall twice", `"connect", "openat"`, `"connect", "connect"`, true, true},
	{"denied", `"denied": "kill"`, `"denied": "trap"`, true, true},
	{"preopens", `"preopens": []`, `"preopens": ["/", ".", "/a/b"]`, false, false},
	{"relative preopen", `"preopens": []`, `"preopens": ["a"]`, true, true},
	{"unclean preopen", `"preopens": []`, `"preopens": ["/a/../b"]`, true, true},
	{"preopen with a slash at the end", `"preopens": []`, `"preopens": ["/a/"]`, true, true},
	{"hidden preopen", `"preopens": []`, `"preopens": ["/.a", "/..b", "/...", "/a.b"]`, false, false},
	{"limits empty", `{"memory": 67108864, "cpu": 10}`, `{}`, false, false},
	{"limits unknown", `"cpu": 10`, `"disk": 10`, true, true},
	{"starts itself", `"starts": []`, `"starts": ["busybox"]`, false, false},
	{"starts nothing known", `"starts": []`, `"starts": ["dash"]`, false, true},
	{"inherit as text", `"inherit": true`, `"inherit": "true"`, true, true},
	{"securebit", `"exec-restrict-file"`, `"noroot"`, true, true},
	{"securebit twice", `"exec-restrict-file"`, `"exec-deny-interactive"`, true, true},
	{"rule of a call that is not listed", `{"syscall": "socket"`, `{"syscall": "bind"`, false, true},
	{"rule without a call", `{"syscall": "socket", `, `{`, true, true},
	{"rule of two kinds", `"allow": [1]`, `"allow": [1], "addresses": ["unix:/x"]`, true, true},
	{"rule of no kind", `, "allow": [1], "mask": 255`, ``, true, true},
	{"seventh argument", `"arg": 0`, `"arg": 6`, true, true},
	{"mask that hides a value", `"mask": 255`, `"mask": 2`, false, true},
	{"mask of paths", `"write": true}`, `"mask": 1}`, true, true},
	{"paths of a call", `{"paths": ["/tmp"]`, `{"syscall": "openat", "paths": ["/tmp"]`, true, true},
	{"path unclean", `{"paths": ["/tmp"]`, `{"paths": ["/tmp/."]`, true, true},
	{"write of addresses", `"addresses": ["unix:/run/x"]`, `"addresses": ["unix:/run/x"], "write": true`, true, true},
	{"addresses of another call", `{"syscall": "connect"`, `{"syscall": "openat"`, true, true},
	{"address empty", `"unix:/run/x"`, `""`, true, true},
	{"executable of both kinds", `"entry": "busybox"`, `"entry": "busybox", "interpreter": "/bin/sh"`, true, true},
	{"executable of no kind", `"entry": "busybox", `, ``, true, true},
	{"script", `"entry": "busybox"`, `"interpreter": "/bin/sh"`, false, false},
	{"interpreter of two lines", `"entry": "busybox"`, `"interpreter": "/bin/sh\n"`, true, true},
	{"entry of nobody", `"entry": "busybox"`, `"entry": "dash"`, false, true},
	{"seen nowhere", `"paths": ["/bin/busybox"]`, `"paths": []`, false, false},
	{"no command", `["/bin/sh"]`, `[]`, true, true},
	{"command empty", `["/bin/sh"]`, `[""]`, true, true},
	{"argument empty", `["/bin/sh"]`, `["/bin/sh", ""]`, false, false},
	{"argument with NUL", `["/bin/sh"]`, `["/bin/sh", "\u0000"]`, true, true},
	{"host in capitals", `*.example.org`, `*.Example.org`, true, true},
	{"host with a dot at the end", `*.example.org`, `example.org.`, true, true},
	{"host of two stars", `*.example.org`, `*.*.org`, true, true},
	{"host and cidr", `"host": "*.example.org"`, `"host": "a", "cidr": "10.0.0.0/8"`, true, true},
	{"cidr with bits beyond", `2001:db8::/32`, `2001:db8::1/32`, false, true},
	{"cidr is no address", `2001:db8::/32`, `example/32`, true, true},
	{"no ports", `"ports": [443]`, `"ports": []`, true, true},
	{"port 0", `"ports": [443]`, `"ports": [0]`, true, true},
	{"protocol", `"protocol": "udp"`, `"protocol": "icmp"`, true, true},
	{"mount anywhere", `"at": "/src"`, `"at": "/*"`, false, false},
	{"mount over the root", `"at": "/src"`, `"at": "/"`, true, true},
	{"mount unclean", `"at": "/src"`, `"at": "/src//a"`, true, true},
	{"mount relative", `"at": "/src"`, `"at": "src"`, true, true},
	{"no mounts", `{"at": "/src", "write": true}, {"at": "/data/*", "exec": true}`, ``, false, false},
	{"source without a digest", `"sha256": "` + shaA + `", "url"`, `"url"`, true, true},
	{"source with a relative URL", `https://example.org/b.tar`, `b.tar`, true, true},
	{"trailing bytes", `"exec": true}]`, `"exec": true}]}`, true, true},
	{"trailing comma", `"exec": true}]`, `"exec": true}],`, true, true},
	{"name twice", `"release": 7`, `"release": 7, "release": 7`, false, true},
}

// TestSchema: schema and parser judge alike.
func TestSchema(t *testing.T) {
	s := loadSchema(t)
	for _, d := range documents {
		t.Run(d.name, func(t *testing.T) {
			text := full
			if d.old != "" {
				text = strings.Replace(full, d.old, d.new, 1)
				if text == full {
					t.Fatal("the test changes nothing")
				}
			}
			if err := judge(t, s, text); (err != nil) != d.schema {
				t.Errorf("schema: %v, expected a refusal: %v", err, d.schema)
			}
			if _, err := Parse([]byte(text)); (err != nil) != d.parser {
				t.Errorf("parser: %v, expected a refusal: %v", err, d.parser)
			}
		})
	}
	if err := judge(t, s, example); err != nil {
		t.Errorf("the short example: %v", err)
	}
}

// TestSchemaFields: the schema has exactly the fields that the types have, and requires
// those that they require.
func TestSchemaFields(t *testing.T) {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	compareFields(t, root, root, reflect.TypeFor[Manifest](), "manifest")
}

func compareFields(t *testing.T, root, s map[string]any, typ reflect.Type, at string) {
	if ref, ok := s["$ref"].(string); ok {
		s = root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	if typ.Implements(reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()) {
		return
	}
	switch typ.Kind() {
	case reflect.Slice:
		if items, ok := s["items"].(map[string]any); ok {
			compareFields(t, root, items, typ.Elem(), at+"[]")
		}
		return
	case reflect.Struct:
	default:
		return
	}
	var names, required []string
	properties, _ := s["properties"].(map[string]any)
	for i := range typ.NumField() {
		name, opt, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
		if opt == "" {
			required = append(required, name)
		}
		p, ok := properties[name].(map[string]any)
		if !ok {
			t.Errorf("%s.%s is not in the schema", at, name)
			continue
		}
		compareFields(t, root, p, typ.Field(i).Type, at+"."+name)
	}
	for name := range properties {
		if !slices.Contains(names, name) {
			t.Errorf("%s.%s is in the schema and not in the types", at, name)
		}
	}
	var listed []string
	list, _ := s["required"].([]any)
	for _, r := range list {
		listed = append(listed, r.(string))
	}
	slices.Sort(listed)
	slices.Sort(required)
	if !slices.Equal(listed, required) || s["additionalProperties"] != false {
		t.Errorf("%s: the schema requires %v and additionalProperties %v, the types require %v and allow no others", at, listed, s["additionalProperties"], required)
	}
}

// TestDocument: the examples of docs/manifest.md are manifests, by parser and schema, and
// have every field.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d JSON examples, expected manifest.json, rootfs.json and trust.json", len(blocks))
	}
	m, err := Parse(blocks[0][1])
	if err != nil {
		t.Fatal(err)
	}
	if err := judge(t, loadSchema(t), string(blocks[0][1])); err != nil {
		t.Error(err)
	}
	if _, err := ParseRoot(blocks[1][1]); err != nil {
		t.Error(err)
	}
	everyField(t, []reflect.Value{reflect.ValueOf(*m)}, "manifest")
}

// everyField checks that in some of values each field has a value.
func everyField(t *testing.T, values []reflect.Value, at string) {
	if len(values) == 0 {
		return
	}
	typ := values[0].Type()
	if typ.Kind() == reflect.Slice {
		var all []reflect.Value
		for _, v := range values {
			for i := range v.Len() {
				all = append(all, v.Index(i))
			}
		}
		everyField(t, all, at+"[]")
		return
	}
	if typ.Kind() != reflect.Struct {
		return
	}
	for i := range typ.NumField() {
		var of []reflect.Value
		used := false
		for _, v := range values {
			of = append(of, v.Field(i))
			used = used || !v.Field(i).IsZero() || typ.Field(i).Name == "Module"
		}
		if !used {
			t.Errorf("%s.%s: no example", at, typ.Field(i).Name)
		}
		everyField(t, of, at+"."+typ.Field(i).Name)
	}
}
