package scheduler

import (
	"context"
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// RecordError is returned by Run for a record in the store that this version cannot decode. Nothing in the store was
// changed.
type RecordError struct {
	Key string
	Err error
}

// Error returns the record's key and what is wrong with it.
func (e *RecordError) Error() string {
	return printable.Linef("scheduler: record %q in the store: %v", e.Key, e.Err)
}

// Unwrap returns Err.
func (e *RecordError) Unwrap() error { return e.Err }

// asRecordError turns an error of package record into a RecordError, and returns any other as it is.
func asRecordError(err error) error {
	if of := (*record.Error)(nil); errors.As(err, &of) {
		return &RecordError{Key: of.Key, Err: of.Err}
	}
	return err
}

// encodeChanges returns the records of changes, in the form that a store takes.
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
	case c.id == "" && c.framework.State == record.NoFramework:
		to[record.FrameworkKey] = nil
		return nil
	case c.id == "":
		to[record.FrameworkKey], err = record.EncodeFramework(c.framework)
		return err
	case c.task == nil:
		to[specKey], to[taskKey], to[record.EndedKey(c.id)] = nil, nil, nil
		if c.ended != nil {
			to[record.EndedKey(c.id)], err = record.EncodeEnded(*c.ended)
		}
		return err
	}
	if !c.task.SpecStored {
		spec := c.task.Info.Spec.Whole()
		if to[specKey], err = record.EncodeSpec(&spec); err != nil {
			return err
		}
	}
	to[taskKey], err = record.EncodeTask(c.task)
	return err
}

// load returns a machine with what the store of a term holds, of which the cache may have a part decoded.
func load(ctx context.Context, store storeTurn, term uint64, known *record.Cache, s settings) (*machine, error) {
	records, err := store.load(ctx)
	if err != nil {
		return nil, asFenced(fmt.Errorf("scheduler: the store cannot be read: %w", err))
	}
	framework, tasks, err := known.Decode(records)
	if err != nil {
		return nil, asRecordError(err)
	}
	ended, err := record.DecodeEnded(records)
	if err != nil {
		return nil, asRecordError(err)
	}
	if err := checkFramework(framework, tasks, s); err != nil {
		return nil, err
	}
	s.durable, s.term = true, term
	m := newMachine(s)
	m.restore(framework, tasks, ended)
	return m, nil
}

// fits returns an error for a request with a task, or a pod, whose records the store could not take at once.
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
	if most := max(1, l.records/2); l.records > 0 && len(specs) > most {
		return &task.FieldError{Field: "Pod", Value: specs[0].Pod, Reason: fmt.Sprintf("has %d members; the store takes at most %d at once", len(specs), most)}
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
		size += len(encoded) + 2*len(record.SpecKey(specs[i].ID)) + len(specs[i].RequestID) + stateSize
	}
	if size > l.bytes {
		field := "Spec"
		if specs[0].Pod != "" {
			field = "Pod"
		}
		return &task.FieldError{Field: field, Value: fmt.Sprintf("%d bytes", size), Reason: fmt.Sprintf("is too large: the store takes at most %d bytes at once", l.bytes)}
	}
	return nil
}

// stateSize is the number of bytes that are reserved for the record of a task's state. Most take some 300 bytes. If a
// record would not fit, its status is stored without texts.
const stateSize = 2 << 10
