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

// racks returns a cluster of three agents, each in a rack of its own.
func racks() mesostest.Config {
	return mesostest.Config{Agents: []mesostest.Agent{{Attributes: "rack:r1"}, {Attributes: "rack:r2"}, {Attributes: "rack:r3"}}}
}

// submitMisfits submits two tasks for a rack. No agent there has enough for either task, but each has the minimum of
// what the two ask for.
func (h *harness) submitMisfits(ctx context.Context, rack string) {
	for id, change := range map[string]func(*task.Spec){
		"many cpus": func(s *task.Spec) { s.CPUs = 1000 },
		"much mem":  func(s *task.Spec) { s.Mem = 1e6 },
	} {
		spec := sleeper(id)
		spec.Constraints = []task.Constraint{{Attribute: "rack", Operator: task.OpLike, Value: rack}}
		change(&spec)
		require.NoError(h, h.sched.Submit(ctx, spec))
	}
}

// offerers returns a function that returns the hosts from which offers have come, until ctx ends.
func (h *harness) offerers(ctx context.Context) func() []string {
	events := h.sched.WatchRaw(ctx)
	hosts := map[string]bool{}
	go func() {
		for e := range events {
			for _, o := range e.GetOffers().GetOffers() {
				h.mu.Lock()
				hosts[o.Hostname] = true
				h.mu.Unlock()
			}
		}
	}()
	return func() []string {
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		defer clear(hosts)
		return slices.Sorted(maps.Keys(hosts))
	}
}

func (h *harness) framework() mesostest.FrameworkState { return h.master.Snapshot().Frameworks[0] }

const onlyR2 = `{"role_constraints":{"*":{"groups":[{"attribute_constraints":[{"selector":{"attribute_name":"rack"},"predicate":{"text_matches":{"regex":"r2"}}}]}]}}}`

// After 5 s the master no longer offers the agents on which no pending task may run. A new task that may run anywhere
// does not wait.
func TestOfferFilter(t *testing.T) {
	for _, json := range []bool{false, true} {
		withHarness(t, racks(), scheduler.Config{JSON: json}, func(ctx context.Context, h *harness) {
			offerers := h.offerers(ctx)
			h.submitMisfits(ctx, "r2")
			h.at(4 * time.Second)
			require.Len(h, offerers(), 3)
			require.Empty(h, h.framework().Constraints)
			h.at(6 * time.Second)
			require.Equal(h, onlyR2, h.framework().Constraints)
			require.Equal(h, map[string][]map[string]float64{"*": {{"cpus": 1, "mem": 128}}}, h.framework().MinAllocatable)
			h.at(time.Hour)
			require.Equal(h, []string{"agent2.example"}, offerers())
			require.Equal(h, 1, h.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK])

			spec := sleeper("anywhere")
			spec.CPUs = 0.1
			before := time.Now()
			_, err := h.sched.Launch(ctx, spec)
			require.NoError(h, err)
			require.Less(h, time.Since(before), 200*time.Millisecond, "what a launch takes")
			require.Len(h, offerers(), 3)
			require.Empty(h, h.framework().Constraints)
			require.Empty(h, h.framework().MinAllocatable)
			h.at(2 * time.Hour)
			require.Equal(h, onlyR2, h.framework().Constraints, "what is pending still")
			require.Equal(h, 3, h.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK])
		})
	}
}

// Tasks that are placed at once cause no calls, however different they are.
func TestOfferFilterSparesWhatIsPlaced(t *testing.T) {
	withHarness(t, racks(), scheduler.Config{}, func(ctx context.Context, h *harness) {
		for i := range 50 {
			spec := sleeper(fmt.Sprint(i))
			spec.CPUs, spec.Mem = 0.01+float64(i)/1000, 32
			if i%2 == 0 {
				spec.Constraints = []task.Constraint{{Attribute: "rack", Operator: task.OpLike, Value: []string{"r1", "r2"}[i/2%2]}}
			}
			_, err := h.sched.Launch(ctx, spec)
			require.NoError(h, err)
			h.at(time.Duration(i) * 7 * time.Second)
		}
		require.Zero(h, h.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK])
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
			withHarness(t, cluster, c.config, func(ctx context.Context, h *harness) {
				offerers := h.offerers(ctx)
				h.submitMisfits(ctx, "r2")
				h.at(time.Hour)
				require.Len(h, offerers(), 3)
				require.Zero(h, h.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK])
				require.Empty(h, h.framework().MinAllocatable)
			})
		})
	}
}

