package scheduler_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// limited is a matcher that lets only so many tasks of each group run at once.
type limited struct {
	taskmatcher.FirstFit
	most int
}

// Match implements scheduler.TaskMatcher.
func (m limited) Match(c task.Cycle) (placed []task.Placement, rejected []task.Rejection) {
	running := map[string]int{} // by group, launched ones and those of this cycle
	for _, p := range c.Running {
		running[p.Group] += p.Tasks
	}
	var allowed []task.Demand
	for _, d := range c.Tasks {
		if group := d.Spec.Group; running[group] < m.most {
			running[group]++
			allowed = append(allowed, d)
		} else {
			rejected = append(rejected, task.Rejection{TaskID: d.ID, Reasons: []task.Reason{{Kind: "too many run", Agents: 1}}})
		}
	}
	if len(allowed) == 0 {
		return nil, rejected
	}
	c.Tasks = allowed
	placed, more := m.FirstFit.Match(c)
	return placed, append(rejected, more...)
}

// Five tasks, of which at most two run at once: a matcher of one's own is around another one.
func Example_concurrencyLimit() {
	cluster, err := mesosfake.New(mesosfake.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = cluster.Run(ctx) }()
	s, err := scheduler.New(scheduler.Config{
		Master:      cluster.Master(),
		DialContext: cluster.DialContext,
		Framework:   scheduler.Framework{Name: "example"},
		Matcher:     limited{most: 2},
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	events := s.Watch(ctx)
	go func() { _ = s.Run(ctx) }()

	go func() {
		for i := range 5 {
			if err := s.Submit(ctx, task.Spec{ID: fmt.Sprint("t", i), CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "true"}}); err != nil {
				log.Fatal(err)
			}
		}
	}()
	running, most, finished := map[string]bool{}, 0, 0
	for e := range events {
		change, is := e.(scheduler.TaskEvent)
		if !is {
			continue
		}
		switch id := change.Task.Spec.ID; change.Task.State {
		case task.StateStaging:
			running[id] = true
			most = max(most, len(running))
		case task.StateFinished:
			delete(running, id)
			finished++
		}
		if finished == 5 {
			break
		}
	}
	fmt.Println(finished, "finished, at most", most, "at once")
	// Output:
	// 5 finished, at most 2 at once
}
