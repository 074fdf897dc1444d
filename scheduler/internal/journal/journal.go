// Package journal is the write-ahead gate of a scheduler: it knows which records have changed and were not
// written yet, and keeps back what may not happen before they are.
//
// Records are known by key only; their content is looked up when a writing begins, so that a record that changes
// many times meanwhile is written once. One writing is under way at a time. Changes are written oldest first. An
// action waits for all that had changed when it was added, and actions are released in the order in which they
// were added.
//
// The package writes nothing itself: its user takes the keys of the next writing from [Journal.Begin], and
// says with [Journal.Stored] and [Journal.Failed] what became of it. It has no goroutine and no clock, and is not
// safe for concurrent use.
package journal

import (
	"slices"
	"time"
)

// Journal of changes, with actions of type A that wait for them. Its zero value is empty and ready.
type Journal[A any] struct {
	dirty   []change        // to be written, the oldest first
	isDirty map[string]bool // the keys of dirty
	writing []change        // under way, in the order of writing
	last    uint64          // number of the last change
	waiting []Waiting[A]    // the first to be released first

	failures int // writings in a row that failed
	err      error
	notAt    time.Time // no writing before that
	closed   bool
}

// change is a record that has changed.
type change struct {
	key    string
	number uint64
}

// Waiting is an action that waits for changes to be stored.
type Waiting[A any] struct {
	Since  time.Time // when it was added
	Action A
	after  uint64 // the last change that it waits for
}

// Key is one record of a writing.
type Key struct {
	Key string
	// Joined records must be written together with the one before them, all or none.
	Joined bool
}

// Touch notes that a record has changed.
func (j *Journal[A]) Touch(key string) {
	if j.isDirty[key] {
		return
	}
	if j.isDirty == nil {
		j.isDirty = map[string]bool{}
	}
	j.isDirty[key] = true
	j.last++
	j.dirty = append(j.dirty, change{key, j.last})
}

// TouchLast notes that a record has changed and must not be written before the others that have.
func (j *Journal[A]) TouchLast(key string) {
	if j.isDirty[key] {
		j.dirty = slices.DeleteFunc(j.dirty, func(c change) bool { return c.key == key })
		delete(j.isDirty, key)
	}
	j.Touch(key)
}

// Add has an action wait for all changes so far. It returns false if there is nothing to wait for; the action
// may be performed at once then.
func (j *Journal[A]) Add(now time.Time, a A) bool {
	if !j.Pending() {
		return false
	}
	// While nothing is dirty, the last number is that of a change which is being written, or older ones are.
	j.waiting = append(j.waiting, Waiting[A]{now, a, j.last})
	return true
}

// Pending reports whether something has changed and is not known to be stored.
func (j *Journal[A]) Pending() bool { return len(j.dirty) > 0 || len(j.writing) > 0 }

// Writing reports whether a writing is under way.
func (j *Journal[A]) Writing() bool { return len(j.writing) > 0 }

// Take removes those waiting actions that pick chooses and returns them in order.
func (j *Journal[A]) Take(pick func(A) bool) []A {
	var taken []A
	j.waiting = slices.DeleteFunc(j.waiting, func(w Waiting[A]) bool {
		if !pick(w.Action) {
			return false
		}
		taken = append(taken, w.Action)
		return true
	})
	return taken
}

// Close ends it: no writing begins any more. A writing that is under way may still end.
func (j *Journal[A]) Close() { j.closed = true }

// Reopen undoes Close.
func (j *Journal[A]) Reopen() { j.closed = false }

// Deadline returns when the next writing can begin: the zero time if there is nothing to write, or one is
// under way.
func (j *Journal[A]) Deadline() (at time.Time, ok bool) {
	return j.notAt, len(j.dirty) > 0 && len(j.writing) == 0 && !j.closed
}

// Begin begins a writing and returns its records in the order in which they are to be written, none if there
// is nothing to write, another one is under way, or it is too early after one that failed. Of a key, together
// returns all keys that must be written with it, itself included, or none; those of them that have changed
// follow it.
func (j *Journal[A]) Begin(now time.Time, together func(key string) []string) []Key {
	if at, ok := j.Deadline(); !ok || now.Before(at) {
		return nil
	}
	var numbers map[string]uint64 // of those that belong together, until they are taken
	for _, c := range j.dirty {
		if len(together(c.key)) > 0 {
			if numbers == nil {
				numbers = map[string]uint64{}
			}
			numbers[c.key] = c.number
		}
	}
	keys := make([]Key, 0, len(j.dirty))
	j.writing = make([]change, 0, len(j.dirty))
	for _, c := range j.dirty {
		group := together(c.key)
		if len(group) == 0 {
			keys, j.writing = append(keys, Key{Key: c.key}), append(j.writing, c)
			continue
		}
		joined := false
		for _, key := range group {
			if number, changed := numbers[key]; changed {
				delete(numbers, key)
				keys, j.writing = append(keys, Key{key, joined}), append(j.writing, change{key, number})
				joined = true
			}
		}
	}
	j.dirty = nil
	clear(j.isDirty)
	return keys
}

// Stored takes the success of the writing under way, or of a part of it: its next n records are stored. It
// returns their keys, and the actions that waited for nothing else.
func (j *Journal[A]) Stored(n int) ([]string, []Waiting[A]) {
	n = min(n, len(j.writing))
	stored := make([]string, n)
	for i, c := range j.writing[:n] {
		stored[i] = c.key
	}
	j.failures, j.err = 0, nil
	if j.writing = j.writing[n:]; len(j.writing) == 0 {
		j.writing = nil
	}
	return stored, j.release()
}

// release removes the actions that wait for nothing that is outstanding.
func (j *Journal[A]) release() []Waiting[A] {
	n := len(j.waiting)
	if j.Pending() {
		oldest := j.last + 1
		for _, c := range j.writing {
			oldest = min(oldest, c.number)
		}
		for _, c := range j.dirty { // not in order after a failure
			oldest = min(oldest, c.number)
		}
		n, _ = slices.BinarySearchFunc(j.waiting, oldest, func(w Waiting[A], oldest uint64) int {
			if w.after < oldest {
				return -1
			}
			return 1
		})
	}
	released := slices.Clone(j.waiting[:n])
	clear(j.waiting[:n])
	if j.waiting = j.waiting[n:]; len(j.waiting) == 0 {
		j.waiting = nil
	}
	return released
}

// Failed takes the failure of the writing under way, or of the rest of it: nobody knows what is stored. All
// of it is to be written again, before what has changed since, not before the given time.
func (j *Journal[A]) Failed(err error, again time.Time) {
	j.failures, j.err, j.notAt = j.failures+1, err, again
	back := make(map[string]bool, len(j.writing))
	for _, c := range j.writing {
		back[c.key], j.isDirty[c.key] = true, true
	}
	newer := slices.DeleteFunc(j.dirty, func(c change) bool { return back[c.key] })
	j.dirty, j.writing = append(j.writing, newer...), nil
}

// Failures returns how many writings in a row have failed.
func (j *Journal[A]) Failures() int { return j.failures }

// Err returns why the last writing failed, nil if it did not.
func (j *Journal[A]) Err() error { return j.err }
