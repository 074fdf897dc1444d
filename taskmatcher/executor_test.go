package taskmatcher_test

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// The executor of a task is placed with it: after it, from the same offers, and both revocable or neither.
func TestExecutorIsPlacedWithItsTask(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason         string
		offered        []mesos.Resource
		task, executor []mesos.Resource
		rejected       string
	}{
		{
			"enough for both", []mesos.Resource{scalar("cpus", 1), scalar("mem", 96)},
			[]mesos.Resource{scalar("cpus", 0.5), scalar("mem", 64)}, []mesos.Resource{scalar("cpus", 0.5), scalar("mem", 32)}, "",
		},
		{
			"reserved resources go to the task first", []mesos.Resource{reserve(scalar("cpus", 0.6), "*"), scalar("cpus", 1), scalar("mem", 96)},
			[]mesos.Resource{reserve(scalar("cpus", 0.5), "*"), scalar("mem", 64)},
			[]mesos.Resource{reserve(scalar("cpus", 0.1), "*"), scalar("cpus", 0.4), scalar("mem", 32)}, "",
		},
		{
			"revocable for both or for neither", []mesos.Resource{revocable(scalar("cpus", 0.9)), scalar("cpus", 1), scalar("mem", 96)},
			[]mesos.Resource{scalar("cpus", 0.5), scalar("mem", 64)}, []mesos.Resource{scalar("cpus", 0.5), scalar("mem", 32)}, "",
		},
		{"enough for the task only", []mesos.Resource{scalar("cpus", 0.9), scalar("mem", 96)}, nil, nil, "cpus"},
	} {
		s := task.Spec{ID: "x", CPUs: 0.5, Mem: 64, Revocable: true, Executor: &task.ExecutorResources{CPUs: 0.5, Mem: 32}}
		for _, v := range variants()[:3] {
			cycle := cycleOf([]task.Spec{s}, []task.Offer{offer("a", c.offered...)})
			placements, rejections := v.fast.Match(cycle)
			require.NoError(t, check(v.slow, cycle, placements, rejections), c.reason)
			if c.rejected != "" {
				require.Equal(t, c.rejected, rejections[0].Reasons[0].Resource, c.reason)
				require.InDelta(t, 0.1, rejections[0].Reasons[0].Short, 0, c.reason)
				continue
			}
			require.Equal(t, c.task, placements[0].Resources, c.reason)
			require.Equal(t, c.executor, placements[0].ExecutorResources, c.reason)
		}
	}
	without := spec("x", 1, 1, 0)
	placements, _ := taskmatcher.FirstFit{}.Match(cycleOf([]task.Spec{without}, []task.Offer{plain("a", 100)}))
	require.Nil(t, placements[0].ExecutorResources)
}
