package scheduler

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// The lengths of the arrays of [Metrics].
const (
	eventTypes = int(scheduler.Event_UPDATE_OPERATION_STATUS) + 1
	callTypes  = int(scheduler.Call_UPDATE_FRAMEWORK) + 1
	taskStates = int(task.StateUnknown) + 1
)

// Metrics are the numbers of a [Scheduler] at one moment. Counters count from [New] on, over all runs, and never
// decrease. Gauges, such as the number of tasks, are zero while no run is under way: another process may run the framework
// then. Package metrics exports all of them to Prometheus.
type Metrics struct {
	// Framework is [Framework.Name].
	Framework string
	// Running reports whether a run is under way. Runs is how many have begun.
	Running bool
	Runs    uint64

	// Subscription is about the subscription with the master.
	Subscription struct {
		// Subscribed reports whether there is one. Since is when it began or, without one, when the last one ended or the run
		// began.
		Subscribed bool
		Since      time.Time
		Attempts   uint64 // SUBSCRIBE calls
		Begun      uint64 // subscriptions
		Failed     uint64 // attempts to subscribe
		Lost       uint64 // subscriptions that ended, other than by the end of the run
	}

	// Events counts those of the master by type, such as Events[scheduler.Event_OFFERS] of package scheduler of mesos-go. A type
	// that this version does not know is Event_UNKNOWN. Garbled ones could not be decoded. LastEvent is when the last one came.
	Events    [eventTypes]uint64
	Garbled   uint64
	LastEvent time.Time

	// Calls are those to the master by type, such as Calls[scheduler.Call_ACCEPT], without SUBSCRIBE. Dropped ones were not
	// made, see [Status.Dropped].
	Calls   [callTypes]CallMetrics
	Dropped uint64

	// Offers are those at hand now, and all that were received, accepted, declined and rescinded. An offer is accepted or
	// declined when the master has taken the call. Those that end with their subscription are only received.
	Offers struct {
		Held                                    int
		Received, Accepted, Declined, Rescinded uint64
	}

	// Tasks are those on record by state, such as Tasks[task.StateRunning], and Ended those that have ended, by their last
	// state. OldestPending is when the task that has been pending longest became pending; zero: no task is pending.
	Tasks         [taskStates]int
	Ended         [taskStates]uint64
	OldestPending time.Time
	// Submitted counts tasks that were put on record, Launched those that were placed on an offer, again each time, and Requeued
	// launches that came to nothing, after which the task was pending again.
	Submitted, Launched, Requeued uint64
	// Launches are about tasks that came to run: how long it took from the submission until the task was placed for the last
	// time, from there until that was stored, until the master took the ACCEPT, and until the task ran; and all together. Phases
	// of which a [LaunchTimes] does not know both ends are left out.
	Launches struct{ Place, Store, Accept, Run, Total Histogram }
	// Agents is how many agents are known.
	Agents int

	// Cycles are matching cycles: how long each took, the matcher included, how many tasks were placed, and how many cycles
	// failed because the matcher panicked or violated its contract.
	Cycles struct {
		Durations      Histogram
		Placed, Failed uint64
	}

	// Store is about [Config.Store], or that of the term. Writes are those that succeeded, with so many Records; Failing reports
	// whether the last one failed.
	Store struct {
		Writes          Histogram
		Records, Failed uint64
		Failing         bool
	}

	// Watchers are those of [Scheduler.Watch] and [Scheduler.WatchRaw]. Behind is how many events wait for the slowest one, and
	// Missed how many events they missed together.
	Watchers struct {
		Watching, Behind int
		Missed           uint64
	}

	// Reconciliation is about rounds in which the master was asked about all tasks: how long each took until an update had
	// arrived for all of them, and when the last one ended.
	Reconciliation struct {
		Rounds Histogram
		Last   time.Time
	}

	// Loop is about the goroutine that decides everything. A step is what it does with inputs that came together. Busy is for how
	// long the present step has lasted, 0 if there is none: a matcher, a builder, a policy or a log handler that does not return
	// shows here. Inputs is how many groups of inputs wait for it, Calls and Acknowledgements how many calls wait for the master.
	Loop struct {
		Steps                           Histogram
		Busy                            time.Duration
		Inputs, Calls, Acknowledgements int
	}
}

// CallMetrics counts the calls of one type by outcome.
type CallMetrics struct {
	Accepted uint64 // by the master
	Refused  uint64 // by the master
	Stale    uint64 // the master no longer takes calls on this subscription
	Unsent   uint64 // not made: the subscription ended before, or there was no connection
	Unclear  uint64 // made, without an answer
	// Latency is from the decision to make a call until its answer, or until there will be none. Calls that were not sent are
	// left out.
	Latency Histogram
}

// Metrics returns the present numbers. It waits for nothing, and may be called at any time: before, during and after a run,
// while a matcher does not return, and by a matcher.
func (s *Scheduler) Metrics() Metrics { return s.tally.snapshot() }
