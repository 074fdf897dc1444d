package scheduler

import (
	"cmp"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/ordered"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// registry keeps the tasks on record.
type registry struct {
	history int // how many ended tasks are kept

	remembered remembered // what is left of those beyond
	byID       map[string]*entry
	records    *ordered.List[*record.Task] // of the tasks in byID, in order of submission
	pods       map[string]*pod             // by name
	ended      []*entry                    // the tasks that have ended, the oldest first, and some that were forgotten since
	gaps       int                         // how many of ended were forgotten
	serial     int                         // of the last task
	version    uint64                      // of the last change of a task
	adopted    int                         // tasks, in the present round of reconciliation
	counts     taskCounts
	illegal    int // the number of steps of launches that the diagram does not have; tests require 0
}

// taskCounts are how many tasks are on record by state, and what has happened to tasks since the machine was made.
type taskCounts struct {
	states                        [taskStates]int
	ended                         [taskStates]uint64 // by the state in which they ended
	submitted, launched, requeued uint64
}

func newRegistry(history int, keep Retention) registry {
	return registry{history: history, remembered: newRemembered(keep), byID: map[string]*entry{}, records: newRecords(), pods: map[string]*pod{}}
}

func newRecords() *ordered.List[*record.Task] {
	return ordered.New(func(t *record.Task) int { return t.Serial })
}

// submit puts a new task on record.
func (r *registry) submit(now time.Time, s task.Spec) *entry {
	e := r.adopt(record.Info{Spec: record.NewSpec(s), State: task.StatePending, Version: r.nextVersion(), Submitted: now, Updated: now})
	e.launch = launchNone
	r.counts.submitted++
	e.remember("")
	return e
}

// adopt puts a task on record that is already running.
func (r *registry) adopt(info record.Info) *entry {
	r.serial++
	return r.put(&record.Task{Info: info, Serial: r.serial}, launchConfirmed)
}

// put puts a task on record that has a serial number of its own.
func (r *registry) put(t *record.Task, l launch) *entry {
	r.records.Add(t)
	e := &entry{Task: t, epoch: r.records.Epoch(), launch: l}
	r.byID[t.Info.Spec.ID] = e
	r.counts.states[t.Info.State]++
	return e
}

// noteAdopted counts a task that was adopted, and beginAdopting begins to count anew.
func (r *registry) noteAdopted()   { r.adopted++ }
func (r *registry) beginAdopting() { r.adopted = 0 }

// mayAdopt reports whether tasks may be adopted: there are fewer than limit, and fewer were adopted in this round.
func (r *registry) mayAdopt(limit int) bool { return len(r.byID) < limit && r.adopted < limit }

// restore puts tasks on record that were read from the store, and returns them in order of submission.
func (r *registry) restore(tasks []record.Task) []*entry {
	sorted := make([]*record.Task, len(tasks))
	for i := range tasks {
		sorted[i] = &tasks[i]
	}
	slices.SortFunc(sorted, func(a, b *record.Task) int {
		if a.Serial != b.Serial {
			return cmp.Compare(a.Serial, b.Serial)
		}
		return cmp.Compare(a.Info.Spec.ID, b.Info.Spec.ID)
	})
	entries := make([]*entry, len(tasks))
	r.byID = make(map[string]*entry, len(tasks))
	for i := range sorted {
		t := *sorted[i]                      // a copy, so that one task does not keep all of them in memory
		t.Serial = max(t.Serial, r.serial+1) // no two have the same, whatever the store says
		r.serial, r.version = t.Serial, max(r.version, t.Info.Version)
		entries[i] = r.put(&t, restoredLaunch(&t))
	}
	return entries
}

// beginVersions makes the versions of this run higher than those of earlier ones. The highest one in the store may not have
// been the highest: its change was not stored before somebody saw it, or its task was dropped since. The time is, as long as
// there are fewer than a million changes a second and clocks agree.
func (r *registry) beginVersions(now time.Time) {
	r.version = max(r.version, uint64(max(0, now.UnixMicro())))
}

// nextVersion returns the version of the next change of a task.
func (r *registry) nextVersion() uint64 {
	r.version++
	return r.version
}

// join makes a pod of tasks on record.
func (r *registry) join(members []*entry) *pod {
	p := &pod{members: members, onRecord: len(members)}
	for _, e := range members {
		e.pod = p
		p.ids = append(p.ids, e.Info.Spec.ID)
	}
	r.pods[members[0].Info.Spec.Pod()] = p
	return p
}

// retire adds a task that has ended to the history, and returns the tasks that are dropped from it. They are remembered.
func (r *registry) retire(e *entry) (dropped []*entry) {
	r.ended = append(r.ended, e)
	for len(r.ended)-r.gaps > r.history {
		oldest := r.ended[0]
		r.ended[0] = nil // so that it can be freed
		r.ended = r.ended[1:]
		if oldest.gone {
			r.gaps--
			continue
		}
		r.drop(oldest)
		if r.remembered.keep.Count >= 0 {
			r.remembered.add(record.NewEnded(&oldest.Info))
		}
		dropped = append(dropped, oldest)
	}
	return dropped
}

// stateChanged notes a change of a task's state.
func (r *registry) stateChanged(previous, state task.State) {
	r.counts.states[previous]--
	r.counts.states[state]++
	switch {
	case state == previous:
	case state.Terminal() && !previous.Terminal():
		r.counts.ended[state]++
	case state == task.StatePending:
		r.counts.requeued++
	case previous == task.StatePending && state == task.StateStaging:
		r.counts.launched++
	}
}

// drop removes a task.
func (r *registry) drop(e *entry) {
	e.gone = true
	delete(r.byID, e.Info.Spec.ID)
	r.records.Remove(e.Serial)
	r.counts.states[e.Info.State]--
	if p := e.pod; p != nil {
		if p.onRecord--; p.onRecord == 0 {
			delete(r.pods, e.Info.Spec.Pod())
		}
	}
}

// forget takes a task off the record.
func (r *registry) forget(e *entry) {
	r.drop(e)
	if !e.Info.State.Terminal() {
		return
	}
	if r.gaps++; 2*r.gaps > len(r.ended) { // one pass for all that were forgotten since the last one
		r.ended, r.gaps = slices.DeleteFunc(r.ended, func(e *entry) bool { return e.gone }), 0
	}
}

// known reports whether an ID is that of a task on record, or one that is remembered.
func (r *registry) known(id string) bool { return r.byID[id] != nil || r.remembered.has(id) }

// knownPod does so for the name of a pod.
func (r *registry) knownPod(name string) bool {
	return r.pods[name] != nil || r.remembered.pods[name] != nil
}

// podSize returns how many members of a pod are known.
func (r *registry) podSize(name string) int {
	n := len(r.remembered.pods[name])
	if p := r.pods[name]; p != nil {
		n += p.onRecord
	}
	return n
}

// info returns what is known of a task, and reports whether it is known.
func (r *registry) info(id string) (record.Info, bool) {
	if e := r.byID[id]; e != nil {
		return e.Info, true
	}
	return r.remembered.info(id)
}

// historyOf returns what has become of a task so far, nil if it is not known.
func (r *registry) historyOf(id string) []task.Transition {
	if e := r.byID[id]; e != nil {
		return e.history()
	}
	info, known := r.remembered.info(id)
	if !known {
		return nil
	}
	return lastTransition(&info)
}

// podOf returns the IDs of the members of a task's pod, none for a task without pod.
func (r *registry) podOf(id string) []string {
	e := r.byID[id]
	if e == nil || e.pod == nil {
		return nil
	}
	return e.pod.ids
}

// advanceLaunch changes the state of a task's launch after an event.
func (r *registry) advanceLaunch(e *entry, event launchEvent) {
	next, legal := e.launch.on(event)
	if e.launch = next; !legal {
		r.illegal++
	}
	if next == launchConfirmed {
		e.forgetOffers()
	}
}

// inOrder returns all tasks on record in order of submission.
func (r *registry) inOrder() []*entry { return r.filtered(func(*entry) bool { return true }) }

// filtered returns the tasks on record for which keep returns true, in order of submission.
func (r *registry) filtered(keep func(*entry) bool) []*entry {
	var entries []*entry
	for _, e := range r.byID {
		if keep(e) {
			entries = append(entries, e)
		}
	}
	sortBySerial(entries)
	return entries
}

// sortBySerial sorts tasks by submission. It looks at each only once, since there may be very many, all over the memory.
func sortBySerial(entries []*entry) {
	type numbered struct {
		serial int
		entry  *entry
	}
	all := make([]numbered, len(entries))
	for i, e := range entries {
		all[i] = numbered{e.Serial, e}
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.serial, b.serial) })
	for i := range all {
		entries[i] = all[i].entry
	}
}
