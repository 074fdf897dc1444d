package whiskconf

import "fmt"

// Error is a setting that cannot be used.
type Error struct {
	Setting string // its path, such as "whisk.mesos.role"
	Value   string
	Reason  string
}

// Error names the setting, its environment variable, its value and the reason.
func (e *Error) Error() string {
	return fmt.Sprintf("whiskconf: %s (%s) is %q: %s", e.Setting, variable(e.Setting), e.Value, e.Reason)
}

// ManifestError is a field of a manifest of runtimes that cannot be used.
type ManifestError struct {
	Field  string // such as "runtimes.nodejs[0].kind"
	Value  string
	Reason string
}

// Error names the field, its value and the reason.
func (e *ManifestError) Error() string {
	return fmt.Sprintf("whiskconf: %s of the manifest of runtimes is %q: %s", e.Field, e.Value, e.Reason)
}
