package page_test

import (
	"errors"
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// now is the present time on screenshots.
var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// sampleOverview is that of a framework with three members.
func sampleOverview() controlapi.Overview {
	return controlapi.Overview{
		Framework: "shop",
		Election: &ha.Status{
			Self: "member-2", Leader: "member-1", Term: 7, Since: ago(3 * time.Hour), Reason: "member-3 was not heard from for 2 s",
			Members: []ha.Member{
				{ID: "member-1", API: "10.0.0.11:8080", Alive: true, Voter: true, Since: ago(26 * time.Hour)},
				{ID: "member-2", API: "10.0.0.12:8080", Alive: true, Voter: true, Since: ago(26 * time.Hour)},
				{ID: "member-3", API: "10.0.0.13:8080", Alive: false, Voter: true, Since: ago(3 * time.Hour)},
			},
		},
		Connection: &scheduler.Status{
			FrameworkID: "d1b5b8a4-6f0c-4d2e-9c43-0c6f6f2ad7c1-0003", Connected: true, Master: "http://10.0.0.5:5050", Since: ago(3 * time.Hour),
		},
		Tasks:  map[string]int{"running": 10},
		Offers: 2,
		Agents: sampleAgents(),
	}
}

func sampleAgents() []scheduler.AgentStats {
	var all []scheduler.AgentStats
	for i := range 6 {
		a := scheduler.AgentStats{
			Agent: task.Agent{
				ID: fmt.Sprintf("d1b5b8a4-6f0c-4d2e-9c43-0c6f6f2ad7c1-S%d", i), Hostname: fmt.Sprintf("agent%d.example.com", i+1), Region: "eu-west",
				Zone: string(rune('a' + i%3)), Attributes: []mesos.Attribute{
					{Name: "rack", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: fmt.Sprintf("r%d", i%3+1)}},
					{Name: "disks", Type: mesos.SCALAR, Scalar: &mesos.Value_Scalar{Value: 4}},
				},
			},
			Offered:   scheduler.Amounts{CPUs: 16 - 2.5*float64(i), Mem: 65536 - 10240*float64(i), Disk: 500_000},
			OfferedAt: ago(time.Duration(i+2) * time.Second), Roles: []string{"shop"},
			Tasks: i + 1, Taken: scheduler.Amounts{CPUs: 2.5 * float64(i+1), Mem: 10240 * float64(i+1), Disk: 20_000 * float64(i)},
		}
		all = append(all, a)
	}
	for i := range all {
		all[i].Free = all[i].Offered
	}
	all[4].OfferedAt, all[4].Offered = time.Time{}, scheduler.Amounts{}
	all[5].Agent.Unavailable = now.Add(2 * time.Hour)
	return all
}

// sampleTasks are n tasks of which most run.
func sampleTasks(n int) []controlapi.Summary {
	groups := []string{"web", "api", "search", "billing", "mail", "thumbnails"}
	all := make([]controlapi.Summary, 0, n)
	for i := range n {
		group := groups[i%len(groups)]
		s := controlapi.Summary{
			ID: fmt.Sprintf("%s-%d", group, i/len(groups)+1), Group: group, Role: "shop", State: task.StateRunning, CPUs: []float64{0.5, 1, 2}[i%3],
			Mem: []float64{256, 512, 2048, 4096}[i%4], Submitted: ago(26 * time.Hour), Updated: ago(time.Duration(i*i+5) * time.Second), Version: uint64(1000 + i),
			Hostname: fmt.Sprintf("agent%d.example.com", i%6+1), AgentID: fmt.Sprintf("d1b5b8a4-6f0c-4d2e-9c43-0c6f6f2ad7c1-S%d", i%6),
		}
		switch {
		case i%17 == 4:
			s.State, s.Message, s.Hostname, s.AgentID = task.StatePending, "", "", ""
		case i%23 == 7:
			s.State, s.Message = task.StateFailed, "Command exited with status 1"
		case i%29 == 11:
			s.State = task.StateFinished
		case i%31 == 15:
			s.State, s.Message = task.StateKilled, "Command terminated with signal Terminated"
		case i%37 == 20:
			s.State = task.StateStaging
		case i%41 == 26:
			s.State, s.Message = task.StateUnreachable, "Agent agent3.example.com is unreachable"
		case i%13 == 9:
			sick := false
			s.Healthy = &sick
		}
		all = append(all, s)
	}
	return all
}

