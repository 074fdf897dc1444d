package scheduler

import (
	"context"
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// RecordError ends Run when its store holds a record that this version does not understand. Nothing
// in the store was changed.
type RecordError struct {
	Key string
	Err error
}

// Error names the record.
func (e *RecordError) Error() string {
	return fmt.Sprintf("scheduler: record %q in the store: %v", e.Key, e.Err)
}

// Unwrap returns Err.
func (e *RecordError) Unwrap() error { return e.Err }

// asRecordError returns an error of package record as one of this package.
func asRecordError(err error) error {
	if of := (*record.Error)(nil); errors.As(err, &of) {
		return &RecordError{Key: of.Key, Err: of.Err}
	}
	return err
}

// encodeChanges returns changes in the form that a store takes.
func encodeChanges(changes []change) (map[string][]byte, error) {
	records := make(map[string][]byte, 2*len(changes))
	for _, c := range changes {
		if err := encodeChange(c, records); err != nil {
			return nil, asRecordError(err)
		}
	}
	return records, nil
}

func encodeChange(c change, to map[string][]byte) (err error) {
	specKey, taskKey := record.SpecKey(c.id), record.TaskKey(c.id)
	switch {
	case c.id == "" && c.framework == "":
		to[record.FrameworkKey] = nil
		return nil
	case c.id == "":
		to[record.FrameworkKey], err = record.EncodeFramework(c.framework)
		return err
	case c.task == nil:
		to[specKey], to[taskKey] = nil, nil
		return nil
	}
	if !c.task.SpecStored {
		if to[specKey], err = record.EncodeSpec(&c.task.Info.Spec); err != nil {
			return err
		}
	}
	to[taskKey], err = record.EncodeTask(c.task)
	return err
}

// load makes a machine of what the store holds.
func load(ctx context.Context, from Store, s settings) (*machine, error) {
	records, err := loadRecords(ctx, from)
	if err != nil {
		return nil, asFenced(fmt.Errorf("scheduler: the store cannot be read: %w", err))
	}
	framework, tasks, err := record.Decode(records)
	if err != nil {
		return nil, asRecordError(err)
	}
	for i := range tasks {
		// Another framework would never hear of it again.
		if info := &tasks[i].Info; framework == "" && occupies(info.State) {
			return nil, &RecordError{Key: record.FrameworkKey, Err: fmt.Errorf("it is missing, and task %q is %v", info.Spec.ID, info.State)}
		}
	}
	s.durable = true
	m := newMachine(s)
	m.restore(framework, tasks)
	return m, nil
}

func loadRecords(ctx context.Context, s Store) (records map[string][]byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked("the store", p)
		}
	}()
	return s.Load(ctx)
}

// fits refuses a request with a task, or a pod, that the store could not take at once: its records stay together.
func (l batchLimit) fits(r *request) error {
	switch {
	case l == batchLimit{}:
		return nil
	case r.spec != nil:
		return l.fitTogether([]task.Spec{*r.spec})
	}
	return l.fitTogether(r.pod)
}

func (l batchLimit) fitTogether(specs []task.Spec) error {
	if l.records > 0 && 2*len(specs) > l.records {
		return &task.FieldError{Field: "Pod", Value: specs[0].Pod, Reason: fmt.Sprintf("has %d members, of which the store takes %d at once", len(specs), l.records/2)}
	}
	if l.bytes == 0 {
		return nil
	}
	size := 0
	for i := range specs {
		encoded, err := record.EncodeSpec(&specs[i])
		if err != nil {
			return asRecordError(err)
		}
		size += len(encoded) + 2*len(record.SpecKey(specs[i].ID)) + stateSize
	}
	if size > l.bytes {
		return &task.FieldError{Field: "Spec", Value: fmt.Sprintf("%d bytes", size), Reason: fmt.Sprintf("is more than the store takes at once, which is %d bytes", l.bytes)}
	}
	return nil
}

// stateSize is what is set aside for the record of a task's state. Most take some 300 bytes; where more does not
// fit, a status is stored without its texts.
const stateSize = 2 << 10
