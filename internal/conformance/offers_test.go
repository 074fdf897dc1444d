package conformance

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func offers() []behaviour {
	return []behaviour{
		{
			name:    "a task that is submitted revives offers, and when none is pending they are suppressed",
			sources: []source{document("scheduler-http-api", "REVIVE"), document("scheduler-http-api", "SUPPRESS"), recording("suppress_revive")},
			run: func(w *world) {
				w.untilConnected(1)
				w.submit(sleeper("a"))
				w.untilMade(calls.Call_REVIVE, 1)
				w.untilMade(calls.Call_SUPPRESS, 1)
				w.untilState("a", task.StateRunning)
				w.calm()
				require.Len(w, w.made(calls.Call_REVIVE), 1)
				require.Len(w, w.made(calls.Call_SUPPRESS), 1)
				w.nothingHeld()
			},
		},
		{
			name:    "each offer is answered, and once",
			sources: []source{document("scheduler-http-api", "ACCEPT"), document("scheduler-http-api", "DECLINE"), recording("accept_invalid_offers")},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{Refuse: time.Second, NoOfferConstraints: true}},
			run: func(w *world) {
				w.submit(oversized("giant"))
				w.launch(sleeper("a"))
				w.until("several cycles", func() bool { return len(w.made(calls.Call_DECLINE)) >= 4 })
				w.kill("giant")
				w.nothingHeld()
				answers := map[string]int{}
				for _, c := range w.made(calls.Call_ACCEPT) {
					answers[ids(c.Accept.OfferIDs)]++
				}
				for _, c := range w.made(calls.Call_DECLINE) {
					for _, id := range c.Decline.OfferIDs {
						answers[id.Value]++
					}
				}
				for _, o := range w.offers() {
					require.Equal(w, 1, answers[o.ID.Value], o.ID.Value)
				}
			},
		},
		{
			name:    "what fits nothing is declined for the time that the policy says",
			sources: []source{document("scheduler-http-api", "DECLINE"), recording("decline_filters"), recording("decline_seconds")},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{Refuse: 2 * time.Hour}},
			run: func(w *world) {
				w.submit(oversized("a"))
				w.refusedFor(2*time.Hour, w.untilMade(calls.Call_DECLINE, 1).Decline.GetFilters())
				require.Equal(w, task.StatePending, w.task("a").State)
			},
		},
		{
			name:    "what a launch leaves over is declined for that time as well",
			sources: []source{document("scheduler-http-api", "ACCEPT"), recording("accept_leftover")},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{Refuse: 2 * time.Hour}},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.refusedFor(2*time.Hour, w.made(calls.Call_ACCEPT)[0].Accept.GetFilters())
			},
		},
		{
			name:    "a new task lifts earlier refusals",
			sources: []source{document("scheduler-http-api", "REVIVE"), recording("decline_filters")},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{Refuse: 24 * time.Hour}},
			run: func(w *world) {
				w.submit(oversized("giant"))
				w.untilMade(calls.Call_DECLINE, 1)
				w.launch(sleeper("a"))
				w.launch(sleeper("b"))
				require.Equal(w, task.StatePending, w.task("giant").State)
			},
		},
		{
			name:    "many new tasks at once cause few calls for offers",
			sources: []source{document("scheduler-http-api", "REVIVE"), document("app-framework-development-guide", "Multi-Scheduler Scalability")},
			run: func(w *world) {
				w.untilConnected(1)
				for i := range 20 {
					w.submit(command(fmt.Sprint(i), "exit 0"))
				}
				for i := range 20 {
					w.untilOver(fmt.Sprint(i))
				}
				require.LessOrEqual(w, len(w.made(calls.Call_REVIVE)), 10)
			},
		},
		{
			name:      "many tasks are launched with one offer, within its resources",
			sources:   []source{document("scheduler-http-api", "ACCEPT"), recording("launch_many")},
			unstarted: true,
			run: func(w *world) {
				w.startInVain()
				for i := range 6 {
					w.submit(sleeper(fmt.Sprint(i)))
				}
				w.wire.restore()
				for i := range 6 {
					w.untilState(fmt.Sprint(i), task.StateRunning)
				}
				accept := w.made(calls.Call_ACCEPT)[0]
				require.Greater(w, len(launches(accept)), 1)
				w.withinOffers()
			},
		},
		{
			name:      "each task has an operation of its own, so that one that is malformed does not take others along",
			sources:   []source{recording("launch_malformed_resource"), recording("launch_many")},
			unstarted: true,
			run: func(w *world) {
				w.startInVain()
				w.submit(sleeper("a"))
				w.submit(sleeper("b"))
				w.wire.restore()
				w.untilState("a", task.StateRunning)
				w.untilState("b", task.StateRunning)
				for _, c := range w.made(calls.Call_ACCEPT) {
					for _, op := range c.Accept.Operations {
						require.Len(w, op.GetLaunch().GetTaskInfos(), 1)
					}
				}
			},
		},
		{
			name:    "host ports are taken from those that were offered, each once",
			sources: []source{document("attributes-resources", "Predefined Uses & Conventions"), recording("launch_errors")},
			run: func(w *world) {
				spec := sleeper("a")
				spec.Ports = make([]task.Port, 3)
				a := w.launch(spec)
				spec.ID = "b"
				b := w.launch(spec)
				require.Len(w, a.HostPorts, 3)
				require.Len(w, b.HostPorts, 3)
				w.withinOffers()
				if a.AgentID == b.AgentID {
					for _, port := range a.HostPorts {
						require.NotContains(w, b.HostPorts, port)
					}
				}
				require.NotEqual(w, a.HostPorts[0], a.HostPorts[1])
				require.NotEqual(w, a.HostPorts[1], a.HostPorts[2])
			},
		},
		{
			name:    "a task runs only where its constraints hold",
			sources: []source{document("attributes-resources", "Attributes"), recording("offer_constraints")},
			run: func(w *world) {
				w.launch(sleeper("first"))
				attribute := w.textAttribute()
				like := sleeper("like")
				like.Constraints = []task.Constraint{{Attribute: attribute.Name, Operator: task.OpLike, Value: regexp.QuoteMeta(attribute.Text.Value)}}
				require.Equal(w, attribute.Text.Value, w.attributeOf(w.launch(like).AgentID, attribute.Name))
				never := sleeper("never")
				never.Constraints = []task.Constraint{{Attribute: attribute.Name, Operator: task.OpLike, Value: "no-" + w.name}}
				w.submit(never)
				w.untilMade(calls.Call_DECLINE, 1)
				require.Equal(w, task.StatePending, w.task("never").State)
			},
		},
		{
			name:    "a task with a role uses the offers of that role",
			sources: []source{document("roles", "Roles and resource allocation"), recording("two_roles")},
			config:  scheduler.Config{Framework: scheduler.Framework{Roles: []string{"conformance-a", "conformance-b"}}},
			run: func(w *world) {
				for _, role := range []string{"conformance-b", "conformance-a"} {
					spec := sleeper("in-" + role)
					spec.Role = role
					w.launch(spec)
				}
				for _, c := range w.made(calls.Call_ACCEPT) {
					for _, info := range launches(c) {
						for _, r := range info.Resources {
							require.Equal(w, info.TaskID.Value, "in-"+r.GetAllocationInfo().GetRole())
						}
					}
				}
			},
		},
		{
			name:    "a task whose offer was gone before its launch arrived is pending again, and nobody is told that it failed",
			sources: []source{recording("accept_invalid_offers"), recording("offer_timeout_accept"), document("task-state-reasons", "REASON_INVALID_OFFERS")},
			config:  scheduler.Config{MaxLaunches: 1},
			run: func(w *world) {
				w.untilConnected(1)
				w.declineBehind(2)
				w.launch(sleeper("a"))
				w.until("the master refused", func() bool { return w.updates("a")[0].GetReason() == mesos.REASON_INVALID_OFFERS })
				require.Equal(w, []task.State{task.StatePending, task.StateStaging, task.StatePending, task.StateStaging}, w.states("a")[:4])
				require.Equal(w, 3, w.launchesOf("a"))
			},
		},
		{
			name:    "a RESCIND of an offer that is not held is ignored",
			sources: []source{document("scheduler-http-api", "RESCIND"), recording("pb_rescind")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				for _, o := range w.offers() {
					w.wire.inject(&calls.Event{Type: calls.Event_RESCIND, Rescind: &calls.Event_Rescind{OfferID: o.ID}})
				}
				w.launch(sleeper("b"))
				require.Equal(w, task.StateRunning, w.task("a").State)
			},
		},
		{
			name:    "an ACCEPT that the master refuses is tried on other offers",
			sources: []source{document("scheduler-http-api", "Overview"), document("high-availability-framework-guide", "Mesos Architecture")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_ACCEPT, http.StatusServiceUnavailable)
				w.launch(sleeper("a"))
				require.Equal(w, 2, w.launchesOf("a"))
				w.nothingHeld()
			},
		},
		{
			name:    "an ACCEPT whose answer is lost is not made again while its task may run",
			sources: []source{document("high-availability-framework-guide", "Mesos Architecture"), recording("launch_errors")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_ACCEPT, lose)
				first := true
				w.wire.events(func(e *calls.Event) []*calls.Event {
					if e.Type == calls.Event_UPDATE && first {
						first = false
						return nil // it is sent again, which the scheduler cannot know
					}
					return []*calls.Event{e}
				})
				w.launch(sleeper("a"))
				w.calm()
				require.Equal(w, 1, w.launchesOf("a"))
				require.Equal(w, task.StateRunning, w.task("a").State)
			},
		},
		{
			name:    "offers from before a disconnection are not used",
			sources: []source{document("reconciliation", "Offer Reconciliation"), recording("resubscribe_after_disconnect")},
			run: func(w *world) {
				w.untilConnected(1)
				w.submit(oversized("giant"))
				w.untilMade(calls.Call_DECLINE, 1)
				w.wire.cut()
				w.untilConnected(2)
				entries, _ := w.read()
				before := len(entries)
				w.launch(sleeper("a"))
				entries, _ = w.read()
				fresh := map[string]bool{}
				streams := 0
				for i, e := range entries {
					if e.event.GetType() == calls.Event_SUBSCRIBED {
						streams++
					}
					for _, o := range e.event.GetOffers().GetOffers() {
						fresh[o.ID.Value] = streams == 2
					}
					if i >= before && e.call.GetType() == calls.Call_ACCEPT {
						require.True(w, fresh[ids(e.call.Accept.OfferIDs)])
					}
				}
			},
		},
		{
			name:    "a task that is too large does not hold up others",
			sources: []source{document("scheduler-http-api", "OFFERS")},
			run: func(w *world) {
				w.submit(oversized("giant"))
				w.launch(sleeper("a"))
				require.Equal(w, task.StatePending, w.task("giant").State)
				w.until("somebody is told why", func() bool {
					entries, _ := w.read()
					return slices.ContainsFunc(entries, func(e entry) bool {
						o, ok := e.told.(scheduler.OfferEvent)
						return ok && len(o.Rejections) > 0 && o.Rejections[0].TaskID == "giant" && o.Rejections[0].Reasons[0].Resource == "cpus"
					})
				})
			},
		},
		{
			name:    "what the master has rescinded is offered again",
			sources: []source{recording("offer_timeout"), recording("pb_rescind")},
			needs:   "needs a master with --offer_timeout",
			cluster: mesostest.Config{OfferTimeout: time.Second},
			run: func(w *world) {
				w.submit(oversized("giant"))
				w.wait(time.Minute)
				w.launch(sleeper("a"))
				w.nothingHeld()
			},
		},
	}
}

