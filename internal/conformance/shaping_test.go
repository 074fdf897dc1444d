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

// oldMaster is a need of behaviours about masters of before.
const oldMaster need = "needs a master older than Mesos 1.11"

// briefly has everything offered again soon that is declined.
func briefly() scheduler.Config {
	return scheduler.Config{Offers: scheduler.OfferPolicy{Refuse: time.Second}}
}

func shaping() []behaviour {
	constraints := []source{document("scheduler-http-api", "UPDATE_FRAMEWORK"), recording("offer_constraints")}
	return []behaviour{
		{
			name:    "agents that no pending task may run on are offered no more",
			sources: constraints,
			config:  briefly(),
			run: func(w *world) {
				host := w.chosenHost()
				w.submitMisfits(regexp.QuoteMeta(host))
				w.untilTold(0.1)
				w.calm()
				before := len(w.offers())
				w.until("offers", func() bool { return len(w.offers()) > before+1 })
				for _, o := range w.offers()[before:] {
					require.Equal(w, host, o.Hostname)
				}
			},
		},
		{
			name:    "a task that may run elsewhere lifts that at once, before it asks for offers",
			sources: constraints,
			config:  briefly(),
			run: func(w *world) {
				w.submitMisfits("nowhere")
				w.untilTold(0.1)
				entries, _ := w.read()
				w.launch(sleeper("anywhere"))
				all, _ := w.read()
				var made []calls.Call_Type
				for _, e := range all[len(entries):] {
					if e.call != nil && e.call.Type != calls.Call_DECLINE {
						made = append(made, e.call.Type)
					}
				}
				require.Equal(w, []calls.Call_Type{calls.Call_UPDATE_FRAMEWORK, calls.Call_REVIVE, calls.Call_ACCEPT}, made[:3])
			},
		},
		{
			name:    "offers that are too small for every pending task are not made",
			sources: []source{document("scheduler-http-api", "UPDATE_FRAMEWORK"), recording("offer_filters")},
			config:  briefly(),
			run: func(w *world) {
				w.submit(giant("giant"))
				w.untilTold(1e9)
				w.calm()
				before := len(w.offers())
				w.calm()
				require.Len(w, w.offers(), before)
				w.launch(sleeper("small"))
			},
		},
		{
			name:    "constraints that the master refuses cost nothing",
			sources: []source{document("scheduler-http-api", "UPDATE_FRAMEWORK"), recording("bad_framework_info")},
			config:  briefly(),
			run: func(w *world) {
				hosts := "nowhere"
				for i := range 50 {
					hosts += fmt.Sprintf("|%d.far.away", i)
				}
				w.submitMisfits(hosts)
				w.untilTold(0.1)
				w.untilMade(calls.Call_UPDATE_FRAMEWORK, 2)
				w.launch(sleeper("anywhere"))
				told, _ := w.connections()
				require.Len(w, told, 1)
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 1)
			},
		},
		{
			name:    "a master that does not know constraints is told none",
			sources: constraints,
			needs:   oldMaster,
			config:  briefly(),
			cluster: mesostest.Config{Version: "1.10.0"},
			run: func(w *world) {
				w.submitMisfits("nowhere")
				w.calm()
				require.Empty(w, w.made(calls.Call_UPDATE_FRAMEWORK))
				w.launch(sleeper("anywhere"))
			},
		},
		{
			name:    "resource limits reach the master",
			sources: []source{document("scheduler-http-api", "ACCEPT"), document("running-workloads", "Resource Limits")},
			config:  scheduler.Config{Builder: tooLittle{}},
			run: func(w *world) {
				within := sleeper("within")
				within.Limits = &task.Limits{CPUs: 1, Mem: 64}
				w.launch(within)
				w.submit(sleeper("beyond"))
				info := w.untilOver("beyond")
				require.Equal(w, task.Error, info.State)
				require.Contains(w, strings.ToLower(info.Status.GetMessage()), "memory limit")
			},
		},
	}
}

// tooLittle gives each task less than it asks for, which only a master refuses.
type tooLittle struct{ taskbuilder.Standard }

func (b tooLittle) Build(s task.Spec, p task.Placement) (mesos.TaskInfo, error) {
	info, err := b.Standard.Build(s, p)
	if s.ID == "beyond" {
		info.Limits = map[string]mesos.Value_Scalar{"mem": {Value: s.Mem - 1}}
	}
	return info, err
}

// submitMisfits submits two tasks for hosts whose names are like this. No agent has room for either, but many
// have the least that both ask for.
func (w *world) submitMisfits(hosts string) {
	w.Helper()
	many, much := sleeper("many cpus"), sleeper("much mem")
	many.CPUs, much.Mem = 1e9, 1e9
	for _, spec := range []task.Spec{many, much} {
		spec.Constraints = []task.Constraint{{Attribute: task.Hostname, Operator: task.Like, Value: hosts}}
		w.submit(spec)
	}
}

// chosenHost is that of an agent which is not the only one.
func (w *world) chosenHost() string {
	w.Helper()
	w.submit(giant("giant"))
	w.untilMade(calls.Call_DECLINE, 1)
	w.wait(3 * time.Second)
	var hosts []string
	for _, o := range w.offers() {
		if !slices.Contains(hosts, o.Hostname) {
			hosts = append(hosts, o.Hostname)
		}
	}
	if len(hosts) < 2 {
		w.Skipf("left out: there is one agent only")
	}
	w.kill("giant")
	return hosts[0]
}

// untilTold waits for the master to be told that less cpus are of no use.
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
