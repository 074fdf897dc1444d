package scheduler_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// racks is a cluster of three agents, each in a rack of its own.
func racks() mesostest.Config {
	return mesostest.Config{Agents: []mesostest.Agent{{Attributes: "rack:r1"}, {Attributes: "rack:r2"}, {Attributes: "rack:r3"}}}
}

// submitMisfits submits two tasks for a rack of which no agent has room for either, though it has the least that
// both ask for.
func (w *world) submitMisfits(ctx context.Context, rack string) {
	for id, change := range map[string]func(*task.Spec){
		"many cpus": func(s *task.Spec) { s.CPUs = 1000 },
		"much mem":  func(s *task.Spec) { s.Mem = 1e6 },
	} {
		spec := sleeper(id)
		spec.Constraints = []task.Constraint{{Attribute: "rack", Operator: task.Like, Value: rack}}
		change(&spec)
		require.NoError(w, w.sched.Submit(ctx, spec))
	}
}

// offerers collects the hosts that offers come from, until ctx ends.
func (w *world) offerers(ctx context.Context) func() []string {
	events := w.sched.WatchRaw(ctx)
	hosts := map[string]bool{}
	go func() {
		for e := range events {
			for _, o := range e.GetOffers().GetOffers() {
				w.mu.Lock()
				hosts[o.Hostname] = true
				w.mu.Unlock()
			}
		}
	}()
	return func() []string {
		synctest.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		defer clear(hosts)
		return slices.Sorted(maps.Keys(hosts))
	}
}

func (w *world) framework() mesostest.FrameworkState { return w.master.Snapshot().Frameworks[0] }

const onlyR2 = `{"role_constraints":{"*":{"groups":[{"attribute_constraints":[{"selector":{"attribute_name":"rack"},"predicate":{"text_matches":{"regex":"r2"}}}]}]}}}`

// After 5 s the agents that no pending task may run on are offered no more, and a task that may run anywhere
// waits for nothing.
func TestOfferFilter(t *testing.T) {
	for _, json := range []bool{false, true} {
		inWorld(t, racks(), scheduler.Config{JSON: json}, func(ctx context.Context, w *world) {
			offerers := w.offerers(ctx)
			w.submitMisfits(ctx, "r2")
			w.at(4 * time.Second)
			require.Len(w, offerers(), 3)
			require.Empty(w, w.framework().Constraints)
			w.at(6 * time.Second)
			require.Equal(w, onlyR2, w.framework().Constraints)
			require.Equal(w, map[string][]map[string]float64{"*": {{"cpus": 1, "mem": 128}}}, w.framework().MinAllocatable)
			w.at(time.Hour)
			require.Equal(w, []string{"agent2.example"}, offerers())
			require.Equal(w, 1, w.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK])

			spec := sleeper("anywhere")
			spec.CPUs = 0.1
			before := time.Now()
			_, err := w.sched.Launch(ctx, spec)
			require.NoError(w, err)
			require.Less(w, time.Since(before), 200*time.Millisecond, "what a launch takes")
			require.Len(w, offerers(), 3)
			require.Empty(w, w.framework().Constraints)
			require.Empty(w, w.framework().MinAllocatable)
			w.at(2 * time.Hour)
			require.Equal(w, onlyR2, w.framework().Constraints, "what is pending still")
			require.Equal(w, 3, w.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK])
		})
	}
}

// Tasks that find their places cost no calls, however different they are.
func TestOfferFilterSparesWhatIsPlaced(t *testing.T) {
	inWorld(t, racks(), scheduler.Config{}, func(ctx context.Context, w *world) {
		for i := range 50 {
			spec := sleeper(fmt.Sprint(i))
			spec.CPUs, spec.Mem = 0.01+float64(i)/1000, 32
			if i%2 == 0 {
				spec.Constraints = []task.Constraint{{Attribute: "rack", Operator: task.Like, Value: []string{"r1", "r2"}[i/2%2]}}
			}
			_, err := w.sched.Launch(ctx, spec)
			require.NoError(w, err)
			w.at(time.Duration(i) * 7 * time.Second)
		}
		require.Zero(w, w.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK])
	})
}

