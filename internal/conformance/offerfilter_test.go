package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
)

// oldMaster is the need of behaviours with older masters.
const oldMaster need = "needs a master older than Mesos 1.11"

// briefly is a configuration with which what is declined is offered again soon.
func briefly() scheduler.Config {
	return scheduler.Config{Offers: scheduler.OfferPolicy{Refuse: time.Second}}
}

func filteringOffers() []behaviour {
	constraints := []source{document("scheduler-http-api", "UPDATE_FRAMEWORK"), recording("offer_constraints")}
	return []behaviour{
		{
			name:    "agents that no pending task may run on are no longer offered",
			sources: constraints,
			config:  briefly(),
			run: func(w *world) {
				some := w.distinction()
				w.submitMisfits(task.Constraint{Attribute: some.Name, Operator: task.OpLike, Value: regexp.QuoteMeta(some.Text.Value)})
				w.untilTold(0.1)
				w.calmInOffers()
				before := len(w.offers())
				w.until("offers", func() bool { return len(w.offers()) > before+1 })
				for _, o := range w.offers()[before:] {
					require.True(w, has(o, some), o.Hostname)
				}
			},
		},
		{
			name:    "a task that may run elsewhere lifts that at once, before offers are asked for",
			sources: constraints,
			config:  briefly(),
			run: func(w *world) {
				w.submitMisfits(hosts("nowhere"))
				w.untilTold(0.1)
				before, _ := w.read()
				asked := len(w.made(calls.Call_REVIVE))
				w.launch(sleeper("anywhere"))
				w.untilMade(calls.Call_REVIVE, asked+1)
				all, _ := w.read()
				first := slices.IndexFunc(all[len(before):], func(e entry) bool { return e.call != nil && e.call.Type != calls.Call_DECLINE })
				require.Equal(w, calls.Call_UPDATE_FRAMEWORK, all[len(before)+first].call.Type, w.journal)
			},
		},
		{
			name:    "offers that are too small for every pending task are not made",
			sources: []source{document("scheduler-http-api", "UPDATE_FRAMEWORK"), recording("offer_filters")},
			config:  briefly(),
			run: func(w *world) {
				w.submit(oversized("giant"))
				w.untilTold(1e9)
				w.calm()
				before := len(w.offers())
				w.calm()
				require.Len(w, w.offers(), before)
				w.launch(sleeper("small"))
			},
		},
		{
			name:    "constraints that the master refuses do no harm",
			sources: []source{document("scheduler-http-api", "UPDATE_FRAMEWORK"), recording("bad_framework_info")},
			config:  briefly(),
			run: func(w *world) {
				many := "nowhere"
				for i := range 50 {
					many += fmt.Sprintf("|%d.far.away", i)
				}
				w.submitMisfits(hosts(many))
				w.untilTold(0.1)
				w.untilMade(calls.Call_UPDATE_FRAMEWORK, 2)
				w.launch(sleeper("anywhere"))
				told, _ := w.connections()
				require.Len(w, told, 1)
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 1)
			},
		},
		{
			name:    "a master that does not know constraints is sent none",
			sources: constraints,
			needs:   oldMaster,
			config:  briefly(),
			cluster: mesostest.Config{Version: "1.10.0"},
			run: func(w *world) {
				w.submitMisfits(hosts("nowhere"))
				w.calmInOffers()
				require.Empty(w, w.made(calls.Call_UPDATE_FRAMEWORK))
				w.launch(sleeper("anywhere"))
			},
		},
		{
			name:    "resource limits reach the master",
			sources: []source{document("scheduler-http-api", "ACCEPT"), document("running-workloads", "Resource Limits")},
			config:  scheduler.Config{Builder: tooLittle{}},
			run: func(w *world) {
				// Agents that do not isolate by cgroups drop such a task, so it need not run.
				within := sleeper("within")
				within.Limits = &task.Limits{CPUs: 1, Mem: 64}
				w.submit(within)
				sent := w.untilMade(calls.Call_ACCEPT, 1).Accept.Operations[0].Launch.TaskInfos[0]
				require.Equal(w, map[string]mesos.Value_Scalar{"cpus": {Value: 1}, "mem": {Value: 64}}, sent.Limits)
				w.submit(sleeper("beyond"))
				info := w.untilOver("beyond")
				require.Equal(w, task.StateError, info.State)
				require.Contains(w, strings.ToLower(info.Status.GetMessage()), "memory limit")
			},
		},
	}
}

// tooLittle is a builder that sets a memory limit below the memory of a task, which only a master refuses.
type tooLittle struct{ taskbuilder.Standard }

func (b tooLittle) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	s := in.Spec
	info, err := b.Standard.Build(in)
	if s.ID == "beyond" {
		info.Limits = map[string]mesos.Value_Scalar{"mem": {Value: s.Mem - 1}}
	}
	return info, err
}

func hosts(like string) task.Constraint {
	return task.Constraint{Attribute: task.AttributeHostname, Operator: task.OpLike, Value: like}
}

// submitMisfits submits two tasks with a constraint. No agent has room for either, but many have the least that
// both ask for.
func (w *world) submitMisfits(c task.Constraint) {
	w.Helper()
	many, much := sleeper("many cpus"), sleeper("much mem")
	many.CPUs, much.Mem = 1e9, 1e9
	for _, spec := range []task.Spec{many, much} {
		spec.Constraints = []task.Constraint{c}
		w.submit(spec)
	}
}

// distinction returns a text attribute that some agents have and others have not.
func (w *world) distinction() mesos.Attribute {
	w.Helper()
	w.submit(oversized("giant"))
	w.untilMade(calls.Call_DECLINE, 1)
	w.wait(3 * time.Second)
	for _, some := range w.offers() {
		for _, a := range some.Attributes {
			if a.Type == mesos.TEXT && slices.ContainsFunc(w.offers(), func(o mesos.Offer) bool { return !has(o, a) }) {
				w.kill("giant")
				return a
			}
		}
	}
	w.Skipf("left out: no text attribute tells agents apart")
	return mesos.Attribute{}
}

// has reports whether an offer is of an agent with that attribute.
func has(o mesos.Offer, a mesos.Attribute) bool {
	return slices.ContainsFunc(o.Attributes, func(b mesos.Attribute) bool { return a.Equal(b) })
}

// untilTold waits for an UPDATE_FRAMEWORK that sets the least amount of cpus.
func (w *world) untilTold(cpus float64) {
	w.Helper()
	w.until("the master is told", func() bool {
		return slices.ContainsFunc(w.made(calls.Call_UPDATE_FRAMEWORK), func(c *calls.Call) bool {
			for _, q := range c.UpdateFramework.FrameworkInfo.OfferFilters["*"].MinAllocatableResources.GetQuantities() {
				return q.Quantities["cpus"].Value == cpus
			}
			return false
		})
	})
}