func fakeWithRoles(roles ...string) mesostest.Config { return mesostest.Config{Roles: roles} }

// refusedFor requires that filters refuse for at least a time, and at most a quarter longer.
func (w *world) refusedFor(least time.Duration, f *mesos.Filters) {
	w.Helper()
	require.GreaterOrEqual(w, f.GetRefuseSeconds(), least.Seconds())
	require.LessOrEqual(w, f.GetRefuseSeconds(), 1.25*least.Seconds())
}

// nothingHeld waits until the framework has no outstanding offer at the master: what it does not use is free for
// others.
func (w *world) nothingHeld() {
	w.Helper()
	w.poll("no offer is held", func() bool {
		f, known := w.view()
		return known && len(f.Offers) == 0
	})
}

// withinOffers requires of each ACCEPT that its tasks take no more than the offer holds.
func (w *world) withinOffers() {
	w.Helper()
	offered := map[string]mesos.Offer{}
	for _, o := range w.offers() {
		offered[o.ID.Value] = o
	}
	for _, c := range w.made(calls.Call_ACCEPT) {
		o := offered[ids(c.Accept.OfferIDs)]
		free, ports := map[string]float64{}, map[uint64]bool{}
		for _, r := range o.Resources {
			free[r.Name] += r.GetScalar().GetValue()
			for _, span := range r.GetRanges().GetRange() {
				for port := span.Begin; port <= span.End; port++ {
					ports[port] = true
				}
			}
		}
		for _, info := range launches(c) {
			require.Equal(w, o.AgentID, info.AgentID)
			for _, r := range info.Resources {
				free[r.Name] -= r.GetScalar().GetValue()
				require.GreaterOrEqual(w, free[r.Name], -1e-9, r.Name)
				for _, span := range r.GetRanges().GetRange() {
					for port := span.Begin; port <= span.End; port++ {
						require.True(w, ports[port], "port %d", port)
						delete(ports, port)
					}
				}
			}
		}
	}
}

