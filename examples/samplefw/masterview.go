package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// masterView is what a master says of frameworks and tasks at /state: which instance of which task runs in which framework.
type masterView struct {
	Frameworks []frameworkView `json:"frameworks"`
	Completed  []frameworkView `json:"completed_frameworks"`
}

type frameworkView struct {
	ID           string     `json:"id"`
	Active       bool       `json:"active"`
	Registered   float64    `json:"registered_time"`
	Reregistered float64    `json:"reregistered_time"` // 0: never
	WebUI        string     `json:"webui_url"`         // which has the address of the member that leads
	Tasks        []taskView `json:"tasks"`
	Ended        []taskView `json:"completed_tasks"`
}

type taskView struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Agent    string `json:"slave_id"`
	Statuses []struct {
		Timestamp float64 `json:"timestamp"`
	} `json:"statuses"`
}

func lookAt(ctx context.Context, master string) (v masterView, err error) {
	return v, get(ctx, strings.TrimPrefix(master, "http://"), "/state", &v)
}

// subscribed returns when the only framework subscribed the last time.
func (v masterView) subscribed() time.Time {
	f := v.Frameworks[0]
	return time.Unix(0, int64(1e9*max(f.Registered, f.Reregistered)))
}

// running returns which instance of each task runs, by its agent and the time at which it started.
func (v masterView) running() map[string]string {
	instances := map[string]string{}
	for _, f := range v.Frameworks {
		for _, t := range f.Tasks {
			if t.State == "TASK_RUNNING" && len(t.Statuses) > 0 {
				instances[t.ID] = fmt.Sprint(t.Agent, " since ", t.Statuses[0].Timestamp)
			}
		}
	}
	return instances
}

// check compares what the master says with what it said before, while the members were disturbed: it returns an
// error unless there is one framework, the same as before, and each task still runs as the same instance.
func (v masterView) check(before masterView) error {
	var faults []string
	if len(v.Frameworks) != 1 || v.Frameworks[0].ID != before.Frameworks[0].ID || len(v.Completed) > 0 {
		faults = append(faults, fmt.Sprintf("%d frameworks, %d of them ended, in place of one", len(v.Frameworks)+len(v.Completed), len(v.Completed)))
	}
	now, was := v.running(), before.running()
	for _, id := range slices.Sorted(maps.Keys(was)) {
		switch now[id] {
		case was[id]:
		case "":
			faults = append(faults, id+" is lost")
		default:
			faults = append(faults, id+" was started again")
		}
	}
	for _, f := range v.Frameworks {
		for _, t := range f.Ended {
			faults = append(faults, t.ID+" has ended")
		}
		for i, t := range f.Tasks {
			if slices.ContainsFunc(f.Tasks[:i], func(o taskView) bool { return o.ID == t.ID }) {
				faults = append(faults, t.ID+" runs twice")
			}
		}
	}
	if faults != nil {
		return fmt.Errorf("the master says: %s", strings.Join(faults, "; "))
	}
	return nil
}
