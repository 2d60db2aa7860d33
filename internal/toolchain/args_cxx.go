package toolchain

import (
	"path/filepath"
	"strings"
)

// cxxNames are the names by which programs ask for the C++ library or a part of it.
var cxxNames = set("stdc++", "supc++", "c++", "c++abi")

// cxxExtensions are those of C++ sources.
var cxxExtensions = set(".cc", ".cp", ".cpp", ".cxx", ".C", ".c++", ".ii", ".CPP", ".hh", ".hpp", ".H", ".tcc")

// isCXX reports whether a source is C++.
func (s source) isCXX() bool {
	if s.language != "" {
		return strings.HasPrefix(s.language, "c++")
	}
	return cxxExtensions[filepath.Ext(s.path)]
}

// useCXX makes the invocation one of a C++ compiler, as g++ and clang++ are.
func (inv *invocation) useCXX() {
	inv.libCXX = true
	for i := range inv.sources {
		s := &inv.sources[i]
		if s.language != "" {
			continue
		}
		switch filepath.Ext(s.path) {
		case ".c":
			s.language = "c++"
		case ".h":
			s.language = "c++-header"
		case ".i":
			s.language = "c++-cpp-output"
		}
	}
}

// linksCXX reports whether the link takes the C++ library.
func (inv *invocation) linksCXX() bool {
	return inv.libCXX && !inv.noLibs && !inv.noLibCXX && !inv.partial
}

// needsCXX reports whether the C++ library must be there, its headers or its archives.
func (inv *invocation) needsCXX() bool {
	if inv.stage == link && len(inv.inputs) > 0 && inv.linksCXX() {
		return true
	}
	for _, s := range inv.sources {
		if s.isCXX() && !inv.noInc && !inv.noIncCXX {
			return true
		}
	}
	return false
}
