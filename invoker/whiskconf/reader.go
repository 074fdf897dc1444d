package whiskconf

import (
	"slices"
	"strings"
)

// reader reads settings, and gathers what is wrong with them.
type reader struct {
	settings settings
	used     []string
	wrong    []error
	warnings []string
}

func (r *reader) fail(err error) {
	if err != nil {
		r.wrong = append(r.wrong, err)
	}
}

func (r *reader) warn(path, reason string) {
	r.warnings = append(r.warnings, path+" ("+variable(path)+") has no effect: "+reason)
}

// value returns the first of some settings that is set. All of them count as known.
func (r *reader) value(paths ...string) (path, value string, set bool) {
	r.used = append(r.used, paths...)
	for _, p := range paths {
		if v, is := r.settings[p]; is && !set {
			path, value, set = p, v, true
		}
	}
	return path, value, set
}

func (r *reader) text(paths ...string) (string, bool) {
	_, value, set := r.value(paths...)
	return value, set
}

// read parses the first of some settings that is set.
func read[T any](r *reader, parse func(string) (T, string), paths ...string) (result T, set bool) {
	path, value, set := r.value(paths...)
	if !set {
		return result, false
	}
	result, reason := parse(value)
	if reason != "" {
		r.fail(&Error{Setting: path, Value: value, Reason: reason})
	}
	return result, reason == ""
}

func (r *reader) list(path string) []string {
	r.used = append(append(r.used, path), r.settings.below(path)...)
	items, err := r.settings.list(path)
	r.fail(err)
	return items
}

// warnOfTheRest warns of settings that OpenWhisk may know, and this library does not.
func (r *reader) warnOfTheRest() {
	for _, section := range []string{"whisk.mesos", "whisk.container-factory", "whisk.container-pool", "whisk.container-proxy"} {
		for _, path := range r.settings.below(section) {
			if !slices.Contains(r.used, path) {
				r.warn(path, "this library has no such setting")
			}
		}
	}
	slices.SortFunc(r.warnings, strings.Compare)
}
