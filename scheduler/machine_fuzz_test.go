package scheduler

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// FuzzMachine passes any sequence of inputs to the machine. In each case:
//
//   - it does not panic, and its deadline is never in the past;
//   - it sends only on the newest stream, and only between SUBSCRIBED and the end of that stream;
//   - each update with a uuid and an agent that arrives then is acknowledged once, after it was delivered, unless the
//     acknowledgement of the same update is under way;
//   - while calls of a kind fail, none is made before the pause has ended;
//   - each caller is answered at most once, and a request that is made again as the first time, without effect;
//   - each offer is answered once, by ACCEPT or DECLINE, unless it is rescinded: at once, after DefaultHold, or
//     within the limits of the policy after its Hold;
//   - the master is told, at once or soon, to offer to the roles that pending tasks can use, and to no other;
//   - no filter makes the master hold back offers that pending tasks need;
//   - a task is launched only while it is pending, that is once until something shows that it did not run;
//   - nothing is launched on an agent after an inverse offer was accepted, until its offers say otherwise;
//   - versions rise, and who follows the events knows which tasks are on record;
//   - all counts, and what is kept from cycle to cycle, agree with the tasks on record;
//   - with a store, nothing is launched, answered or acknowledged before it is stored, one writing is
//     under way at a time, and what a new machine reads from the store is what was written;
//   - with a store, a framework without ID is on record when it subscribes, with the nonce that it tells the master, and
//     in an election so is the term.
func FuzzMachine(f *testing.F) {
	f.Add([]byte("s\x00b\x00n\x01o\x01u\x01u\x02k\x01c\x00"))
	f.Add([]byte("s\x00b\x00n\x01n\x02n\x03o\x03d\x01o\x01u\x11d\x02c\x00w\x09b\x00u\x21t\x00d\x00"))
	f.Add([]byte("D\x00s\x00b\x00n\x01y\x00y\x00o\x01y\x00d\x00u\x01z\x00y\x00R\x00s\x00b\x00u\x02y\x00"))
	f.Add([]byte("P\x03s\x00b\x00o\x01o\x02o\x03o\x04w\x01n\x09w\x00n\x11k\x01w\x05r\x01w\x0b"))
	f.Add([]byte("P\x07s\x00b\x00n\x01o\x05n\x0ao\x06w\x00w\x01o\x08k\x02w\x03c\x00w\x14b\x00w\x00"))
	f.Add([]byte("s\x00b\x00n\x04N\x04o\x01N\x0cx\x02u\x0cN\x04p\x05N\x05x\x04k\x05N\x05"))
	f.Add([]byte("s\x00e\x01s\x00b\x00e\x00w\xffb\x00n\x09x\x01o\x22w\x01r\x01d\x03d\x04"))
	f.Fuzz(func(t *testing.T, program []byte) {
		c := newChecker(t)
		for len(program) >= 2 {
			c.play(program[0], int(program[1]))
			program = program[2:]
		}
	})
}

// retentions are those of the walks. Most of them free IDs by themselves, since there are few.
var retentions = []Retention{{Count: -1}, {Count: 2}, {For: 100 * time.Second}, {}}

var walkSeeds = flag.Uint64("walks", 250, "seeds of TestMachineWalks")

// oneGoroutine leaves out a long test of one goroutine with -short, which is how tests run with the race detector.
func oneGoroutine(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a long test of one goroutine")
	}
}

// TestMachineWalks passes long random sequences to the machine, which a short fuzzing run does not reach.
func TestMachineWalks(t *testing.T) {
	oneGoroutine(t)
	for seed := range *walkSeeds {
		random := rand.New(rand.NewPCG(seed, 0))
		c := newChecker(t)
		c.play('P', int(seed/2))
		if seed%2 == 1 {
			c.play('D', 0)
		}
		c.configure(func(set *settings) {
			set.history, set.renew = int(seed%4), seed%5 < 2
			set.remember = retentions[seed/4%4]
			if seed%6 == 2 {
				set.limits = defaultLimits()
				set.limits.offers, set.limits.agents, set.limits.agentRoles, set.limits.vacated, set.limits.quarantined = 3, 2, 1, 1, 1
				for kind := range set.limits.calls {
					set.limits.calls[kind] = 3
				}
				set.limits.calls[otherCalls], set.limits.calls[ackCalls] = 0, 0
			}
		})
		if seed%3 == 1 {
			c.play('L', 0)
		}
		for range 300 {
			const verbs = "sbbnnnNEWpkFxtooouuurecdddwwfgilyyyyyyyyzR"
			verb := verbs[random.IntN(len(verbs))]
			if (verb == 'R' || verb == 't' || verb == 'e' || verb == 'f' || verb == 'c') && random.IntN(10) > 0 {
				continue // else it would hardly ever be subscribed
			}
			c.play(verb, random.IntN(256))
		}
	}
}

