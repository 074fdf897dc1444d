package scheduler

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// flooded is a machine of which the master, which sends an event each 5 µs, takes no calls, refuses all of them or takes all,
// and whose store hangs or works at once.
type flooded struct {
	t          *testing.T
	m          *machine
	now        time.Time
	took       outcome // of each call; unsent: calls hang
	storeHangs bool
	lane       []send         // not answered
	widest     map[string]int // the largest containers so far
}

const ownTasks = 40

func newFlooded(t *testing.T, took outcome, durable, storeHangs bool, set func(*settings)) *flooded {
	s := newStage(t)
	s.configure(func(to *settings) {
		to.durable, to.holdMax, to.hold = durable, 8, time.Minute
		set(to)
	})
	f := &flooded{t: t, m: s.machine, now: s.now, took: accepted, widest: map[string]int{}}
	f.feed(start{})
	var words []string
	for i := range ownTasks {
		spec := specOf(fmt.Sprint("t", i), map[string]string{"cpus": "1", "group": "g"})
		switch {
		case i >= ownTasks/2: // these remain pending
			spec.CPUs = 1000
			spec.Constraints = []task.Constraint{{Attribute: "rack", Operator: task.OpGroupBy}}
		default:
			words = append(words, fmt.Sprintf("first%d@own%d:1:1024", i, i))
		}
		f.feed(submit{ref: 0, spec: spec})
	}
	f.event(&scheduler.Event{Type: scheduler.Event_OFFERS, Offers: offersOf(words)})
	f.wait(time.Second)
	for i := range ownTasks / 4 { // the others remain staging
		f.event(statusUpdate(fmt.Sprint("t", i), fmt.Sprint("own", i), mesos.TASK_RUNNING, i))
		if i%2 == 0 {
			f.feed(kill{id: fmt.Sprint("t", i)})
		}
	}
	require.Equal(t, ownTasks/2, f.m.backlog.pending.Len())
	f.took, f.storeHangs = took, storeHangs
	return f
}

// wait lets time pass.
func (f *flooded) wait(d time.Duration) {
	end := f.now.Add(d)
	for at := f.m.deadline(); !at.IsZero() && !at.After(end); at = f.m.deadline() {
		if at.After(f.now) {
			f.now = at
		}
		f.feed(wake{})
	}
	f.now = end
}

func (f *flooded) event(e *scheduler.Event) {
	f.now = f.now.Add(5 * time.Microsecond)
	f.feed(streamEvent{stream: f.m.conn.stream, event: e})
	if f.m.due(f.now) {
		f.feed(wake{})
	}
}

// feed passes inputs to the machine, and those that its actions cause.
func (f *flooded) feed(in input) {
	for inputs := []input{in}; len(inputs) > 0; inputs = inputs[1:] {
		for _, a := range f.m.step(f.now, inputs[0]) {
			inputs = append(inputs, f.perform(a)...)
		}
	}
}

// subscribedTo is what follows on SUBSCRIBE: a stream, and SUBSCRIBED with a heartbeat in so many seconds.
func subscribedTo(stream int, heartbeat float64) []input {
	return []input{streamOpened{stream: stream}, streamEvent{stream: stream, event: &scheduler.Event{
		Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
			FrameworkID: &mesos.FrameworkID{Value: "fw"}, HeartbeatIntervalSeconds: &heartbeat, MasterInfo: &mesos.MasterInfo{Version: proto("1.11.0")},
		},
	}}}
}

func (f *flooded) perform(a action) (caused []input) {
	switch a := a.(type) {
	case subscribe:
		return subscribedTo(a.stream, 15)
	case closeStream:
		for _, s := range f.lane {
			caused = append(caused, callDone{stream: s.stream, call: s.call, outcome: unsent})
		}
		f.lane = nil
	case send:
		if f.took != unsent {
			return []input{callDone{stream: a.stream, call: a.call, outcome: f.took, err: &CallError{Status: 503}}}
		}
		f.lane = append(f.lane, a)
	case store:
		if !f.storeHangs {
			return []input{stored{records: len(a.changes)}}
		}
	}
	return caused
}

// note keeps how large the containers are.
func (f *flooded) note() {
	found := containers(f.m)
	for _, s := range f.lane {
		found["lane "+s.call.GetType().String()]++
	}
	for name, n := range found {
		f.widest[name] = max(f.widest[name], n)
	}
}

