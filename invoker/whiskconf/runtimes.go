package whiskconf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// Runtimes are the runtimes in a manifest of OpenWhisk: runtimes.json, or the environment variable RUNTIMES_MANIFEST.
type Runtimes struct {
	Kinds      []Runtime // by kind
	Blackboxes []string  // images of users that count as managed
}

// Runtime is one kind of runtime.
type Runtime struct {
	Kind        string
	Family      string // such as "nodejs"
	Image       string // with the registry that the manifest names, if it does
	Default     bool   // of its family
	Deprecated  bool
	RequireMain bool
	NoSentinels bool // its output has no lines that mark the end of an activation
	Stems       []invoker.StemCells
}

// Kind returns a runtime by its kind. "family:default" is the default of a family, such as "nodejs:default".
func (r Runtimes) Kind(kind string) (Runtime, bool) {
	family, isDefault := strings.CutSuffix(kind, ":default")
	for _, runtime := range r.Kinds {
		if runtime.Kind == kind || isDefault && runtime.Default && runtime.Family == family {
			return runtime, true
		}
	}
	return Runtime{}, false
}

// Stems returns the stem cells of all kinds, with their images.
func (r Runtimes) Stems() []invoker.StemCells {
	var all []invoker.StemCells
	for _, runtime := range r.Kinds {
		all = append(all, runtime.Stems...)
	}
	return all
}

// What a manifest has. Unknown fields are ignored, as OpenWhisk does.
type (
	manifest struct {
		Runtimes   map[string][]runtimeEntry `json:"runtimes"`
		Blackboxes []image                   `json:"blackboxes"`
	}
	runtimeEntry struct {
		Kind            string      `json:"kind"`
		Default         bool        `json:"default"`
		Deprecated      bool        `json:"deprecated"`
		RequireMain     bool        `json:"requireMain"`
		SentinelledLogs *bool       `json:"sentinelledLogs"`
		Image           image       `json:"image"`
		StemCells       []stemEntry `json:"stemCells"`
	}
	image struct {
		Registry string `json:"registry"`
		Prefix   string `json:"prefix"`
		Name     string `json:"name"`
		Tag      string `json:"tag"`
	}
	stemEntry struct {
		Count        *int           `json:"count"`
		InitialCount *int           `json:"initialCount"`
		Memory       string         `json:"memory"`
		Reactive     *reactiveEntry `json:"reactive"`
	}
	reactiveEntry struct {
		MinCount  int    `json:"minCount"`
		MaxCount  int    `json:"maxCount"`
		TTL       string `json:"ttl"`
		Threshold int    `json:"threshold"`
		Increment int    `json:"increment"`
	}
)

// name returns what an image is pulled by, without a registry of the settings.
func (i image) name() string {
	name := i.Name
	if i.Prefix != "" {
		name = i.Prefix + "/" + name
	}
	if i.Registry != "" {
		name = strings.TrimSuffix(i.Registry, "/") + "/" + name
	}
	if i.Tag != "" {
		name += ":" + i.Tag
	}
	return name
}

// ParseRuntimes reads a manifest. The error has all that is wrong with it, each with its place in the manifest.
func ParseRuntimes(data []byte) (Runtimes, error) {
	var m manifest
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&m); err != nil {
		return Runtimes{}, fmt.Errorf("whiskconf: the manifest of runtimes is not readable: %w", err)
	}
	if decoder.More() {
		return Runtimes{}, errors.New("whiskconf: the manifest of runtimes goes on after its end")
	}
	if len(m.Runtimes) == 0 {
		return Runtimes{}, &ManifestError{Field: "runtimes", Reason: "it is missing, or empty"}
	}
	var (
		r     Runtimes
		wrong []error
		seen  = map[string]string{}
	)
	for _, family := range slices.Sorted(maps.Keys(m.Runtimes)) {
		if err := setDefault(family, m.Runtimes[family]); err != nil {
			wrong = append(wrong, err)
		}
		for i, entry := range m.Runtimes[family] {
			place := fmt.Sprintf("runtimes.%s[%d]", family, i)
			runtime, faults := entry.runtime(place)
			runtime.Family = family
			if other, twice := seen[entry.Kind]; twice {
				faults = append(faults, &ManifestError{Field: place + ".kind", Value: entry.Kind, Reason: "it is also that of " + other})
			}
			seen[entry.Kind] = place
			r.Kinds, wrong = append(r.Kinds, runtime), append(wrong, faults...)
		}
	}
	for i, box := range m.Blackboxes {
		if box.Name == "" {
			wrong = append(wrong, &ManifestError{Field: fmt.Sprintf("blackboxes[%d].name", i), Reason: "it is missing"})
		}
		r.Blackboxes = append(r.Blackboxes, box.name())
	}
	slices.SortStableFunc(r.Kinds, func(a, b Runtime) int { return strings.Compare(a.Kind, b.Kind) })
	if err := errors.Join(wrong...); err != nil {
		return Runtimes{}, err
	}
	return r, nil
}

