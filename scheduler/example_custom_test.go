package scheduler_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// atNight is a matcher that places tasks of the group "batch" only at night.
type atNight struct{ by scheduler.TaskMatcher }

func (m atNight) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	var later []task.Rejection
	var now []task.Demand
	for _, d := range cycle.Tasks {
		if hour := cycle.Now.UTC().Hour(); d.Spec.Group == "batch" && hour >= 6 && hour < 22 {
			later = append(later, task.Rejection{TaskID: d.ID, Reasons: []task.Reason{{Kind: task.ReasonFilter, Agents: 1}}})
		} else {
			now = append(now, d)
		}
	}
	cycle.Tasks = now
	placed, rejected := m.by.Match(cycle)
	return placed, append(rejected, later...)
}

// labelling is a builder that tells each task its framework, also those of pods.
type labelling struct{ taskbuilder.Standard }

func (b labelling) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	info, err := b.Standard.Build(in)
	labels := mesos.Labels{Labels: []mesos.Label{{Key: "framework", Value: &in.FrameworkID}}}
	info.Labels = &labels
	return info, err
}

// table is a store that keeps records in a map. A real one keeps them where they survive the process, see package ha.
type table struct{ records map[string][]byte }

func (t *table) Load(context.Context) (map[string][]byte, error) { return maps.Clone(t.records), nil }

func (t *table) Apply(_ context.Context, changes map[string][]byte) error {
	for key, value := range changes {
		if value == nil {
			delete(t.records, key)
		} else {
			t.records[key] = value
		}
	}
	return nil
}

// BatchLimit is for a database that takes 100 rows, or 1 MiB, in a transaction.
func (t *table) BatchLimit() (records, bytes int) { return 100, 1 << 20 }

var (
	_ scheduler.TaskBuilder  = labelling{}
	_ scheduler.PodBuilder   = labelling{}
	_ scheduler.Store        = (*table)(nil)
	_ scheduler.BatchLimiter = (*table)(nil)
)

// A matcher, a builder, a store and policies of your own.
func ExampleConfig() {
	cluster, err := mesosfake.New(mesosfake.Config{Credentials: map[string]string{"shop": "open sesame"}})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = cluster.Run(ctx) }()
	store := &table{records: map[string][]byte{}}
	s, err := scheduler.New(scheduler.Config{
		Master:      cluster.Master(),
		DialContext: cluster.DialContext,
		Framework:   scheduler.Framework{Name: "example", Principal: "shop"},
		Credential:  &scheduler.Credential{Principal: "shop", Secret: "open sesame"},
		Matcher:     atNight{taskmatcher.Spread{}},
		Builder:     labelling{},
		Store:       store,
		Offers: scheduler.OfferPolicy{
			AcceptInverse: func(o scheduler.InverseOffer) bool { return o.Duration < time.Hour },
		},
		RememberIDs:  scheduler.Retention{For: 7 * 24 * time.Hour, Count: 1_000_000},
		UnknownTasks: scheduler.KillUnknown,
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()

	info, err := s.Launch(ctx, task.Spec{ID: "web-1", CPUs: 1, Mem: 64, Command: task.Command{Shell: "sleep 3600"}})
	fmt.Println(info.State, err)
	status, err := s.Status(ctx)
	launched, _ := cluster.Snapshot().Task("web-1")
	fmt.Println("labelled:", *launched.Info.Labels.Labels[0].Value == status.FrameworkID, err)
	stop()
	<-ended
	fmt.Println("records:", len(store.records))
	// Output:
	// running <nil>
	// labelled: true <nil>
	// records: 3
}