func statusUpdate(id, agent string, state mesos.TaskState, uuid int) *scheduler.Event {
	status := mesos.TaskStatus{TaskID: mesos.TaskID{Value: id}, State: &state, AgentID: &mesos.AgentID{Value: agent}}
	if uuid >= 0 {
		status.UUID = binary.BigEndian.AppendUint64(make([]byte, 8), uint64(uuid))
	} else {
		status.Reason = mesos.REASON_RECONCILIATION.Enum()
	}
	return &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: status}}
}

func offerEvent(id, agent, role string) *scheduler.Event {
	offers := offersOf([]string{id + "@" + agent + ":1:1024"})
	offers.Offers[0].AllocationInfo.Role = &role
	return offersEvent(offers)
}

func rescindEvent(id string) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_RESCIND, Rescind: &scheduler.Event_Rescind{OfferID: mesos.OfferID{Value: id}}}
}

func inverseEvent(id string, agent *mesos.AgentID) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_INVERSE_OFFERS, InverseOffers: &scheduler.Event_InverseOffers{InverseOffers: []mesos.InverseOffer{{
		OfferID: mesos.OfferID{Value: id}, AgentID: agent, Unavailability: mesos.Unavailability{Start: mesos.TimeInfo{Nanoseconds: 1}},
	}}}}
}

func failureEvent(agent string, executor *mesos.ExecutorID) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{AgentID: &mesos.AgentID{Value: agent}, ExecutorID: executor}}
}

// floods are events of all kinds, by the number of the event.
func floods() map[string]func(i int) []*scheduler.Event {
	one := func(of func(i int) *scheduler.Event) func(i int) []*scheduler.Event {
		return func(i int) []*scheduler.Event { return []*scheduler.Event{of(i)} }
	}
	own := func(i int) (string, string) {
		return fmt.Sprint("t", i%(ownTasks/2)), fmt.Sprint("own", i%(ownTasks/2))
	}
	pick := func(i int, states ...mesos.TaskState) mesos.TaskState { return states[i%len(states)] }
	return map[string]func(i int) []*scheduler.Event{
		"one uuid": one(func(int) *scheduler.Event { return statusUpdate("t1", "own1", mesos.TASK_RUNNING, 7) }),
		"uuids of a task": one(func(i int) *scheduler.Event {
			return statusUpdate("t1", "own1", pick(i, mesos.TASK_RUNNING, mesos.TASK_KILLING), i)
		}),
		"uuids of tasks": one(func(i int) *scheduler.Event {
			id, agent := own(i)
			return statusUpdate(id, agent, mesos.TASK_RUNNING, i)
		}),
		"staging": one(func(i int) *scheduler.Event {
			id, agent := own(i)
			return statusUpdate(id, agent, mesos.TASK_STAGING, i)
		}),
		"unknown to master": one(func(i int) *scheduler.Event {
			id, agent := own(i / 2)
			return statusUpdate(id, agent, pick(i, mesos.TASK_UNKNOWN, mesos.TASK_RUNNING), -1)
		}),
		"unreachable": one(func(i int) *scheduler.Event {
			id, agent := own(i / 2)
			return statusUpdate(id, agent, pick(i, mesos.TASK_UNREACHABLE, mesos.TASK_RUNNING), -1)
		}),
		"of other agents": one(func(i int) *scheduler.Event { return statusUpdate("t1", fmt.Sprint("S", i), mesos.TASK_RUNNING, i) }),
		"tasks not on record": one(func(i int) *scheduler.Event {
			return statusUpdate(fmt.Sprint("u", i), fmt.Sprint("S", i), mesos.TASK_RUNNING, i)
		}),
		"one not on record": one(func(i int) *scheduler.Event { return statusUpdate("u", "S", mesos.TASK_RUNNING, i) }),
		"not on record, ending": func(i int) []*scheduler.Event {
			id := fmt.Sprint("u", i)
			return []*scheduler.Event{statusUpdate(id, "S", mesos.TASK_RUNNING, 2*i), statusUpdate(id, "S", mesos.TASK_FINISHED, 2*i+1)}
		},
		"offers":             one(func(i int) *scheduler.Event { return offerEvent(fmt.Sprint("O", i), fmt.Sprint("S", i), "*") }),
		"offers of an agent": one(func(i int) *scheduler.Event { return offerEvent(fmt.Sprint("O", i), "S", "*") }),
		"roles":              one(func(i int) *scheduler.Event { return offerEvent(fmt.Sprint("O", i), "S", fmt.Sprint("role", i)) }),
		"one offer":          one(func(i int) *scheduler.Event { return offerEvent("O", fmt.Sprint("S", i), "*") }),
		"offers and rescinds": func(i int) []*scheduler.Event {
			return []*scheduler.Event{offerEvent(fmt.Sprint("O", i), fmt.Sprint("S", i), "*"), rescindEvent(fmt.Sprint("O", i-i%3))}
		},
		"rescinds": one(func(i int) *scheduler.Event { return rescindEvent(fmt.Sprint("O", i)) }),
		"launches that are refused": func(i int) []*scheduler.Event {
			refused := statusUpdate(fmt.Sprint("t", ownTasks/2+i%(ownTasks/2)), "S", mesos.TASK_LOST, -1)
			refused.Update.Status.Reason = mesos.REASON_INVALID_OFFERS.Enum()
			offer := offerEvent(fmt.Sprint("O", i), fmt.Sprint("S", i), "*")
			offer.Offers.Offers[0].Resources[0].Scalar.Value = 1000
			return []*scheduler.Event{offer, refused}
		},
		"failures": func(i int) []*scheduler.Event {
			return []*scheduler.Event{failureEvent(fmt.Sprint("S", i), nil), failureEvent("own1", &mesos.ExecutorID{Value: fmt.Sprint("E", i)})}
		},
		"inverse offers": one(func(i int) *scheduler.Event {
			return inverseEvent(fmt.Sprint("I", i), &mesos.AgentID{Value: fmt.Sprint("S", i)})
		}),
		"inverse offers for all": one(func(i int) *scheduler.Event { return inverseEvent(fmt.Sprint("I", i), nil) }),
	}
}