// declineBehind declines the offers of the next n ACCEPTs at the master just before these arrive.
func (w *world) declineBehind(n int) { w.loseOffers(n, pass) }

// loseLaunches keeps the next n ACCEPTs from the master, and declines their offers there.
func (w *world) loseLaunches(n int) { w.loseOffers(n, swallow) }

func (w *world) loseOffers(n int, v verdict) {
	w.wire.calls(func(c *calls.Call) verdict {
		if c.Type != calls.Call_ACCEPT || n == 0 {
			return pass
		}
		n--
		w.wire.slipIn(&calls.Call{
			Type:    calls.Call_DECLINE,
			Decline: &calls.Call_Decline{OfferIDs: c.Accept.OfferIDs, Filters: &mesos.Filters{RefuseSeconds: new(float64)}},
		})
		return v
	})
}

// textAttribute returns a text attribute of an agent that was offered. On a cluster without one it skips the behaviour.
func (w *world) textAttribute() mesos.Attribute {
	w.Helper()
	for _, o := range w.offers() {
		for _, a := range o.Attributes {
			if a.Type == mesos.TEXT {
				return a
			}
		}
	}
	w.Skipf("left out: no agent has a text attribute")
	return mesos.Attribute{}
}

func (w *world) attributeOf(agent, name string) string {
	for _, o := range w.offers() {
		for _, a := range o.Attributes {
			if o.AgentID.Value == agent && a.Name == name {
				return a.GetText().GetValue()
			}
		}
	}
	return ""
}
