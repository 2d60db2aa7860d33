package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"

	"vkernel/internal/manifest/strictjson"
)

// Source names one thing that the bundle was made from; for people and for their tools.
type Source struct {
	Name   string `json:"name"`
	SHA256 Digest `json:"sha256"`
	URL    string `json:"url,omitempty"`
	Recipe string `json:"recipe,omitempty"` // how it was built: a file's name, or a command
}

// sources is the form of a file that lists sources for `vkernel build`.
type sources struct {
	Source []Source `json:"source"`
}

// ParseSources reads a list of sources: {"source": [...]}.
func ParseSources(data []byte) ([]Source, error) {
	var s sources
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%d bytes, the limit is %d", len(data), MaxSize)
	}
	if err := strictjson.Decode(data, &s); err != nil {
		return nil, err
	}
	return s.Source, checkSources(s.Source)
}

// MarshalSources writes what ParseSources reads.
func MarshalSources(list []Source) ([]byte, error) {
	if list == nil {
		list = []Source{}
	}
	var b bytes.Buffer
	err := json.Indent(&b, compact(sources{list}), "", "  ")
	b.WriteByte('\n')
	return b.Bytes(), err
}

func checkSources(list []Source) error {
	if len(list) > maxList {
		return fieldError("source", "%d sources, the limit is %d", len(list), maxList)
	}
	for i := range list {
		s := &list[i]
		field := fmt.Sprintf("source[%d]", i)
		if s.Name == "" {
			return fieldError(field+".name", "empty")
		}
		if s.URL != "" {
			if u, err := url.Parse(s.URL); err != nil || u.Scheme == "" {
				return fieldError(field+".url", "%q is not an absolute URL", s.URL)
			}
		}
	}
	return nil
}