// bound returns how many elements a container may have. Those that are not named are bounded by the number of tasks on record.
func bound(l limits, tasks int, name string) int {
	const waiting = "journal.Journal[github.com/mesos-actor/mesos-actor-go/scheduler.action]"
	kill, acks, events := l.calls[killCalls], l.acksBytes/ackOverhead, l.eventsBytes/taskOverhead
	if n, named := map[string]int{
		"scheduler.pool.offers":  2 * l.offers, // up to half of them are rescinded
		"scheduler.pool.holds":   2 * l.offers,
		"scheduler.pool.numbers": l.offers,

		"scheduler.census.agents":   l.agents + tasks,
		"scheduler.census.order":    l.agents + tasks,
		"scheduler.census.facts":    l.agents + tasks,
		"scheduler.agent.roles":     l.agentRoles,
		"scheduler.lastOffers.last": l.agentRoles,

		"scheduler.machine.vacated":    l.vacated,
		"scheduler.machine.quarantine": l.quarantined,
		"scheduler.timers.heap":        sweepMin + 2*3*tasks, // up to three for each task, and as many that were replaced
		"scheduler.machine.actions":    2*l.offers + acks + events,
		"scheduler.remembered.tasks":   l.adopted,

		// Acknowledgements, events, one for those that were left out, and launches.
		waiting + ".waiting": acks + events + 1 + tasks,
		waiting + ".dirty":   l.adopted + tasks,
		waiting + ".isDirty": l.adopted + tasks,
		waiting + ".writing": l.adopted + tasks,

		"scheduler.acks.open":             acks,
		"scheduler.kindBackoff.waiting":   acks,
		"scheduler.Call_Decline.OfferIDs": l.declined,
		"lane ACKNOWLEDGE":                acks,
		"lane ACCEPT":                     l.calls[acceptCalls] + tasks,
		"lane DECLINE":                    l.calls[declineCalls],
		"lane KILL":                       kill,
		"lane RECONCILE":                  l.calls[reconcileCalls],
		"lane REVIVE":                     l.calls[demandCalls],
		"lane SUPPRESS":                   l.calls[demandCalls],
		"lane UPDATE_FRAMEWORK":           l.calls[filterCalls],
		"lane ACCEPT_INVERSE_OFFERS":      l.calls[inverseCalls],
		"lane DECLINE_INVERSE_OFFERS":     l.calls[inverseCalls],
	}[name]; named {
		return n
	}
	return tasks + 20
}

