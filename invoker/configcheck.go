package invoker

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// ConfigError is returned by [New] for each invalid field of [Config], and by [Invoker.Acquire] and [Invoker.Invoke] for one of
// [Action] or [Activation].
type ConfigError struct {
	Field  string // such as "Pool.MaxStarts" or "Action.Name"
	Value  any
	Reason string
}

// Error returns field, value and reason.
func (e *ConfigError) Error() string {
	verb := "%v" // a duration as "-1m0s", not as a number
	if _, text := e.Value.(string); text {
		verb = "%q"
	}
	return printable.Linef("invoker: config: %s: "+verb+": %s", e.Field, e.Value, e.Reason)
}

// faults collects what is invalid.
type faults []error

func (f *faults) add(invalid bool, field string, value any, reason string) {
	if invalid {
		*f = append(*f, &ConfigError{field, value, reason})
	}
}

// complete returns a copy of the configuration with its defaults, or all that is invalid.
func (c Config) complete() (Config, error) {
	var f faults
	f.add(!validOwner(c.Owner), "Owner", c.Owner, `must have 1 to 63 letters, digits and "-"`)
	f.add(c.Engine == nil, "Engine", c.Engine, "is required")
	for _, name := range sortedKeys(c.Env) {
		f.add(name == "" || strings.ContainsAny(name, "=\x00"), "Env", name, `must be a name without "="`)
		f.add(strings.Contains(c.Env[name], "\x00"), "Env."+name, c.Env[name], "must not have a NUL")
	}
	c.Env = maps.Clone(c.Env)
	c.Pool = c.Pool.complete(&f)
	if c.TeardownOnClose == nil {
		forgetful := c.Store == nil
		c.TeardownOnClose = &forgetful
	}
	teardown := *c.TeardownOnClose
	c.TeardownOnClose = &teardown
	c.Logger = logguard.Logger(cmp.Or(c.Logger, slog.Default()))
	return c, errors.Join(f...)
}

// validOwner reports whether a name can be part of the IDs and labels of containers.
func validOwner(name string) bool {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	}
	return name != "" && len(name) <= 63 && !strings.ContainsFunc(name, other)
}

// complete returns the settings with their defaults.
func (c PoolConfig) complete(f *faults) PoolConfig {
	f.add(c.Memory < 0, "Pool.Memory", c.Memory, "must not be negative")
	for _, n := range []struct {
		field    string
		value    *int
		standard int
	}{
		{"MemoryPerCPU", &c.MemoryPerCPU, 1024}, {"MaxStarts", &c.MaxStarts, 20},
		{"MaxWaiting", &c.MaxWaiting, 10_000},
	} {
		f.add(*n.value < 0, "Pool."+n.field, *n.value, "must not be negative")
		*n.value = cmp.Or(*n.value, n.standard)
	}
	for _, d := range []struct {
		field    string
		value    *time.Duration
		standard time.Duration
	}{
		{"CreateTimeout", &c.CreateTimeout, 45 * time.Second}, {"ReadyTimeout", &c.ReadyTimeout, 10 * time.Second},
		{"DestroyTimeout", &c.DestroyTimeout, 10 * time.Second}, {"IdleTimeout", &c.IdleTimeout, 10 * time.Minute},
		{"MarkGrace", &c.MarkGrace, 5 * time.Second},
	} {
		f.add(*d.value < 0, "Pool."+d.field, *d.value, "must not be negative")
		*d.value = cmp.Or(*d.value, d.standard)
	}
	c.PauseGrace = cmp.Or(c.PauseGrace, 10*time.Second)
	c.Stems = completeStems(c.Stems, c.Memory, f, "Pool.Stems")
	return c
}

// completeStems returns a copy of the settings with their defaults. memory is that of the pool, 0 if it has no limit.
func completeStems(all []StemCells, memory int, f *faults, field string) []StemCells {
	all = slices.Clone(all)
	shapes := map[Shape]bool{}
	for i := range all {
		s, name := &all[i], fmt.Sprintf("%s[%d]", field, i)
		*s = s.complete(f, name)
		shape := Shape{Kind: s.Kind, Image: s.Image, Memory: s.Memory}
		f.add(shapes[shape], name, s.Kind, "is there twice: kind, image and memory are those of an earlier one")
		shapes[shape] = true
		f.add(memory > 0 && s.Memory > memory, name+".Memory", s.Memory, fmt.Sprintf("is more than Pool.Memory, %d", memory))
	}
	return all
}

// complete returns the settings with their defaults.
func (s StemCells) complete(f *faults, name string) StemCells {
	why := nameFault(s.Kind, true)
	f.add(why != "", name+".Kind", s.Kind, why)
	why = nameFault(s.Image, false)
	f.add(why != "", name+".Image", s.Image, why)
	for _, n := range []struct {
		field string
		value int
	}{{"Memory", s.Memory}, {"Initial", s.Initial}, {"Min", s.Min}, {"Max", s.Max}, {"Threshold", s.Threshold}, {"Increment", s.Increment}} {
		f.add(n.value < 0, name+"."+n.field, n.value, "must not be negative")
	}
	f.add(s.Memory > maxMemory, name+".Memory", s.Memory, fmt.Sprintf("must be at most %d MiB", maxMemory))
	f.add(s.TTL < 0, name+".TTL", s.TTL, "must not be negative")
	f.add((s.Threshold == 0) != (s.Increment == 0), name+".Increment", s.Increment, "is set together with Threshold, or neither is")
	s.Memory = cmp.Or(s.Memory, DefaultMemory)
	s.Min = cmp.Or(s.Min, s.Initial)
	s.Max = cmp.Or(s.Max, max(s.Initial, s.Min))
	f.add(s.Min > s.Max, name+".Min", s.Min, fmt.Sprintf("is more than Max, %d", s.Max))
	f.add(s.Initial > s.Max, name+".Initial", s.Initial, fmt.Sprintf("is more than Max, %d", s.Max))
	return s
}
