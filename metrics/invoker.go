package metrics

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// invokerSnapshot is what a pool holds at a time. All of it is zero on a member that does not lead.
type invokerSnapshot struct {
	invoker.Stats
	running bool
	now     time.Time
}

// poolOf waits for nothing: its context has ended.
func poolOf(v *invoker.Invoker) invokerSnapshot {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	stats, err := v.Stats(ctx)
	return invokerSnapshot{stats, err == nil, time.Now()}
}

// containerStates are those of containers that are there.
func containerStates() []invoker.State {
	return []invoker.State{
		invoker.StateCreating, invoker.StateProbing, invoker.StateStem, invoker.StateBinding, invoker.StateBusy, invoker.StateIdle,
		invoker.StateSuspended, invoker.StateResuming, invoker.StateMarked, invoker.StateRemoving,
	}
}

// invokerMetrics returns the metrics of an invoker, in the order of docs/metrics.md.
func invokerMetrics() []metric[invokerSnapshot] {
	type from = *invokerSnapshot
	const mebi = 1 << 20
	return []metric[invokerSnapshot]{
		level("invoker_running", "1 while the invoker of this process has the pool: on the leader, if there is an election.",
			func(s from) float64 { return oneIf(s.running) }),
		{"invoker_containers", gauge, "Containers by their state.", []string{"state"}, func(s from, to *samples) {
			for _, state := range containerStates() {
				to.add(float64(s.Containers[state]), string(state))
			}
		}},
		level("invoker_memory_used_bytes", "Memory of all containers, also of those that start or are being removed.",
			func(s from) float64 { return float64(s.Used) * mebi }),
		level("invoker_memory_limit_bytes", "Memory that all containers may have together. 0: what the platform has.",
			func(s from) float64 { return float64(s.Limit) * mebi }),
		level("invoker_waiting", "Callers that wait for a container.", func(s from) float64 { return float64(s.Waiting) }),
		level("invoker_oldest_wait_seconds", "For how long the one of them waits that waits longest.", func(s from) float64 {
			if s.Oldest.IsZero() {
				return 0
			}
			return max(0, s.now.Sub(s.Oldest).Seconds())
		}),
		{"invoker_starts_total", counter, "Containers that callers got, by how: from the beginning of the run on.", []string{"kind"}, func(s from, to *samples) {
			for kind := invoker.Warm; kind <= invoker.Recreated; kind++ {
				to.add(float64(s.Starts[kind]), kind.String())
			}
		}},
		stems("invoker_stem_cells_wanted", "Stem cells that there are to be.", func(s invoker.StemStats) int { return s.Want }),
		stems("invoker_stem_cells_ready", "Stem cells that there are.", func(s invoker.StemStats) int { return s.Have }),
		stems("invoker_stem_cells_starting", "Containers that start and are bound to nothing.", func(s invoker.StemStats) int { return s.Starting }),
	}
}

// stems returns a gauge of each kind of stem cells.
func stems(name, help string, value func(invoker.StemStats) int) metric[invokerSnapshot] {
	return metric[invokerSnapshot]{name, gauge, help, []string{"kind", "image", "memory"}, func(s *invokerSnapshot, to *samples) {
		for _, stem := range s.Stems {
			if stem.Tenant == "" { // those of users' images were started for a caller
				to.add(float64(value(stem)), strings.ToValidUTF8(stem.Kind, "�"), strings.ToValidUTF8(stem.Image, "�"), strconv.Itoa(stem.Memory))
			}
		}
	}}
}