func TestNoOfferFilter(t *testing.T) {
	for name, c := range map[string]struct {
		version string
		config  scheduler.Config
	}{
		"an older master":    {version: "1.10.0"},
		"another one":        {version: "1.9.0"},
		"cycles are counted": {config: scheduler.Config{Offers: scheduler.OfferPolicy{MaxCycles: 1e6}}},
		"not wanted":         {config: scheduler.Config{Offers: scheduler.OfferPolicy{NoOfferConstraints: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := racks()
			cluster.Version = c.version
			inWorld(t, cluster, c.config, func(ctx context.Context, w *world) {
				offerers := w.offerers(ctx)
				w.submitMisfits(ctx, "r2")
				w.at(time.Hour)
				require.Len(w, offerers(), 3)
				require.Zero(w, w.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK])
				require.Empty(w, w.framework().MinAllocatable)
			})
		})
	}
}

// A master refuses expressions that are too complex for it. That costs neither the subscription nor the rest.
func TestOfferFilterRefused(t *testing.T) {
	inWorld(t, racks(), scheduler.Config{}, func(ctx context.Context, w *world) {
		w.submitMisfits(ctx, "(r2){1,200}")
		w.at(time.Minute)
		require.Equal(w, 2, w.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK])
		require.Equal(w, strings.Replace(onlyR2, `"text_matches":{"regex":"r2"}`, `"exists":{}`, 1), w.framework().Constraints)
		_, err := w.sched.Launch(ctx, sleeper("anywhere"))
		require.NoError(w, err)
		events, _ := w.connections()
		require.Len(w, events, 1)
	})
}

// The next subscription begins with the same constraints, also with another master.
func TestOfferFilterOutlivesSubscriptions(t *testing.T) {
	cluster := racks()
	cluster.SessionTimeout = time.Second
	inWorldOf(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, w *world) {
		offerers := w.offerers(ctx)
		w.submitMisfits(ctx, "r2")
		for i, disturb := range []func(){
			func() {},
			w.master.CutStreams,
			func() { require.True(w, w.master.LoseMaster(0)) },
		} {
			w.at(time.Duration(i+1) * time.Hour)
			offerers()
			disturb()
			w.at(time.Duration(i+1)*time.Hour + 20*time.Minute)
			require.Equal(w, onlyR2, w.framework().Constraints)
			require.Equal(w, []string{"agent2.example"}, offerers())
		}
		require.Equal(w, 1, w.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK], "SUBSCRIBE had them")
		_, err := w.sched.Launch(ctx, sleeper("anywhere"))
		require.NoError(w, err)
	})
}

// A call of the user's is not undone.
func TestOfferFilterKeepsTheUsersFrameworkInfo(t *testing.T) {
	config := scheduler.Config{Framework: scheduler.Framework{User: "nobody", NoCheckpoint: true}}
	inWorld(t, racks(), config, func(ctx context.Context, w *world) {
		w.submitMisfits(ctx, "r2")
		w.at(time.Minute)
		require.NoError(w, w.sched.Call(ctx, &calls.Call{Type: calls.Call_UPDATE_FRAMEWORK, UpdateFramework: &calls.Call_UpdateFramework{
			FrameworkInfo: mesos.FrameworkInfo{Name: "renamed", User: "nobody", Roles: []string{"*"}, FailoverTimeout: optional(3600.0),
				Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}},
		}}))
		require.Empty(w, w.framework().Constraints)
		w.at(2 * time.Minute)
		require.Contains(w, w.framework().Constraints, "text_matches")
		require.Equal(w, "renamed", w.framework().Name)
	})
}

// Limits reach the master, infinite ones also as JSON.
func TestLimits(t *testing.T) {
	for _, json := range []bool{false, true} {
		inWorld(t, racks(), scheduler.Config{JSON: json}, func(ctx context.Context, w *world) {
			spec := sleeper("a")
			spec.Limits = &task.Limits{CPUs: task.Unlimited, Mem: 256}
			_, err := w.sched.Launch(ctx, spec)
			require.NoError(w, err)
			require.Equal(w, map[string]float64{"cpus": math.Inf(1), "mem": 256}, w.framework().Tasks[0].Limits)
		})
	}
}

// Revocable resources come to those who can use them.
func TestRevocable(t *testing.T) {
	for _, revocable := range []bool{false, true} {
		inWorld(t, racks(), scheduler.Config{Framework: scheduler.Framework{Revocable: revocable}}, func(ctx context.Context, w *world) {
			spec := sleeper("a")
			spec.Revocable = true
			err := w.sched.Submit(ctx, spec)
			if revocable {
				require.NoError(w, err)
				return
			}
			var field *task.FieldError
			require.ErrorAs(w, err, &field)
			require.Equal(w, "Revocable", field.Field)
		})
	}
}
