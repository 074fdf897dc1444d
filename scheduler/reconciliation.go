package scheduler

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// reconciliation is the current round, in which the master is asked about all tasks, or the pause before the next round.
type reconciliation struct {
	round   int32             // its number
	left    int               // tasks for which no update has arrived in this round; 0: no round is under way
	batches []*scheduler.Call // RECONCILE calls; the first one is under way, the others follow
	pause   time.Duration     // before the calls are repeated
	next    time.Time         // when to ask again, or to begin the next round
	callers callers           // that wait for the end of a round
	ended   int               // rounds that were not given up for another
}

// The pause before the first repetition, and the longest one.
const (
	reconcileMin = 2 * time.Second
	reconcileMax = time.Minute
)

// begin begins a round, in place of one that is under way.
func (r *reconciliation) begin() {
	r.round++
	r.pause = reconcileMin
}

// addCaller makes a caller wait for the end of a round.
func (r *reconciliation) addCaller(by ref) { r.callers.add(caller{ref: by}) }

// forget drops a caller.
func (r *reconciliation) forget(by ref) { r.callers.forget(by) }

// reset drops all callers: the end of the earlier run has answered them.
func (r *reconciliation) reset() { r.callers = nil }

// pending reports whether no update has arrived for a task in this round.
func (r *reconciliation) pending(e *entry) bool { return e.reconcileRound < r.round }

// skip leaves a task out of the round.
func (r *reconciliation) skip(e *entry) { e.reconcileRound = r.round }

// ask takes the calls that ask about the remaining tasks.
func (r *reconciliation) ask(now time.Time, batches []*scheduler.Call, tasks int) {
	r.left, r.batches = tasks, batches
	r.next = now.Add(r.pause)
	r.pause = min(2*r.pause, reconcileMax)
}

// batch returns the call that is under way, or to be sent next; nil: there is none.
func (r *reconciliation) batch() *scheduler.Call {
	if len(r.batches) == 0 {
		return nil
	}
	return r.batches[0]
}

// batchDone reports whether a call is the one under way, which is now done.
func (r *reconciliation) batchDone(call *scheduler.Call) bool {
	if r.batch() != call || call == nil {
		return false
	}
	r.batches = r.batches[1:]
	return true
}

// postpone sets when to ask again, in the same round.
func (r *reconciliation) postpone(until time.Time) { r.next = until }

// dropBatches drops the calls of this round that were not made yet.
func (r *reconciliation) dropBatches() { r.batches = nil }

// markReconciled notes that an update has arrived for a task, and reports whether it was the last one of the round.
func (r *reconciliation) markReconciled(e *entry) bool {
	if !r.pending(e) {
		return false
	}
	r.skip(e)
	if r.left == 0 {
		return false
	}
	r.left--
	return r.left == 0
}

// end ends a round and returns the callers that waited for it.
func (r *reconciliation) end() []ref {
	r.batches = nil
	r.ended++
	return r.callers.takeAll()
}

// plan sets when the next round begins.
func (r *reconciliation) plan(next time.Time) { r.left, r.next = 0, next }