// detailOf is what is known of a task of the list.
func detailOf(s controlapi.Summary) map[string]any {
	spec := task.Spec{
		ID: s.ID, Group: s.Group, Role: s.Role, CPUs: s.CPUs, Mem: s.Mem, Disk: 1024, Ports: []task.Port{{Name: "http", Container: 8080}},
		Container:   &task.Container{Image: "registry.example.com/shop/" + s.Group + ":1.42.0"},
		Command:     task.Command{Shell: "exec /usr/local/bin/" + s.Group + " --listen :$PORT_HTTP", Env: map[string]string{"LOG_LEVEL": "info"}},
		Constraints: []task.Constraint{{Attribute: "rack", Operator: task.OpGroupBy, Value: "3"}, {Attribute: "hostname", Operator: task.OpUnique}},
		Labels:      map[string]string{"team": "storefront", "tier": "frontend"},
	}
	info := task.Info{
		Spec: spec, State: s.State, Version: s.Version, AgentID: s.AgentID, Hostname: s.Hostname, Healthy: s.Healthy, Submitted: s.Submitted, Updated: s.Updated,
	}
	history := []task.Transition{{At: s.Submitted, State: task.StatePending}}
	if s.State != task.StatePending {
		info.HostPorts = []uint16{31004}
		history = append(history,
			task.Transition{At: s.Submitted.Add(2 * time.Second), State: task.StateStaging, Hostname: "agent3.example.com"},
			task.Transition{At: s.Submitted.Add(4 * time.Second), State: task.StateRunning, Hostname: "agent3.example.com"},
			task.Transition{At: s.Submitted.Add(5 * time.Hour), State: task.StatePending, Message: "agent3.example.com was lost: the launch is made again"},
			task.Transition{At: s.Submitted.Add(5*time.Hour + 3*time.Second), State: task.StateStaging, Hostname: s.Hostname},
			task.Transition{At: s.Submitted.Add(5*time.Hour + 9*time.Second), State: task.StateRunning, Hostname: s.Hostname, Message: "healthy"})
	}
	if s.State.Terminal() {
		history = append(history, task.Transition{At: s.Updated, State: s.State, Hostname: s.Hostname, Message: s.Message})
		status := 1
		info.ExitStatus, info.Status = &status, &mesos.TaskStatus{TaskID: mesos.TaskID{Value: s.ID}, Message: &s.Message}
	}
	return map[string]any{"task": info, "history": history}
}

// explanationOf says why a task is pending.
func explanationOf(s controlapi.Summary) scheduler.Explanation {
	return scheduler.Explanation{
		Task: task.Info{Spec: task.Spec{ID: s.ID}, State: s.State}, Cycles: 17, Subscribed: true, LastOffers: ago(3 * time.Second), Filtered: true,
		Findings: []scheduler.Finding{{At: ago(3 * time.Second), Offers: 43, Reasons: []task.Reason{
			{Kind: task.ReasonShortage, Resource: "mem", Agents: 31, Short: 112, Hostname: "agent7.example.com"},
			{Kind: task.ReasonConstraint, Constraint: task.Constraint{Attribute: "rack", Operator: task.OpLike, Value: "r[12]"}, Agents: 9},
			{Kind: task.ReasonShortage, Resource: "ports", Port: 8080, Agents: 3},
		}}},
	}
}

var errStoreFull = errors.New("write /var/lib/shop/records.db: no space left on device")
