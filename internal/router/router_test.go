package router

import (
	"testing"

	"vkernel/internal/manifest"
)

func TestLookup(t *testing.T) {
	program, script, other := manifest.Sum([]byte("p")), manifest.Sum([]byte("s")), manifest.Sum([]byte("o"))
	r := New(&manifest.Manifest{
		Entries: []manifest.Entry{
			{ID: "dash", Name: "dash", Module: 1, Export: "_start"},
			{ID: "lua", Name: "lua", Module: 2, Export: "_start"},
		},
		Executables: []manifest.Executable{
			{SHA256: program, Entry: "lua"},
			{SHA256: script, Interpreter: "/bin/sh"},
		},
	})
	if e, ok := r.Lookup(program); !ok || e.Program != 2 || e.Export != "_start" || e.Script {
		t.Errorf("program: %+v, %v", e, ok)
	}
	if e, ok := r.Lookup(script); !ok || !e.Script || e.Interpreter != "/bin/sh" {
		t.Errorf("script: %+v, %v", e, ok)
	}
	if e, ok := r.Lookup(other); ok {
		t.Errorf("unlisted content: %+v", e)
	}
}