// A master refuses expressions that are too complex for it. The subscription goes on, and so do other constraints.
func TestOfferFilterRefused(t *testing.T) {
	withHarness(t, racks(), scheduler.Config{}, func(ctx context.Context, h *harness) {
		h.submitMisfits(ctx, "(r2){1,200}")
		h.at(time.Minute)
		require.Equal(h, 2, h.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK])
		require.Equal(h, strings.Replace(onlyR2, `"text_matches":{"regex":"r2"}`, `"exists":{}`, 1), h.framework().Constraints)
		_, err := h.sched.Launch(ctx, sleeper("anywhere"))
		require.NoError(h, err)
		events, _ := h.connections()
		require.Len(h, events, 1)
	})
}

// The next subscription begins with the same constraints, also with another master.
func TestOfferFilterOutlivesSubscriptions(t *testing.T) {
	cluster := racks()
	cluster.SessionTimeout = time.Second
	withMasters(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		offerers := h.offerers(ctx)
		h.submitMisfits(ctx, "r2")
		for i, disturb := range []func(){
			func() {},
			h.master.CutStreams,
			func() { require.True(h, h.master.LoseMaster(0)) },
		} {
			h.at(time.Duration(i+1) * time.Hour)
			offerers()
			disturb()
			h.at(time.Duration(i+1)*time.Hour + 20*time.Minute)
			require.Equal(h, onlyR2, h.framework().Constraints)
			require.Equal(h, []string{"agent2.example"}, offerers())
		}
		require.Equal(h, 1, h.master.Snapshot().Calls[calls.Call_UPDATE_FRAMEWORK], "SUBSCRIBE had them")
		_, err := h.sched.Launch(ctx, sleeper("anywhere"))
		require.NoError(h, err)
	})
}

// A call of the user's is not undone.
func TestOfferFilterKeepsTheUsersFrameworkInfo(t *testing.T) {
	config := scheduler.Config{Framework: scheduler.Framework{User: "nobody", NoCheckpoint: true}}
	withHarness(t, racks(), config, func(ctx context.Context, h *harness) {
		h.submitMisfits(ctx, "r2")
		h.at(time.Minute)
		require.NoError(h, h.sched.Call(ctx, &calls.Call{Type: calls.Call_UPDATE_FRAMEWORK, UpdateFramework: &calls.Call_UpdateFramework{
			FrameworkInfo: mesos.FrameworkInfo{Name: "renamed", User: "nobody", Roles: []string{"*"}, FailoverTimeout: optional(3600.0),
				Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}},
		}}))
		require.Empty(h, h.framework().Constraints)
		h.at(2 * time.Minute)
		require.Contains(h, h.framework().Constraints, "text_matches")
		require.Equal(h, "renamed", h.framework().Name)
	})
}

// Limits reach the master, infinite ones also as JSON.
func TestLimits(t *testing.T) {
	for _, json := range []bool{false, true} {
		withHarness(t, racks(), scheduler.Config{JSON: json}, func(ctx context.Context, h *harness) {
			spec := sleeper("a")
			spec.Limits = &task.Limits{CPUs: task.Unlimited, Mem: 256}
			_, err := h.sched.Launch(ctx, spec)
			require.NoError(h, err)
			require.Equal(h, map[string]float64{"cpus": math.Inf(1), "mem": 256}, h.framework().Tasks[0].Limits)
		})
	}
}

// Revocable resources are offered to frameworks that can use them.
func TestRevocable(t *testing.T) {
	for _, revocable := range []bool{false, true} {
		withHarness(t, racks(), scheduler.Config{Framework: scheduler.Framework{Revocable: revocable}}, func(ctx context.Context, h *harness) {
			spec := sleeper("a")
			spec.Revocable = true
			err := h.sched.Submit(ctx, spec)
			if revocable {
				require.NoError(h, err)
				return
			}
			var field *task.FieldError
			require.ErrorAs(h, err, &field)
			require.Equal(h, "Revocable", field.Field)
		})
	}
}
