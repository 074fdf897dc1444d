// Package journal is the write-ahead log of a scheduler: it keeps track of the records that have changed and are not
// stored yet, and holds back the actions that must not happen before they are.
//
// Records are known by key only. Their content is looked up when a write begins, so that a record that has changed
// many times by then is written once. One write is under way at a time. Changes are written oldest first. An
// action waits for all changes that were made before it was added, and actions are released in the order in which
// they were added.
//
// The package writes nothing itself: its owner gets the keys of the next write from [Journal.Begin], and reports the
// outcome to [Journal.Stored] or [Journal.Failed]. It has no goroutine and no clock, and is not safe for
// concurrent use.
package journal

import (
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/ordered"
)

// Journal is a list of changes, and of the actions of type A that wait for them. Its zero value is empty and ready
// to use.
type Journal[A any] struct {
	dirty     []change        // to be written, the oldest first
	isDirty   map[string]bool // the keys of dirty
	writing   []change        // being written, in this order
	isWriting map[string]bool // the keys of writing; nil: not needed so far
	last      uint64          // number of the last change
	added     int             // number of the last action that was made to wait
	waiting   *ordered.List[Waiting[A]]

	failures  int // writes in a row that failed
	err       error
	notBefore time.Time // no write begins before that
	closed    bool
}

// change is a record that has changed.
type change struct {
	key    string
	number uint64
	oldest uint64 // of a change that is being written: the lowest number among it and those that are written after it
}

// Waiting is an action that waits for changes to be stored.
type Waiting[A any] struct {
	Since  time.Time // when it was added
	Action A
	Number int    // by which it can be taken back; they are released in this order
	after  uint64 // number of the last change that it waits for
}

// Key is one record of a write.
type Key struct {
	Key string
	// Joined reports whether the record must be written together with the one before it, both or neither.
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
	j.dirty = append(j.dirty, change{key: key, number: j.last})
}

// TouchLast notes that a record has changed, and that it must not be written before the other changes so far.
func (j *Journal[A]) TouchLast(key string) {
	if j.isDirty[key] {
		j.dirty = slices.DeleteFunc(j.dirty, func(c change) bool { return c.key == key })
		delete(j.isDirty, key)
	}
	j.Touch(key)
}

// Add makes an action wait for all changes so far, and returns its number, by which it can be taken back. It returns 0 if there
// is nothing to wait for: the action can then be performed at once.
func (j *Journal[A]) Add(now time.Time, a A) (number int) {
	if !j.Pending() {
		return 0
	}
	j.added++
	// If nothing is dirty, what is being written has numbers up to the last one.
	j.list().Add(Waiting[A]{now, a, j.added, j.last})
	return j.added
}

// list returns the waiting actions.
func (j *Journal[A]) list() *ordered.List[Waiting[A]] {
	if j.waiting == nil {
		j.waiting = ordered.New(func(w Waiting[A]) int { return w.Number })
	}
	return j.waiting
}

// Pending reports whether there are changes that are not known to be stored.
func (j *Journal[A]) Pending() bool { return len(j.dirty) > 0 || len(j.writing) > 0 }

// Writing reports whether a write is under way.
func (j *Journal[A]) Writing() bool { return len(j.writing) > 0 }

// Changed reports whether a record has changes that are not known to be stored.
func (j *Journal[A]) Changed(key string) bool {
	if j.isWriting == nil && len(j.writing) > 0 {
		j.isWriting = make(map[string]bool, len(j.writing))
		for _, c := range j.writing {
			j.isWriting[c.key] = true
		}
	}
	return j.isDirty[key] || j.isWriting[key]
}

// TakeBack removes the waiting action with a number, and reports whether there was one.
func (j *Journal[A]) TakeBack(number int) bool { return j.list().Remove(number) }

