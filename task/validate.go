package task

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/mesosid"
)

// Validate checks the spec. It returns nil, or all violations joined, each a [*FieldError].
//
// It refuses what Mesos would refuse, and also what Mesos would silently ignore. This protects other tasks, too:
// one malformed resource makes a master refuse all tasks that are launched in the same operation.
func (s Spec) Validate() error {
	var v violations
	v.id("ID", s.ID)
	v.requestID(s.RequestID)
	v.resources(s)
	v.executor(s)
	v.limits(s)
	v.ports(s)
	v.container(s)
	v.command(s)
	v.pod(s)
	for i, c := range s.Constraints {
		v.constraint(fmt.Sprintf("Constraints[%d]", i), c)
	}
	for i, c := range s.Preferences {
		v.constraint(fmt.Sprintf("Preferences[%d]", i), c)
	}
	v.duration("MaxCompletionTime", s.MaxCompletionTime)
	if s.KillPolicy != nil {
		v.duration("KillPolicy.GracePeriod", s.KillPolicy.GracePeriod)
	}
	v.healthCheck(s)
	v.check(s)
	v.discovery(s.Discovery)
	keys(&v, "Labels", s.Labels)
	return errors.Join(v...)
}

// violations collects the violations; its methods check parts of a spec and add what they find.
type violations []error

func (v *violations) add(field string, value any, reason string) {
	*v = append(*v, &FieldError{Field: field, Value: value, Reason: reason})
}

func (v *violations) id(field, id string) {
	if fault := mesosid.Fault(id); fault != "" {
		v.add(field, id, fault)
	}
}

func (v *violations) requestID(id string) {
	const longest = 255
	odd := func(r rune) bool { return r < ' ' || r > '~' }
	if len(id) > longest || strings.ContainsFunc(id, odd) {
		v.add("RequestID", id, "must have at most 255 characters, all of them printable ASCII")
	}
}

func (v *violations) duration(field string, d time.Duration) {
	switch {
	case d < 0:
		v.add(field, d, "must not be negative")
	case d > 100*365*24*time.Hour:
		v.add(field, d, "must not be longer than 100 years: Mesos' clock would overflow")
	}
}

// pod checks a single member of a pod; [ValidatePod] checks the members against each other.
func (v *violations) pod(s Spec) {
	if s.Pod == "" {
		return
	}
	v.id("Pod", s.Pod)
	if by := s.Container.RunBy(); by != ContainerizerMesos {
		v.add("Container.Containerizer", string(by), `must be "mesos" in a pod`)
	}
}

func (v *violations) discovery(d *Discovery) {
	if d == nil {
		return
	}
	switch d.Visibility {
	case "", VisibilityFramework, VisibilityCluster, VisibilityExternal:
	default:
		v.add("Discovery.Visibility", string(d.Visibility), "must be FRAMEWORK, CLUSTER or EXTERNAL")
	}
	keys(v, "Discovery.Labels", d.Labels)
}

// text refuses a zero byte, where the agent would truncate the text.
func (v *violations) text(field, s string) {
	if strings.ContainsRune(s, 0) {
		v.add(field, s, "must not contain a zero byte")
	}
}

// keys refuses an empty key of a map.
func keys[V any](v *violations, field string, m map[string]V) {
	if _, found := m[""]; found {
		v.add(field, "", "must not have an empty key")
	}
}

// sortedKeys returns the keys of a map in order. Most have none, for which slices.Sorted would allocate.
func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}
