package metrics

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// schedulerSnapshot is what a scheduler has counted at a time.
type schedulerSnapshot struct {
	scheduler.Metrics
	at time.Time
}

// schedulerMetrics returns the metrics of a scheduler, in the order of docs/metrics.md.
func schedulerMetrics() []metric[schedulerSnapshot] {
	var all []metric[schedulerSnapshot]
	for _, some := range [][]metric[schedulerSnapshot]{
		runMetrics(), masterMetrics(), offerMetrics(), taskMetrics(), storeMetrics(), loopMetrics(),
	} {
		all = append(all, some...)
	}
	return all
}

func runMetrics() []metric[schedulerSnapshot] {
	type from = *schedulerSnapshot
	return []metric[schedulerSnapshot]{
		level("running", "1 while the scheduler of this process runs the framework: on the leader, if there is an election.",
			func(s from) float64 { return oneIf(s.Running) }),
		count("runs_total", "Runs that have begun.", func(s from) uint64 { return s.Runs }),
		level("subscribed", "1 while there is a subscription with the master.", func(s from) float64 { return oneIf(s.Subscription.Subscribed) }),
		level("subscription_changed_timestamp_seconds", "When the subscription, or a run without one, began, or the last one ended. 0: there was no run.",
			func(s from) float64 { return timestamp(s.Subscription.Since) }),
		count("subscribe_attempts_total", "SUBSCRIBE calls.", func(s from) uint64 { return s.Subscription.Attempts }),
		count("subscribe_failures_total", "Attempts to subscribe that failed.", func(s from) uint64 { return s.Subscription.Failed }),
		count("subscriptions_total", "Subscriptions that began.", func(s from) uint64 { return s.Subscription.Begun }),
		count("subscriptions_lost_total", "Subscriptions that ended, other than by the end of the run.", func(s from) uint64 { return s.Subscription.Lost }),
	}
}

func masterMetrics() []metric[schedulerSnapshot] {
	type from = *schedulerSnapshot
	return []metric[schedulerSnapshot]{
		{"events_total", counter, "Events of the master.", []string{"type"}, func(s from, to *samples) {
			for kind, events := range s.Events {
				to.add(float64(events), mesos.Event_Type(kind).String())
			}
		}},
		count("events_garbled_total", "Events of the master that could not be decoded.", func(s from) uint64 { return s.Garbled }),
		level("last_event_timestamp_seconds", "When the last event of the master came; heartbeats are events. 0: none has.",
			func(s from) float64 { return timestamp(s.LastEvent) }),
		{"calls_total", counter, "Calls to the master that are done, without SUBSCRIBE. Outcomes: the master accepted or refused it, it was stale " +
			"(of a subscription that the master does not know), unsent (there was no connection), or unclear (there was no answer).",
			[]string{"type", "outcome"}, func(s from, to *samples) {
				for kind := range calls(s) {
					c := &s.Calls[kind]
					for _, o := range outcomes(c) {
						to.add(float64(o.calls), kind.String(), o.name)
					}
				}
			}},
		{"call_duration_seconds", histogram, "Time from the decision to make a call to its answer, for types of which there was a call.",
			[]string{"type"}, func(s from, to *samples) {
				for kind := range calls(s) {
					if h := &s.Calls[kind].Latency; h.Count > 0 {
						to.addAll(h, kind.String())
					}
				}
			}},
		count("calls_dropped_total", "Calls that were not made, since too many waited for the master or for the store.", func(s from) uint64 { return s.Dropped }),
	}
}

// calls yields the types of calls that are counted.
func calls(s *schedulerSnapshot) func(yield func(mesos.Call_Type) bool) {
	return func(yield func(mesos.Call_Type) bool) {
		for i := range s.Calls {
			if kind := mesos.Call_Type(i); kind != mesos.Call_UNKNOWN && kind != mesos.Call_SUBSCRIBE && !yield(kind) {
				return
			}
		}
	}
}

// outcome is how many calls have had it.
type outcome struct {
	name  string
	calls uint64
}

func outcomes(c *scheduler.CallMetrics) []outcome {
	return []outcome{{"accepted", c.Accepted}, {"refused", c.Refused}, {"stale", c.Stale}, {"unsent", c.Unsent}, {"unclear", c.Unclear}}
}

func offerMetrics() []metric[schedulerSnapshot] {
	type from = *schedulerSnapshot
	return []metric[schedulerSnapshot]{
		level("offers", "Offers at hand.", func(s from) float64 { return float64(s.Offers.Held) }),
		count("offers_received_total", "Offers received.", func(s from) uint64 { return s.Offers.Received }),
		count("offers_accepted_total", "Offers in ACCEPT calls that the master took.", func(s from) uint64 { return s.Offers.Accepted }),
		count("offers_declined_total", "Offers in DECLINE calls that the master took.", func(s from) uint64 { return s.Offers.Declined }),
		count("offers_rescinded_total", "Offers that the master took back.", func(s from) uint64 { return s.Offers.Rescinded }),
		level("agents", "Agents that have tasks of the framework, or were offered lately.", func(s from) float64 { return float64(s.Agents) }),
		durations("cycle_duration_seconds", "Time of a matching cycle, with the matcher.", func(s from) *scheduler.Histogram { return &s.Cycles.Durations }),
		count("cycle_placements_total", "Tasks, or pods, that cycles placed on offers.", func(s from) uint64 { return s.Cycles.Placed }),
		count("cycle_failures_total", "Cycles in which the matcher panicked or violated its contract.", func(s from) uint64 { return s.Cycles.Failed }),
	}
}