// smallLimits are limits that a few hundred events exceed.
func smallLimits() limits {
	l := defaultLimits()
	l.offers, l.agents, l.agentRoles, l.vacated, l.quarantined, l.adopted, l.declined = 200, 200, 20, 200, 200, 200, 500
	l.eventsBytes, l.acksBytes = 150*taskOverhead, 200*ackOverhead
	l.calls = [callKinds]int{
		acceptCalls: 50, declineCalls: 10, killCalls: 50, reconcileCalls: 10, demandCalls: 10, filterCalls: 10, inverseCalls: 10,
	}
	return l
}

// flooding is how a flood meets the machine.
type flooding struct {
	unknown UnknownTasks
	calls   outcome // of each; unsent: calls hang
	store   string
}

func (f flooding) String() string {
	return fmt.Sprintf("unknown=%d/calls=%s/store=%s", f.unknown, map[outcome]string{unsent: "hang", refused: "refused", accepted: "accepted"}[f.calls], f.store)
}

func floodings() (all []flooding) {
	if testing.Short() {
		return []flooding{{KillUnknown, unsent, "none"}, {AdoptUnknown, unsent, "hangs"}, {KillUnknown, refused, "works"}, {KillUnknown, accepted, "hangs"}}
	}
	for _, unknown := range []UnknownTasks{ReportUnknown, AdoptUnknown, KillUnknown} {
		for _, calls := range []outcome{unsent, refused, accepted} {
			for _, store := range []string{"none", "works", "hangs"} {
				all = append(all, flooding{unknown, calls, store})
			}
		}
	}
	return all
}

// overflows floods a machine with events, and returns the containers that have more elements than they may.
func (f flooding) overflows(t *testing.T, of limits, events int, make func(i int) []*scheduler.Event) (found []string) {
	to := newFlooded(t, f.calls, f.store != "none", f.store == "hangs", func(set *settings) { set.limits, set.unknown = of, f.unknown })
	for i := range events {
		for _, e := range make(i) {
			to.event(e)
		}
		if i%(events/2) == events/2-1 {
			to.note()
		}
	}
	for name, n := range to.widest {
		if most := bound(smallLimits(), len(to.m.tasks.byID), name); n > most {
			found = append(found, fmt.Sprintf("%s has %d elements, and may have %d", name, n, most))
		}
	}
	return found
}

// Whatever a master sends without end, nothing in the machine, nor among the calls that wait for it, grows without end, whether
// it answers calls and whether the store takes what is to be stored.
func TestNothingGrowsUnderAFlood(t *testing.T) {
	oneGoroutine(t)
	kinds := floods()
	for _, f := range floodings() {
		t.Run(f.String(), func(t *testing.T) {
			for _, kind := range slices.Sorted(maps.Keys(kinds)) {
				require.Empty(t, f.overflows(t, smallLimits(), 1200, kinds[kind]), kind)
			}
		})
	}
}

// A control: without its limit each of these is found.
func TestControlWithoutLimits(t *testing.T) {
	const many = 1 << 30
	for kind, without := range map[string]struct {
		lift  func(*limits)
		finds string
	}{
		"offers":              {func(l *limits) { l.offers = many }, "scheduler.pool.offers"},
		"inverse offers":      {func(l *limits) { l.vacated = many }, "scheduler.machine.vacated"},
		"uuids of tasks":      {func(l *limits) { l.acksBytes = many }, "lane ACKNOWLEDGE"},
		"uuids of a task":     {func(l *limits) { l.eventsBytes = many }, ".waiting"},
		"tasks not on record": {func(l *limits) { l.calls[killCalls] = many }, "lane KILL"},
		"roles":               {func(l *limits) { l.declined = many }, "scheduler.Call_Decline.OfferIDs"},
	} {
		of, f := smallLimits(), flooding{KillUnknown, unsent, "none"}
		if without.lift(&of); of.eventsBytes == many {
			f = flooding{KillUnknown, accepted, "hangs"}
		}
		require.Contains(t, strings.Join(f.overflows(t, of, 1200, floods()[kind]), "\n"), without.finds, kind)
	}
}