// Take removes the waiting actions that pick selects and returns them in order.
func (j *Journal[A]) Take(pick func(Waiting[A]) bool) []A {
	var taken []A
	j.list().RemoveAll(func(w Waiting[A]) bool {
		if !pick(w) {
			return false
		}
		taken = append(taken, w.Action)
		return true
	})
	return taken
}

// Close keeps further writes from beginning. A write that is under way may still end.
func (j *Journal[A]) Close() { j.closed = true }

// Reopen undoes Close.
func (j *Journal[A]) Reopen() { j.closed = false }

// Gather keeps the next write from beginning before a time, so that what changes until then is part of it.
func (j *Journal[A]) Gather(until time.Time) { j.notBefore = until }

// Deadline returns when the next write can begin. It returns false if there is nothing to write, a write is under way,
// or the journal is closed.
func (j *Journal[A]) Deadline() (at time.Time, ok bool) {
	return j.notBefore, len(j.dirty) > 0 && len(j.writing) == 0 && !j.closed
}

// Begin begins a write and returns its records in the order in which they are to be written. It returns none if there
// is nothing to write, another write is under way, or it is too early. For a key, together
// returns all keys that must be written with it, itself included, or none; those among them that have changed
// are placed next to each other.
func (j *Journal[A]) Begin(now time.Time, together func(key string) []string) []Key {
	if at, ok := j.Deadline(); !ok || now.Before(at) {
		return nil
	}
	var numbers map[string]uint64 // changes that belong together and are not in keys yet
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
		if _, left := numbers[c.key]; !left {
			continue // it is in keys, with the first of its group
		}
		joined := false
		for _, key := range group {
			if number, changed := numbers[key]; changed {
				delete(numbers, key)
				keys, j.writing = append(keys, Key{key, joined}), append(j.writing, change{key: key, number: number})
				joined = true
			}
		}
	}
	oldest := j.last
	for i := len(j.writing) - 1; i >= 0; i-- {
		oldest = min(oldest, j.writing[i].number)
		j.writing[i].oldest = oldest
	}
	j.dirty = nil
	clear(j.isDirty)
	return keys
}

// Stored notes that the next n records of the write under way are stored. It returns their keys, and the actions that
// have nothing left to wait for.
func (j *Journal[A]) Stored(n int) ([]string, []Waiting[A]) {
	n = min(n, len(j.writing))
	stored := make([]string, n)
	for i, c := range j.writing[:n] {
		stored[i] = c.key
	}
	j.failures, j.err = 0, nil
	if j.writing, j.isWriting = j.writing[n:], nil; len(j.writing) == 0 {
		j.writing = nil
	}
	return stored, j.release()
}

// release removes the actions that have nothing left to wait for, and returns them.
func (j *Journal[A]) release() []Waiting[A] {
	oldest := j.last + 1
	if len(j.writing) > 0 {
		oldest = min(oldest, j.writing[0].oldest)
	}
	if len(j.dirty) > 0 { // they changed since the write began, in this order
		oldest = min(oldest, j.dirty[0].number)
	}
	return j.list().TakeFirst(func(w Waiting[A]) bool { return w.after < oldest })
}

// Failed notes that the write under way, or what was left of it, failed. It may have been stored or not. All of it
// will be written again, before later changes, and not before retryAt.
func (j *Journal[A]) Failed(err error, retryAt time.Time) {
	j.failures, j.err, j.notBefore = j.failures+1, err, retryAt
	back := make(map[string]bool, len(j.writing))
	for _, c := range j.writing {
		back[c.key], j.isDirty[c.key] = true, true
	}
	newer := slices.DeleteFunc(j.dirty, func(c change) bool { return back[c.key] })
	j.dirty, j.writing, j.isWriting = append(j.writing, newer...), nil, nil
}

// Failures returns how many writes in a row have failed.
func (j *Journal[A]) Failures() int { return j.failures }

// Err returns why the last write failed; nil: it did not.
func (j *Journal[A]) Err() error { return j.err }