func taskMetrics() []metric[schedulerSnapshot] {
	type from = *schedulerSnapshot
	return []metric[schedulerSnapshot]{
		{"tasks", gauge, "Tasks on record by state; those that have ended as long as they are in the history.", []string{"state"}, func(s from, to *samples) {
			for state, tasks := range s.Tasks {
				to.add(float64(tasks), task.State(state).String())
			}
		}},
		{"tasks_ended_total", counter, "Tasks that have ended, by their last state.", []string{"state"}, func(s from, to *samples) {
			for state, tasks := range s.Ended {
				if task.State(state).Terminal() {
					to.add(float64(tasks), task.State(state).String())
				}
			}
		}},
		count("tasks_submitted_total", "Tasks that were put on record.", func(s from) uint64 { return s.Submitted }),
		count("launches_total", "Launches of tasks.", func(s from) uint64 { return s.Launched }),
		count("launches_failed_total", "Launches that came to nothing, after which the task was pending again.", func(s from) uint64 { return s.Requeued }),
		{"launch_phase_duration_seconds", histogram, "Time of a phase of launches whose tasks came to run. Phases: place, from the submission until the " +
			"task was placed on an offer; store, until that was stored; accept, until the master took the ACCEPT; run, until the task ran.",
			[]string{"phase"}, func(s from, to *samples) {
				of := &s.Launches
				to.addAll(&of.Place, "place")
				to.addAll(&of.Store, "store")
				to.addAll(&of.Accept, "accept")
				to.addAll(&of.Run, "run")
			}},
		durations("launch_duration_seconds", "Time from the submission of a task until it ran.",
			func(s from) *scheduler.Histogram { return &s.Launches.Total }),
		level("oldest_pending_task_seconds", "For how long the task is pending that has been so for longest, 0 if none is.",
			func(s from) float64 { return age(s.at, s.OldestPending) }),
	}
}

func storeMetrics() []metric[schedulerSnapshot] {
	type from = *schedulerSnapshot
	return []metric[schedulerSnapshot]{
		durations("store_write_duration_seconds", "Time of a write to the store that succeeded.", func(s from) *scheduler.Histogram { return &s.Store.Writes }),
		count("store_records_total", "Changes of tasks, or of the framework, that were written.", func(s from) uint64 { return s.Store.Records }),
		count("store_failures_total", "Writes that failed.", func(s from) uint64 { return s.Store.Failed }),
		level("store_failing", "1 if the last write failed: nothing is launched then.", func(s from) float64 { return oneIf(s.Store.Failing) }),
		durations("reconciliation_duration_seconds", "Time of a round of reconciliation, until the master has told of all tasks.",
			func(s from) *scheduler.Histogram { return &s.Reconciliation.Rounds }),
		level("last_reconciliation_timestamp_seconds", "When the last round of reconciliation ended. 0: none has.",
			func(s from) float64 { return timestamp(s.Reconciliation.Last) }),
	}
}

func loopMetrics() []metric[schedulerSnapshot] {
	type from = *schedulerSnapshot
	return []metric[schedulerSnapshot]{
		durations("step_duration_seconds", "Time of a step of the scheduler's loop, with the matcher, the builder and log handlers.",
			func(s from) *scheduler.Histogram { return &s.Loop.Steps }),
		level("step_running_seconds", "For how long the present step has lasted, 0 if there is none.", func(s from) float64 { return s.Loop.Busy.Seconds() }),
		level("inputs_waiting", "Groups of inputs that wait for the loop.", func(s from) float64 { return float64(s.Loop.Inputs) }),
		level("calls_waiting", "Calls that wait for the master.", func(s from) float64 { return float64(s.Loop.Calls) }),
		level("acknowledgements_waiting", "Acknowledgements that wait for the master.", func(s from) float64 { return float64(s.Loop.Acknowledgements) }),
		level("watchers", "Watchers of events.", func(s from) float64 { return float64(s.Watchers.Watching) }),
		level("watcher_events_waiting", "Events that wait for the slowest watcher.", func(s from) float64 { return float64(s.Watchers.Behind) }),
		count("watcher_events_missed_total", "Events that watchers missed, since they were too slow.", func(s from) uint64 { return s.Watchers.Missed }),
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// timestamp returns a time as Prometheus has it, 0 for none.
func timestamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}

// age returns how long ago a time was, in seconds, 0 for none.
func age(now, since time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(0, now.Sub(since).Seconds())
}