// checker is a stage that checks the invariants after each step.
type checker struct {
	snapshots
	*stage
	t             require.TestingT // of the stage, or a control's
	open          bool             // between SUBSCRIBED and the end of the stream
	offers        map[string]int   // answers by offer
	arrived       []arrival        // of offers on this stream
	revived       map[string]bool  // roles to which the master offers, as it was told
	answered      map[ref]bool
	unacked       map[ackKey]bool // acknowledgements that the master has not taken
	pending       map[string]bool
	doomed        map[string]bool // tasks that a KILL was sent for
	counter       int
	planned       map[string]*mesos.Unavailability // by agent
	inverse       map[string]string                // agents by inverse offer
	inMaintenance map[string]bool                  // agents for which an inverse offer was accepted
	disk          *disk                            // nil: no store
	backoff       callBackoff                      // before the step
	master        possibleMaster
	told          map[string]bool // tasks that are on record, as watchers were told
	version       uint64          // of the last change that they were told of
	lagged        bool            // they were not told of all
}

// arrival is an offer and when it came.
type arrival struct {
	id, agent string
	at        time.Time
}

func newChecker(t *testing.T) *checker {
	s := newStage(t)
	drawn := 0.0
	s.configure(func(set *settings) {
		set.random = func() float64 { drawn++; return 0.5 + drawn/(1<<53) } // no two nonces are the same; no time is another one
	})
	return &checker{
		stage: s, t: t, offers: map[string]int{}, revived: map[string]bool{}, answered: map[ref]bool{}, unacked: map[ackKey]bool{}, pending: map[string]bool{}, doomed: map[string]bool{}, told: map[string]bool{},
		planned: map[string]*mesos.Unavailability{}, inverse: map[string]string{}, inMaintenance: map[string]bool{},
	}
}

