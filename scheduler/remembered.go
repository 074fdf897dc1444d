package scheduler

import (
	"cmp"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Retention limits how long the IDs of ended tasks are remembered, see [Config.RememberIDs]. If both limits are set,
// both apply. The zero value is no limit.
type Retention struct {
	// For is how long an ID is remembered, counted from the end of the task. 0: for ever.
	For time.Duration
	// Count is how many IDs are remembered; the oldest are forgotten first. 0: any number. Negative: none.
	Count int
}

// remembered keeps what is left on record of tasks that have ended and are no longer in the history: enough to refuse
// their IDs, and the names of their pods.
type remembered struct {
	keep  Retention
	tasks map[string]left
	pods  map[string][]string // the IDs of the members that are remembered, by the name of their pod
	podOf map[string]string   // the other way round
	// order has them in the order in which they ended, if there is a limit. Some may have been forgotten since.
	order []leftAt
}

// left is what is left of one task. There may be a million of them.
type left struct {
	state task.State
	at    int64  // when it ended, in nanoseconds since 1970
	spec  uint64 // record.Sum of its spec
}

// leftAt says which task ended when: another one may have had the same ID later.
type leftAt struct {
	id string
	at int64
}

func newRemembered(keep Retention) remembered {
	return remembered{keep: keep, tasks: map[string]left{}, pods: map[string][]string{}, podOf: map[string]string{}}
}

// restore takes what was stored.
func (r *remembered) restore(ended []record.Ended) {
	slices.SortFunc(ended, func(a, b record.Ended) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	r.tasks = make(map[string]left, len(ended))
	for _, e := range ended {
		r.add(e)
	}
}

func (r *remembered) add(e record.Ended) {
	r.tasks[e.ID] = left{state: e.State, at: e.At.UnixNano(), spec: e.Spec}
	if e.Pod != "" {
		r.podOf[e.ID] = e.Pod
		r.pods[e.Pod] = append(r.pods[e.Pod], e.ID)
	}
	if r.keep == (Retention{}) {
		return
	}
	if len(r.order) >= 64 && len(r.order) > 2*len(r.tasks) { // most were forgotten one by one
		r.order = slices.DeleteFunc(r.order, func(l leftAt) bool { return !r.holds(l) })
	}
	r.order = append(r.order, leftAt{e.ID, e.At.UnixNano()})
}

// trim forgets what is to be remembered no longer, and returns the IDs.
func (r *remembered) trim(now time.Time) (forgotten []string) {
	for len(r.order) > 0 {
		first := r.order[0]
		if r.holds(first) {
			over := r.keep.Count != 0 && len(r.tasks) > max(0, r.keep.Count)
			if at, limited := r.deadline(); !over && (!limited || now.Before(at)) {
				break
			}
			r.remove(first.id)
			forgotten = append(forgotten, first.id)
		}
		r.order = r.order[1:]
	}
	return forgotten
}

// holds reports whether a task is still remembered.
func (r *remembered) holds(l leftAt) bool {
	kept, known := r.tasks[l.id]
	return known && kept.at == l.at
}

// deadline returns when the first task is to be forgotten, unless it was already, and false for never.
func (r *remembered) deadline() (time.Time, bool) {
	if r.keep.For == 0 || len(r.order) == 0 {
		return time.Time{}, false
	}
	return time.Unix(0, r.order[0].at).Add(r.keep.For), true
}

// forget forgets a task, with all members of the pod if there is one, and returns the IDs of those that were remembered.
func (r *remembered) forget(id, pod string) (forgotten []string) {
	if pod != "" {
		forgotten = slices.Clone(r.pods[pod])
	} else if r.has(id) {
		forgotten = []string{id}
	}
	for _, id := range forgotten {
		r.remove(id)
	}
	return forgotten
}

func (r *remembered) remove(id string) {
	delete(r.tasks, id)
	pod := r.podOf[id]
	if pod == "" {
		return
	}
	delete(r.podOf, id)
	r.pods[pod] = slices.DeleteFunc(r.pods[pod], func(other string) bool { return other == id })
	if len(r.pods[pod]) == 0 {
		delete(r.pods, pod)
	}
}

// has reports whether a task is remembered.
func (r *remembered) has(id string) bool {
	_, known := r.tasks[id]
	return known
}

// record returns what is to be stored of a task, nil if it is not remembered.
func (r *remembered) record(id string) *record.Ended {
	l, known := r.tasks[id]
	if !known {
		return nil
	}
	return &record.Ended{ID: id, Pod: r.podOf[id], State: l.state, At: time.Unix(0, l.at).UTC(), Spec: l.spec}
}

// info returns what users are told of a task, and reports whether it is remembered.
func (r *remembered) info(id string) (record.Info, bool) {
	e := r.record(id)
	if e == nil {
		return record.Info{}, false
	}
	return record.Info{Spec: record.NewSpec(task.Spec{ID: id, Pod: e.Pod}), State: e.State, Updated: e.At}, true
}
