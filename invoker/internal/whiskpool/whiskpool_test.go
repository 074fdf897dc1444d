package whiskpool

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/workload"
)

const (
	ms    = time.Millisecond
	start = 700 * ms // about
)

// calls are calls that run for a second each.
func calls(actions []workload.Action, all ...workload.Call) *workload.Workload {
	for i := range all {
		if all[i].Run == 0 {
			all[i].Run = time.Second
		}
	}
	return &workload.Workload{Actions: actions, Calls: all}
}

func at(t time.Duration, action int) workload.Call { return workload.Call{At: t, Action: action} }

func actions(memory ...int) []workload.Action {
	var all []workload.Action
	for _, m := range memory {
		all = append(all, workload.Action{Kind: "nodejs:20", Memory: m, Init: 50 * ms})
	}
	return all
}

// config is one with room for 1 GiB on two agents.
func config() Config {
	return Config{
		UserMemory: 1024, Agents: 2, AgentMemory: 1024, PauseGrace: 50 * ms, IdleTimeout: 10 * time.Minute,
		Check: 10 * time.Minute, Remove: 100 * ms,
	}
}

// counts returns how many calls were served in which way.
func counts(p *Pool) map[string]int { return p.Report.Counts() }

func TestAWarmContainerOfTheActionServes(t *testing.T) {
	p := New(config(), calls(actions(256, 256), at(0, 0), at(5*time.Second, 0), at(6*time.Second, 1)))
	p.Run(time.Minute)
	require.Equal(t, map[string]int{workload.Cold: 2, workload.Warm: 1}, counts(p))
	require.Zero(t, p.Report.Wait(0))
}

func TestAFreeContainerIsRemovedAfterItWasPausedForTheIdleTimeout(t *testing.T) {
	w := calls(actions(256), at(0, 0))
	p := New(config(), w)
	p.Run(11 * time.Minute)
	first := workload.StartTime("nodejs:20", 1)
	gone := first + 50*ms + time.Second + 50*ms + 10*time.Minute + 100*ms
	require.InDelta(t, 256*gone.Seconds(), p.Report.MemorySeconds(), 1e-6)
}

func TestAStemCellServesAndItsReplacementStartsAtOnce(t *testing.T) {
	c := config()
	c.UserMemory = 2048
	c.Stems = []Stem{{Kind: "nodejs:20", Memory: 256, Initial: 1}}
	p := New(c, calls(actions(256, 256, 512), at(10*time.Second, 0), at(10*time.Second, 1), at(15*time.Second, 1), at(20*time.Second, 2)))
	p.Run(11 * time.Second)
	require.Equal(t, 3, p.Report.Starts, "the stem cell, its replacement, and one for the second call")
	p.Run(time.Minute)
	require.Equal(t, map[string]int{workload.Prewarmed: 1, workload.Cold: 2, workload.Warm: 1}, counts(p), "512 MiB is another size")
}

func TestACallIsTiedToTheContainerThatIsStartedForIt(t *testing.T) {
	p := New(config(), calls(actions(256), workload.Call{At: 0, Run: ms}, at(start, 0)))
	p.Run(time.Minute)
	require.Equal(t, map[string]int{workload.Cold: 2}, counts(p), "although the first one is free before the second has started")
}

func TestTheLeastRecentlyUsedAreRemovedUntilTheSumOverAllHostsSuffices(t *testing.T) {
	c := config()
	c.AgentMemory = 512
	p := New(c, calls(actions(256, 256, 256, 256, 512), at(0, 0), at(10*time.Second, 1), at(20*time.Second, 2), at(30*time.Second, 3),
		at(40*time.Second, 4), at(60*time.Second, 2), at(60*time.Second, 3)))
	p.Run(50 * time.Second)
	require.Equal(t, []Agent{{256, 1}, {256, 1}}, p.Agents(), "what was freed is of no use, since it is not in one place")
	require.Equal(t, 4, p.Report.Calls())
	p.Run(2 * time.Minute)
	require.Equal(t, 6, p.Report.Calls(), "the fifth waits for ever")
	require.Equal(t, 2, counts(p)[workload.Warm])

	c.AgentMemory = 1024
	p = New(c, calls(actions(256, 256, 256, 256, 512), at(0, 0), at(10*time.Second, 1), at(20*time.Second, 2), at(30*time.Second, 3), at(40*time.Second, 4)))
	p.Run(2 * time.Minute)
	require.Equal(t, map[string]int{workload.Cold: 4, workload.Recreated: 1}, counts(p))
}

func TestWhileTheHeadOfTheQueueWaitsForMemoryACallWhoseContainerIsFreeWaitsToo(t *testing.T) {
	p := New(config(), calls(actions(512, 256, 1024),
		workload.Call{At: 0, Action: 0, Run: 20 * time.Second}, at(0, 1), at(5*time.Second, 2), at(6*time.Second, 1)))
	p.Run(10 * time.Second)
	require.Equal(t, 2, p.Report.Calls())
	p.Run(time.Minute)
	require.Equal(t, map[string]int{workload.Cold: 2, workload.Recreated: 2}, counts(p), "even that of the waiter is removed for the head")
	require.Greater(t, p.Report.Wait(0.67), 10*time.Second)
}

func TestMemoryOfStartingContainersAndStemCellsCountsThatOfRemovedOnesDoesNot(t *testing.T) {
	c := config()
	c.Stems = []Stem{{Kind: "nodejs:20", Memory: 512, Initial: 3}}
	p := New(c, calls(actions(256), at(0, 0)))
	p.Run(time.Minute)
	require.Equal(t, 2, p.Report.Starts, "only two have room, and the call has none")
	require.Zero(t, p.Report.Calls())

	c = config()
	c.UserMemory = 256
	c.Remove = time.Hour
	p = New(c, calls(actions(256, 256), at(0, 0), at(10*time.Second, 1)))
	p.Run(time.Minute)
	require.Equal(t, 2, p.Report.Calls())
	require.Equal(t, 2, p.Agents()[0].Containers+p.Agents()[1].Containers, "overcommitted")
}

func TestStemCellsEndAtTheirTimeToLiveAndFollowTheFormula(t *testing.T) {
	c := config()
	c.Stems = []Stem{{Kind: "nodejs:20", Memory: 128, Initial: 1, Least: 1, Most: 3, Threshold: 2, Increment: 2, TTL: 5 * time.Minute}}
	// At 9 min one is warm-started, and four more are started for calls: 4 / 2 × 2 = 4, at most 3.
	var all []workload.Call
	for i := range 5 {
		all = append(all, at(9*time.Minute+time.Duration(i), i))
	}
	p := New(c, calls(actions(128, 128, 128, 128, 128), all...))
	p.Run(9*time.Minute + 30*time.Second)
	require.Equal(t, map[string]int{workload.Prewarmed: 1, workload.Cold: 4}, counts(p))
	require.Len(t, p.stems(c.Stems[0]), 1)
	p.Run(10*time.Minute + 30*time.Second)
	require.Len(t, p.stems(c.Stems[0]), 3)
	p.Run(20*time.Minute + 30*time.Second)
	stems := p.stems(c.Stems[0])
	require.Len(t, stems, 1, "no cold starts: the least")
	require.Equal(t, 20*time.Minute, stems[0].born)
}