func (c *checker) play(verb byte, n int) {
	id := fmt.Sprintf("t%d", n%8)
	switch verb {
	case 's':
		if c.machine.conn.phase == stopped {
			c.restart() // with a store, each run begins with what is in it
			c.feed(start{})
		}
	case 'b':
		id := "fw"
		c.event(&scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
			FrameworkID: &mesos.FrameworkID{Value: id}, MasterInfo: &mesos.MasterInfo{Version: proto([]string{"1.10.0", "1.12.0", "1.11.0"}[c.machine.conn.stream%3])},
		}})
	case 'n':
		c.lastRef++
		options := map[string]string{"cpus": fmt.Sprint(n % 5), "role": c.role(n/8, "")}
		if n%3 > 0 {
			options["like"] = fmt.Sprintf("rack:r%d", n%3)
		}
		spec := specOf(id, options)
		if n%16 == 0 {
			spec.Labels = map[string]string{"unbuildable": ""}
		}
		spec.Group = []string{"", "g"}[n/5%2]
		if n%7 == 0 {
			spec.Constraints = append(spec.Constraints, task.Constraint{Attribute: task.AttributeHostname, Operator: task.OpUnique})
		}
		spec.RequestID = requestOf(n)
		c.feed(submit{ref: c.lastRef, spec: spec, wait: n%2 == 0})
	case 'N':
		c.submitAgain(id, n/8%2 == 0)
	case 'p':
		c.lastRef++
		specs := []task.Spec{specOf(id, nil), specOf(fmt.Sprintf("t%d", (n+1)%8), nil)}
		for i := range specs {
			specs[i].Pod, specs[i].CPUs, specs[i].Role, specs[i].RequestID = fmt.Sprintf("p%d", n%3), 0.5, c.role(n/8, ""), requestOf(n)
			if n%5 == i {
				specs[i].Constraints = []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpLike, Value: fmt.Sprintf("a%d.*", n%4)}}
			}
		}
		c.feed(submitPod{ref: c.lastRef, specs: specs, wait: n%2 == 0})
	case 'k':
		c.lastRef++
		c.feed(kill{ref: c.lastRef, id: id})
	case 'E':
		c.lastRef++
		c.feed(ensure{ref: c.lastRef, spec: specOf(id, map[string]string{"cpus": fmt.Sprint(n / 8 % 3)})})
	case 'W':
		c.lastRef++
		c.feed(wait{ref: c.lastRef, id: id, until: Until(n / 8 % 2)})
	case 'F':
		c.lastRef++
		c.feed(forget{ref: c.lastRef, id: id})
		for id := range c.doomed {
			if c.machine.tasks.byID[id] == nil {
				delete(c.doomed, id)
			}
		}
	case 'x':
		c.cancel(ref(n), id)
	case 't':
		c.lastRef++
		c.feed(teardown{ref: c.lastRef})
	case 'o':
		c.counter++
		name := fmt.Sprintf("o%d", c.counter)
		agent := fmt.Sprintf("a%d", n%3)
		if c.open && !c.machine.teardown.wanted {
			c.offers[name] = 0
			c.arrived = append(c.arrived, arrival{name, agent, c.now})
		}
		offers := offersOf([]string{fmt.Sprintf("%s@%s:%d:1024", name, agent, n%7)})
		*offers.Offers[0].AllocationInfo.Role = c.role(n/8, "*")
		if n%4 == 0 && c.planned[agent] != nil {
			offers.Offers[0].Unavailability = c.planned[agent]
		} else if c.machine.conn.phase == connected {
			delete(c.inMaintenance, agent)
		}
		c.event(offersEvent(offers))
	case 'u':
		c.update(id, n)
	case 'r':
		c.offers[fmt.Sprintf("o%d", n)]++ // needs no answer any more
		c.event(&scheduler.Event{Type: scheduler.Event_RESCIND, Rescind: &scheduler.Event_Rescind{OfferID: mesos.OfferID{Value: fmt.Sprintf("o%d", n)}}})
	case 'e':
		texts := []string{"Framework failed over", "Framework has been removed", "no"}
		c.event(&scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: texts[n%3]}})
	case 'c':
		err := errors.New("closed")
		if n%16 == 14 {
			err = &SubscribeError{Status: 401}
		}
		c.feed(streamClosed{stream: c.machine.conn.stream - n%2, err: err})
	case 'f':
		c.feed(end{})
		c.open, c.arrived = false, nil
		clear(c.offers)
	case 'd':
		if len(c.sent) > 0 {
			s := c.sent[n%len(c.sent)]
			c.finish(s, outcome(n%5), refusal(n/5))
		}
	case 'D':
		if c.machine.conn.phase == stopped && len(c.machine.tasks.byID) == 0 {
			c.configure(func(set *settings) { set.durable, set.term = true, uint64(n%3) })
			c.disk = newDisk()
		}
	case 'P':
		if c.machine.conn.phase == stopped && len(c.machine.tasks.byID) == 0 {
			c.policyOf(n)
		}
	case 'L':
		c.limits()
	case 'i':
		c.inverseOffer(n)
	case 'l':
		delete(c.inMaintenance, fmt.Sprintf("a%d", n%3))
		c.event(&scheduler.Event{Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{AgentID: &mesos.AgentID{Value: fmt.Sprintf("a%d", n%3)}}})
	case 'y', 'z':
		c.finishWriting(map[bool]int{true: n%4 + 1, false: 1 << 20}[verb == 'y' && n%3 == 0], verb == 'y' || n%2 == 0, verb == 'y')
	case 'R':
		c.restart()
	case 'g':
		c.lastRef++
		c.feed(reconcile{ref: c.lastRef})
	case 'w':
		c.now = c.now.Add(time.Duration(n) * time.Second)
		c.feed(wake{})
	}
}

// requestOf returns the RequestID of every other task, or pod.
func requestOf(n int) string { return []string{"", "r"}[n/4%2] }

// submitAgain repeats the request that has submitted a task. If it is known by its RequestID nothing changes, and it is answered as
// the first time, or waits.
func (c *checker) submitAgain(id string, wait bool) {
	e := c.machine.tasks.byID[id]
	if e == nil || e.pod != nil && e.pod.onRecord < len(e.pod.members) {
		return
	}
	c.lastRef++
	in, before := input(submit{ref: c.lastRef, spec: e.Info.Spec.Whole(), wait: wait}), len(c.machine.tasks.byID)
	if e.pod != nil {
		in = submitPod{ref: c.lastRef, specs: e.pod.specs(), wait: wait}
	}
	actions := c.actions(in)
	for _, a := range actions {
		if r, is := a.(reply); is && r.ref == c.lastRef {
			require.Equal(c.t, e.Info.Spec.RequestID == "", errors.Is(r.err, ErrDuplicateTask), "%v", r)
		}
	}
	c.backoff = c.machine.backoff
	c.observe(in, actions)
	require.Len(c.t, c.machine.tasks.byID, before)
}

