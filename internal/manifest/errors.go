package manifest

import "vkernel/internal/manifest/strictjson"

// Error is a refusal of one field of a manifest. Field is its path: "entries[2].module".
type Error = strictjson.Error

func fieldError(field, format string, args ...any) error {
	return strictjson.Errorf(field, format, args...)
}

func badVersion(v, want int) error {
	return fieldError("version", "%d is not supported, expected %d", v, want)
}
