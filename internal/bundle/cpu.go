package bundle

import "golang.org/x/sys/cpu"

// features maps the names of manifest.Native.Features to what this CPU has.
var features = map[string]bool{
	"x86-64-v2": cpu.X86.HasSSE3 && cpu.X86.HasSSSE3 && cpu.X86.HasSSE41 && cpu.X86.HasSSE42 && cpu.X86.HasPOPCNT && cpu.X86.HasCX16,
}

// missingFeatures lists those of want that this machine lacks or that are unknown.
func missingFeatures(want []string) (missing []string) {
	for _, name := range want {
		if !features[name] {
			missing = append(missing, name)
		}
	}
	return missing
}