// cancel drops a caller. A task whose request has a name goes on.
func (c *checker) cancel(caller ref, id string) {
	e := c.machine.tasks.byID[id]
	stays := e != nil && e.Info.Spec.RequestID != "" && e.live() && !e.Killing
	c.feed(cancel{ref: caller, id: id})
	if stays {
		require.True(c.t, e.live() && !e.Killing, "%s was ended because a caller gave up", id)
	}
}

// limits makes tasks fail that find no place.
func (c *checker) limits() {
	if c.machine.conn.phase == stopped && len(c.machine.tasks.byID) == 0 {
		c.configure(func(set *settings) { set.maxCycles, set.maxWait = 4, 100*time.Second })
	}
}

// inverseOffer plans maintenance of an agent. Some of its later offers have it, the others say that it was called off.
func (c *checker) inverseOffer(n int) {
	c.counter++
	id, agent := fmt.Sprintf("i%d", c.counter), fmt.Sprintf("a%d", n%3)
	u := mesos.Unavailability{Start: mesos.TimeInfo{Nanoseconds: c.now.UnixNano() + int64(n)}}
	c.planned[agent], c.inverse[id] = &u, agent
	delete(c.inMaintenance, agent) // that was about another time
	c.event(&scheduler.Event{Type: scheduler.Event_INVERSE_OFFERS, InverseOffers: &scheduler.Event_InverseOffers{InverseOffers: []mesos.InverseOffer{{
		OfferID: mesos.OfferID{Value: id}, AgentID: &mesos.AgentID{Value: agent}, Unavailability: u,
	}}}})
}

func (c *checker) event(e *scheduler.Event) {
	c.feed(streamEvent{stream: c.machine.conn.stream, event: e})
}

func (c *checker) update(id string, n int) {
	states := []mesos.TaskState{mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FAILED, mesos.TASK_DROPPED, mesos.TASK_UNKNOWN}
	c.counter++
	status := mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: id}, State: states[n%len(states)].Enum(),
		AgentID: &mesos.AgentID{Value: "a1"}, UUID: []byte{byte(n), byte(c.counter / 2)},
	}
	if n%7 == 0 {
		status.Reason = mesos.REASON_INVALID_OFFERS.Enum()
	}
	c.expectWriting(status)
	c.event(&scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: status}})
}

func (c *checker) feed(in input) {
	c.backoff = c.machine.backoff
	c.observe(in, c.actions(in))
	c.checkFilter()
	if at := c.machine.deadline(); !at.IsZero() {
		if _, woken := in.(wake); woken {
			require.True(c.t, at.After(c.now), "the deadline has come and is still there")
		}
	}
	c.checkDemand()
}

// observe checks what a step returned.
func (c *checker) observe(in input, actions []action) {
	acks, wasOpen, repeated := 0, c.open, c.repeats(in)
	for _, a := range actions {
		switch a := a.(type) {
		case subscribe:
			require.Equal(c.t, c.machine.conn.stream, a.stream)
			c.checkRecorded(a.call)
			c.master.subscribe(a)
			c.noteSubscribe(a.call.Subscribe)
		case closeStream, stop:
			c.open = false
			clear(c.unacked)
			clear(c.offers)
			c.arrived = nil
		case store:
			c.beginWriting(a)
		case send:
			require.True(c.t, c.open, "%v without a subscription", a)
			require.Equal(c.t, c.machine.conn.stream, a.stream)
			c.sent = append(c.sent, a)
			c.master.send(a)
			c.checkBackoff(in, a)
			acks += c.check(a.call)
		case reply:
			require.False(c.t, c.answered[a.ref], "caller %d is answered twice", a.ref)
			c.answered[a.ref] = true
		case notify:
			c.checkEvent(a.event)
			_, event := in.(streamEvent)
			_, cycle := a.event.(OfferEvent)     // that followed
			_, removed := a.event.(RemovedEvent) // which comes last in a step
			require.True(c.t, acks == 0 || !event || cycle || removed || c.disk != nil, "told after it was acknowledged")
		}
	}
	recount(c.t, c.machine)
	c.snapshots.check(c.t, c.machine)
	c.checkTold()
	if c.disk != nil {
		return
	}
	update, ok := in.(streamEvent)
	if ok && wasOpen && update.event.GetType() == scheduler.Event_UPDATE && !c.backoff.closed(ackCalls) && !repeated {
		require.Equal(c.t, 1, acks)
	}
}

