package invoker

import (
	"cmp"
	"fmt"
	"time"
	"unicode/utf8"
)

// What an [Action] may have at most.
const (
	maxNameLength  = 1024 // bytes of each name
	maxConcurrency = 1000
	maxTimeout     = 24 * time.Hour
	maxMemory      = 1 << 24 // MiB
)

// check returns a *ConfigError if the action cannot be run.
func (a *Action) check() error {
	if a == nil {
		return &ConfigError{Field: "Action", Value: nil, Reason: "is required"}
	}
	for _, f := range [...]struct {
		name, value string
		required    bool
	}{
		{"Namespace", a.Namespace, true}, {"Name", a.Name, true}, {"Kind", a.Kind, true}, {"Image", a.Image, a.UserImage},
		{"Revision", a.Revision, false}, {"Version", a.Version, false},
	} {
		if why := nameFault(f.value, f.required); why != "" {
			return &ConfigError{Field: "Action." + f.name, Value: abridged([]byte(f.value)), Reason: why}
		}
	}
	switch {
	case a.Memory < 0 || a.Memory > maxMemory:
		return &ConfigError{Field: "Action.Memory", Value: a.Memory, Reason: fmt.Sprintf("must be between 0 and %d MiB", maxMemory)}
	case a.Concurrency < 0 || a.Concurrency > maxConcurrency:
		return &ConfigError{Field: "Action.Concurrency", Value: a.Concurrency, Reason: fmt.Sprintf("must be between 0 and %d", maxConcurrency)}
	case a.Timeout < 0 || a.Timeout > maxTimeout:
		return &ConfigError{Field: "Action.Timeout", Value: a.Timeout, Reason: fmt.Sprintf("must be between 0 and %v", maxTimeout)}
	}
	return nil
}

// nameFault returns what is wrong with a name, or "". Names are stored as JSON, which would alter what is not UTF-8.
func nameFault(name string, required bool) string {
	switch {
	case name == "" && required:
		return "is required"
	case len(name) > maxNameLength:
		return fmt.Sprintf("must have at most %d bytes", maxNameLength)
	case !utf8.ValidString(name):
		return "must be UTF-8"
	}
	return ""
}

// key returns the key of the containers that can run the action.
func (a *Action) key() Key {
	k := Key{
		Namespace: a.Namespace, Action: a.Name, Revision: a.Revision, Concurrency: a.concurrency(),
		Shape: Shape{Kind: a.Kind, Image: a.Image, Memory: cmp.Or(a.Memory, DefaultMemory)},
	}
	if a.UserImage {
		k.Tenant = a.Namespace
	}
	return k
}

func (a *Action) concurrency() int       { return cmp.Or(a.Concurrency, 1) }
func (a *Action) timeout() time.Duration { return cmp.Or(a.Timeout, DefaultTimeout) }
func (a *Action) version() string        { return cmp.Or(a.Version, "0.0.1") }
func (a *Action) main() string           { return cmp.Or(a.Main, "main") }
