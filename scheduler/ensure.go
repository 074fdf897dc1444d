package scheduler

import (
	"context"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Ensure is [Scheduler.Submit] for a program that may have submitted the task before, in an earlier run or process. A
// task that is not on record is submitted. A task that is on record with an equal spec is returned as it is, even if it
// has ended. If the spec on record differs, Ensure returns the task on record and a [*SpecDiffError]. Nothing runs
// twice.
//
// In the comparison an empty list or map equals none, and amounts are compared in thousandths, as Mesos does. Defaults are
// not filled in: a port with protocol "tcp" differs from one without. [task.Spec.RequestID] is not compared. Of a task that
// is only remembered, see [Config.RememberIDs], a hash of the spec is compared.
//
// If ctx ends first the error is a [*WaitError], and the task may be on record or not: unlike [Scheduler.Submit],
// Ensure does not withdraw it, so that Ensure can be called again.
func (s *Scheduler) Ensure(ctx context.Context, spec task.Spec) (task.Info, error) {
	return s.put(ctx, spec, func(r ref, spec task.Spec) input { return ensure{ref: r, spec: spec} })
}

// SpecDiffError is returned by [Scheduler.Ensure] for a task that is on record with another spec, and by methods such as
// [Scheduler.Submit] if the task was submitted by the same request with another spec. It matches [ErrDuplicateTask].
type SpecDiffError struct {
	ID string `json:"id"`
	// Fields are the fields that differ. Empty: the task has ended, and only a hash of its spec is on record.
	Fields []FieldDiff `json:"fields,omitempty"`
}

// FieldDiff is a field in which two specs differ. For fields that may be secret, such as environment variables, both
// texts are empty.
type FieldDiff struct {
	Field    string `json:"field"`             // the path from Spec, such as "CPUs", "Ports[1].Protocol" or "Labels[team]"
	OnRecord string `json:"onRecord,omitzero"` // what is on record; for a list or map, the number of its elements
	Wanted   string `json:"wanted,omitzero"`   // likewise, what the method was called with
}

// String returns one line, such as "CPUs: 0.5 on record, 1 wanted".
func (d FieldDiff) String() string {
	if d.OnRecord == "" && d.Wanted == "" {
		return d.Field + " differs"
	}
	return printable.Linef("%s: %s on record, %s wanted", d.Field, d.OnRecord, d.Wanted)
}

// Error returns one line with the ID and the fields.
func (e *SpecDiffError) Error() string {
	if len(e.Fields) == 0 {
		return printable.Linef("scheduler: task %q has ended, and its spec was another one", e.ID)
	}
	texts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		texts[i] = f.String()
	}
	return printable.Linef("scheduler: task %q is on record with another spec: %s", e.ID, strings.Join(texts, "; "))
}

// Is reports whether target is [ErrDuplicateTask].
func (e *SpecDiffError) Is(target error) bool { return target == ErrDuplicateTask }

func fieldDiffs(all []record.Difference) []FieldDiff {
	diffs := make([]FieldDiff, len(all))
	for i, d := range all {
		diffs[i] = FieldDiff{Field: d.Field, OnRecord: d.A, Wanted: d.B}
	}
	return diffs
}