// repeats reports whether an input is an update whose acknowledgement is under way. It also notes those that the master has
// taken.
func (c *checker) repeats(in input) bool {
	switch in := in.(type) {
	case streamEvent:
		s := in.event.GetUpdate().GetStatus()
		return c.unacked[ackKeyOf(s.TaskID, mesos.AgentID{Value: s.GetAgentID().GetValue()}, s.UUID)]
	case callDone:
		if a := in.call.Acknowledge; a != nil && in.outcome == accepted && in.stream == c.machine.conn.stream {
			delete(c.unacked, ackKeyOf(a.TaskID, a.AgentID, a.UUID))
		}
	}
	return false
}

// checkBackoff requires that no call is made while its kind pauses. What succeeds, and a new subscription, end the pause.
func (c *checker) checkBackoff(in input, s send) {
	if _, done := in.(callDone); done || s.ref != 0 {
		return
	}
	kind := kindOf(s.call)
	require.False(c.t, c.backoff.closed(kind) && c.now.Before(c.backoff.until(kind)), "%v before %v", s, c.backoff.until(kind))
}

// check looks at a call, and counts it if it is an acknowledgement.
func (c *checker) check(call *scheduler.Call) int {
	switch call.GetType() {
	case scheduler.Call_ACKNOWLEDGE:
		c.checkAcknowledged(call.GetAcknowledge().GetUUID())
		c.unacked[ackKeyOf(call.Acknowledge.TaskID, call.Acknowledge.AgentID, call.Acknowledge.UUID)] = true
		return 1
	case scheduler.Call_ACCEPT:
		for _, t := range launchedBy(call) {
			c.checkStored(t.TaskID.Value, func(s record.Task) bool { return s.Info.State == task.StateStaging })
			require.False(c.t, c.inMaintenance[t.AgentID.Value], "%s is launched on %s, which is in maintenance", t.TaskID.Value, t.AgentID.Value)
			require.True(c.t, c.pending[t.TaskID.Value], "%s is launched while it is not pending", t.TaskID.Value)
			c.pending[t.TaskID.Value] = false
		}
		for _, id := range call.Accept.OfferIDs {
			require.Zero(c.t, c.offers[id.Value], "offer %s is used twice or gone", id.Value)
			c.offers[id.Value]++
		}
	case scheduler.Call_ACCEPT_INVERSE_OFFERS:
		for _, id := range call.AcceptInverseOffers.InverseOfferIDs {
			c.inMaintenance[c.inverse[id.Value]] = true
		}
	case scheduler.Call_REVIVE:
		c.noteCall(call.Revive.Roles, true)
	case scheduler.Call_SUPPRESS:
		c.noteCall(call.Suppress.Roles, false)
	case scheduler.Call_KILL:
		c.doomed[call.Kill.TaskID.Value] = true
	case scheduler.Call_DECLINE:
		for _, id := range call.Decline.OfferIDs {
			c.offers[id.Value]++
		}
	}
	return 0
}

// checkTold requires that watchers know which tasks are on record, unless something waits to be told.
func (c *checker) checkTold() {
	if !c.lagged && !c.machine.storage.journal.Pending() {
		require.Equal(c.t, slices.Sorted(keysOf(c.machine.tasks.byID)), slices.Sorted(keysOf(c.told)), "the tasks on record, and those that watchers know")
	}
}

// checkVersion requires that an event is about a later change than those before.
func (c *checker) checkVersion(e Event, version uint64) {
	require.Greater(c.t, version, c.version, "%v", e)
	c.version = version
}

func (c *checker) checkEvent(e Event) {
	switch e := e.(type) {
	case LagEvent:
		c.lagged = true
	case ConnectionEvent:
		c.open = e.Connected
	case RemovedEvent:
		c.checkVersion(e, e.Version)
		for _, id := range e.Tasks {
			require.True(c.t, c.told[id], "%s is removed, and was not on record", id)
			delete(c.told, id)
		}
	case *taskChange:
		c.checkVersion(e, e.info.Version)
		c.told[e.info.Spec.ID] = true
		require.True(c.t, e.launch == nil || e.info.State == task.StateRunning, "%v has the times of a launch", e)
		// Staging is told just before the ACCEPT that belongs to it.
		id, state := e.info.Spec.ID, e.info.State
		if state != task.StateStaging {
			c.pending[id] = state == task.StatePending
		}
		if state == task.StatePending && c.disk == nil {
			require.False(c.t, c.doomed[id], "%s was killed and is pending again", id)
		}
		if state.Terminal() {
			delete(c.doomed, id)
		}
	}
}