// setDefault makes the only runtime of a family its default. A family of several has exactly one.
func setDefault(family string, entries []runtimeEntry) error {
	defaults := 0
	for _, e := range entries {
		if e.Default {
			defaults++
		}
	}
	switch {
	case len(entries) == 1:
		entries[0].Default = true
	case len(entries) > 1 && defaults != 1:
		return &ManifestError{Field: "runtimes." + family, Value: fmt.Sprint(defaults), Reason: "exactly one of several runtimes is the default"}
	}
	return nil
}

// runtime returns a runtime, and what is wrong with it.
func (e runtimeEntry) runtime(place string) (r Runtime, wrong []error) {
	if e.Kind == "" {
		wrong = append(wrong, &ManifestError{Field: place + ".kind", Reason: "it is missing"})
	}
	if e.Image.Name == "" {
		wrong = append(wrong, &ManifestError{Field: place + ".image.name", Reason: "it is missing"})
	}
	r = Runtime{
		Kind: e.Kind, Image: e.Image.name(), Default: e.Default, Deprecated: e.Deprecated, RequireMain: e.RequireMain,
		NoSentinels: e.SentinelledLogs != nil && !*e.SentinelledLogs,
	}
	for i, s := range e.StemCells {
		stem, faults := s.stem(fmt.Sprintf("%s.stemCells[%d]", place, i))
		stem.Kind, stem.Image = r.Kind, r.Image
		if slices.ContainsFunc(r.Stems, func(other invoker.StemCells) bool { return other.Memory == stem.Memory }) {
			faults = append(faults, &ManifestError{Field: fmt.Sprintf("%s.stemCells[%d].memory", place, i), Value: s.Memory, Reason: "another entry has it as well"})
		}
		r.Stems, wrong = append(r.Stems, stem), append(wrong, faults...)
	}
	return r, wrong
}

// stem returns stem cells without their kind and image, and what is wrong with them.
func (e stemEntry) stem(place string) (s invoker.StemCells, wrong []error) {
	fault := func(field, value, reason string) {
		if reason != "" {
			wrong = append(wrong, &ManifestError{Field: place + "." + field, Value: value, Reason: reason})
		}
	}
	count := e.InitialCount
	if count == nil {
		count = e.Count
	}
	if count == nil || *count < 0 {
		fault("initialCount", "", "it is a whole number from 0 on, and required")
	} else {
		s.Initial = *count
	}
	var reason string
	s.Memory, reason = size(e.Memory)
	fault("memory", e.Memory, reason)
	if e.Reactive == nil {
		s.Min, s.Max = s.Initial, s.Initial
		return s, wrong
	}
	a := *e.Reactive
	s.Min, s.Max, s.Threshold, s.Increment = a.MinCount, a.MaxCount, a.Threshold, a.Increment
	var ttl time.Duration
	ttl, reason = duration(a.TTL)
	fault("reactive.ttl", a.TTL, reason)
	s.TTL = ttl
	if a.MinCount < 0 || a.MinCount > s.Initial {
		fault("reactive.minCount", fmt.Sprint(a.MinCount), "it is from 0 to initialCount")
	}
	if a.MaxCount < max(a.MinCount, s.Initial) {
		fault("reactive.maxCount", fmt.Sprint(a.MaxCount), "it is at least initialCount")
	}
	if a.Threshold < 1 {
		fault("reactive.threshold", fmt.Sprint(a.Threshold), "it is at least 1")
	}
	if a.Increment < 1 {
		fault("reactive.increment", fmt.Sprint(a.Increment), "it is at least 1")
	}
	return s, wrong
}
